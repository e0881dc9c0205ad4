//! Files that the page can read in ranges: `File`s of a folder that the user picked.

use std::ops::Range;

use af2_convert::{LocalFuture, Source, StorageError};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use crate::failure::reason;

#[wasm_bindgen(typescript_custom_section)]
const TYPESCRIPT: &str = r"
/** A folder of files; paths have forward slashes. */
export interface ReleaseFiles {
  /** Bytes of a file; undefined if there is none. */
  size(path: string): number | undefined;
  read(path: string, begin: number, end: number): Promise<Uint8Array>;
}
";

#[wasm_bindgen]
extern "C" {
    /// The page's `ReleaseFiles`.
    #[wasm_bindgen(typescript_type = "ReleaseFiles")]
    pub type ReleaseFiles;

    #[wasm_bindgen(method, catch)]
    fn size(this: &ReleaseFiles, path: &str) -> Result<Option<f64>, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn read(this: &ReleaseFiles, path: &str, begin: f64, end: f64) -> Result<JsValue, JsValue>;
}

/// A folder inside of the page's files.
pub struct Folder<'f> {
    files: &'f ReleaseFiles,
    /// Empty, or a path with a slash at its end.
    prefix: String,
}

impl<'f> Folder<'f> {
    /// The folder at `path`; the whole selection if it is empty.
    pub fn new(files: &'f ReleaseFiles, path: &str) -> Self {
        let prefix = if path.is_empty() { String::new() } else { format!("{}/", path.trim_end_matches('/')) };
        Self { files, prefix }
    }

    fn error(&self, object: &str, reason: String, absent: bool) -> StorageError {
        StorageError { action: "read", location: self.locate(object), reason, absent }
    }
}

impl Source for Folder<'_> {
    fn locate(&self, object: &str) -> String {
        format!("{}{object}", self.prefix)
    }

    fn size<'a>(&'a self, object: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move {
            let found = self.files.size(&self.locate(object));
            let bytes = found.map_err(|thrown| self.error(object, reason(&thrown), false))?;
            bytes
                .map(|bytes| bytes as u64)
                .ok_or_else(|| self.error(object, "the folder has no such file".into(), true))
        })
    }

    fn read<'a>(&'a self, object: &'a str, bytes: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move {
            let path = self.locate(object);
            let read = self.files.read(&path, bytes.start as f64, bytes.end as f64).await;
            let chunk = read.map_err(|thrown| self.error(object, reason(&thrown), false))?;
            Ok(Uint8Array::new(&chunk).to_vec())
        })
    }
}
