//! `af2 synth`: a synthetic release on disk, or the model it converts to.

use std::path::Path;

use af2_convert::synth::{Size, SyntheticRelease};
use af2_convert::{Inputs, Options};
use pollster::block_on;

use super::error::ConvertError;
use super::output::Output;
use super::write_model;

/// Writes a release directory: chunks, settings, language model's configuration and tokenizer. Returns the bytes of all
/// tensors.
///
/// # Errors
/// The directory exists and is not empty, or cannot be written.
pub fn release(size: Size, seed: u64, out: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<u64, ConvertError> {
    let mut output = Output::new(out)?;
    let release = SyntheticRelease::new(size, seed)?;
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

#[cfg(test)]
mod tests {
    use af2_convert::Release;

    use super::*;
    use crate::bench::roofline::Work;

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
