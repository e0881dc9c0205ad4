//! The conversion of a release in a folder that the user picked.

use af2_convert::{Inputs, Source};
use wasm_bindgen::prelude::*;

use crate::convert::{ImportWatcher, Opened};
use crate::files::{Folder, ReleaseFiles};
use crate::output::OutputFiles;

/// Converts the original release in a folder of the page's files. `release` and `base` are the paths of the release and of its base
/// language model; without `base` it is looked for in the release.
///
/// # Errors
/// `BAD_MODEL` names what is missing or contradicts; `BAD_REQUEST` for an unknown scheme.
#[wasm_bindgen(js_name = convertFolder)]
pub async fn convert_folder(
    name: &str,
    scheme: &str,
    files: ReleaseFiles,
    release: &str,
    base: Option<String>,
    output: OutputFiles,
    watcher: ImportWatcher,
) -> Result<(), JsValue> {
    let release = Folder::new(&files, release);
    let base = base.map(|path| Folder::new(&files, &path));
    let language_model = base.as_ref().map(|folder| folder as &dyn Source);
    let inputs = Inputs { name, release: &release, language_model, clap: None };
    Opened::open(&inputs, scheme).await?.convert(output, &watcher).await
}
