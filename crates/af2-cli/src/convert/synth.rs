//! `af2 synth`: a synthetic release on disk, or the model it converts to.

use std::path::Path;

use af2_convert::synth::{Size, SyntheticRelease};
use af2_convert::{Inputs, Options};
use pollster::block_on;

use super::error::{ConvertError, storage};
use super::output::Output;
use super::write_model;

/// How a release lies in its directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One folder: chunks, settings, the language model's configuration and tokenizer.
    Folder,
    /// The repositories of the release and of its base, as on the hub.
    Hub,
}

/// Writes a release. Returns the bytes of all tensors.
///
/// # Errors
/// The directory exists and is not empty, its disk has too little room, or it cannot be written.
pub fn release(
    size: Size,
    seed: u64,
    layout: Layout,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64, ConvertError> {
    let release = match layout {
        Layout::Folder => SyntheticRelease::new(size, seed)?,
        Layout::Hub => SyntheticRelease::on_hub(size, seed)?,
    };
    require_room(out, release.size())?;
    let mut output = Output::new(out)?;
    block_on(release.write(&mut output, progress))?;
    output.publish()?;
    Ok(release.tensor_bytes())
}

/// Writes the model that [`release`] and a conversion would give, without the release. Returns the bytes of all tensors.
///
/// # Errors
/// As [`release`].
pub fn converted(
    size: Size,
    seed: u64,
    options: &Options,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64, ConvertError> {
    let mut output = Output::new(out)?;
    let release = SyntheticRelease::new(size, seed)?;
    let inputs = Inputs { name: size.name(), release: &release, language_model: None, clap: None };
    let report = write_model(&inputs, options, &mut output, progress)?;
    output.publish()?;
    Ok(report.bytes)
}

/// Refuses a directory whose disk has fewer than `needed` bytes free.
fn require_room(out: &Path, needed: u64) -> Result<(), ConvertError> {
    let existing = out.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let free = fs4::available_space(existing).map_err(storage("examine", existing))?;
    if free < needed {
        return Err(ConvertError::NoRoom { path: out.into(), needed, free });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use af2_convert::Release;

    use super::*;
    use crate::bench::roofline::Work;

    #[test]
    fn a_disk_without_room_is_told_with_the_bytes_needed() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("absent/release");
        let message = require_room(&out, u64::MAX).unwrap_err().to_string();
        assert!(message.contains("release: 18446744073709551615 bytes are needed"), "{message}");
        require_room(&out, 1).unwrap();
    }

    /// The work that the released sizes are known to need, counted from the dimensions found in them.
    #[test]
    fn every_size_needs_its_known_work() {
        for (size, token_macs) in [(Size::B0_5, 0.670e9), (Size::B1_5, 2.12e9), (Size::B3, 4.37e9)] {
            let source = SyntheticRelease::new(size, 0).unwrap();
            let inputs = Inputs { name: size.name(), release: &source, language_model: None, clap: None };
            let work = Work::of(&block_on(Release::open(&inputs)).unwrap().config);
            assert!((work.encoder_macs as f64 / 60.4e9 - 1.0).abs() < 0.01, "{work:?}");
            assert!((work.token_macs as f64 / token_macs - 1.0).abs() < 0.01, "{work:?}");
        }
    }
}
