//! Where the converted model goes: files that the page stores.

use af2_convert::{LocalFuture, Sink, StorageError};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

use crate::failure::reason;

#[wasm_bindgen(typescript_custom_section)]
const TYPESCRIPT: &str = r"
/** Files written one after the other, and the state from which an interrupted import goes on. */
export interface OutputFiles {
  create(name: string): Promise<void>;
  /** The bytes are a view of wasm memory: it is invalid after the call. */
  write(bytes: Uint8Array): void;
  finish(): Promise<void>;
  /** Makes all bytes durable and then replaces the state, atomically. */
  checkpoint(state: Uint8Array): Promise<void>;
  lastCheckpoint(): Promise<Uint8Array | undefined>;
  /** Opens a file again, cut to its first `bytes`. */
  reopen(name: string, bytes: number): Promise<void>;
  /** Bytes of the open file. */
  readBack(begin: number, end: number): Uint8Array;
  /** Removes all files and the state. */
  restart(): Promise<void>;
}
";

#[wasm_bindgen]
extern "C" {
    /// The page's `OutputFiles`.
    #[wasm_bindgen(typescript_type = "OutputFiles")]
    pub type OutputFiles;

    #[wasm_bindgen(method, catch)]
    async fn create(this: &OutputFiles, name: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn write(this: &OutputFiles, bytes: &[u8]) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn finish(this: &OutputFiles) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn checkpoint(this: &OutputFiles, state: &Uint8Array) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = lastCheckpoint)]
    async fn last_checkpoint(this: &OutputFiles) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn reopen(this: &OutputFiles, name: &str, bytes: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = readBack)]
    fn read_back(this: &OutputFiles, begin: f64, end: f64) -> Result<Uint8Array, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn restart(this: &OutputFiles) -> Result<(), JsValue>;
}

/// Bytes read back at a time.
const CHUNK: u64 = 1 << 20;

/// A sink that the page implements.
pub struct Output {
    files: OutputFiles,
    /// The file being written.
    open: String,
}

impl Output {
    /// Nothing is written yet.
    pub fn new(files: OutputFiles) -> Self {
        Self { files, open: String::new() }
    }

    fn error(&self, thrown: &JsValue) -> StorageError {
        StorageError { action: "write", location: self.open.clone(), reason: reason(thrown), absent: false }
    }
}

impl Sink for Output {
    fn create<'a>(&'a mut self, file: &'a str) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            self.open = file.into();
            self.files.create(file).await.map_err(|thrown| self.error(&thrown))
        })
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> LocalFuture<'a, ()> {
        Box::pin(async move { self.files.write(bytes).map_err(|thrown| self.error(&thrown)) })
    }

    fn finish(&mut self) -> LocalFuture<'_, ()> {
        Box::pin(async move { self.files.finish().await.map_err(|thrown| self.error(&thrown)) })
    }

    fn checkpoint<'a>(&'a mut self, state: &'a [u8]) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            let stored = self.files.checkpoint(&Uint8Array::from(state)).await;
            stored.map_err(|thrown| self.error(&thrown))
        })
    }

    fn last_checkpoint(&mut self) -> LocalFuture<'_, Option<Vec<u8>>> {
        Box::pin(async move {
            let state = self.files.last_checkpoint().await.map_err(|thrown| self.error(&thrown))?;
            Ok((!state.is_undefined()).then(|| Uint8Array::new(&state).to_vec()))
        })
    }

    fn reopen<'a>(&'a mut self, file: &'a str, bytes: u64, seen: &'a mut dyn FnMut(&[u8])) -> LocalFuture<'a, ()> {
        Box::pin(async move {
            self.open = file.into();
            self.files.reopen(file, bytes as f64).await.map_err(|thrown| self.error(&thrown))?;
            for begin in (0..bytes).step_by(CHUNK as usize) {
                let end = (begin + CHUNK).min(bytes);
                let chunk = self.files.read_back(begin as f64, end as f64).map_err(|thrown| self.error(&thrown))?;
                seen(&chunk.to_vec());
            }
            Ok(())
        })
    }

    fn restart<'a>(&'a mut self, _reason: &'a str) -> LocalFuture<'a, ()> {
        Box::pin(async move { self.files.restart().await.map_err(|thrown| self.error(&thrown)) })
    }
}
