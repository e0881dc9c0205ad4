//! A file of the page, read by ranges, so that it need not be in memory as a whole.

use crate::request::Request;
use js_sys::{Function, Uint8Array};
use std::io::{self, Read, Seek, SeekFrom};
use wasm_bindgen::{JsCast, JsValue};

/// What `read(offset, length)` gives: a `Uint8Array` of that length.
pub struct PageFile {
    read: Function,
    length: u64,
    at: u64,
}

impl PageFile {
    /// The file that `request` has as `read` and `length`, in bytes; none if it has none.
    pub fn of(request: &Request) -> Option<Self> {
        let length = request.number("length")?;
        Some(Self { read: request.function("read")?, length: length as u64, at: 0 })
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl Read for PageFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = self.length.saturating_sub(self.at).min(into.len() as u64) as usize;
        if wanted == 0 {
            return Ok(0);
        }
        let bytes = self.read.call2(&JsValue::NULL, &(self.at as f64).into(), &(wanted as f64).into());
        let bytes = bytes.map_err(|thrown| io::Error::other(message(&thrown)))?;
        let bytes: Uint8Array = bytes.dyn_into().map_err(|_| io::Error::other("the page gave no bytes"))?;
        if bytes.length() as usize != wanted {
            return Err(io::Error::other("the file has changed while it was read; choose it again"));
        }
        bytes.copy_to(&mut into[..wanted]);
        self.at += wanted as u64;
        Ok(wanted)
    }
}

impl Seek for PageFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a place before the file"))?;
        Ok(self.at)
    }
}

/// What a browser says of a file that it cannot read: one that was moved or changed, for example.
fn message(thrown: &JsValue) -> String {
    thrown.dyn_ref::<js_sys::Error>().map_or_else(
        || "the browser cannot read the file; choose it again".into(),
        |error| String::from(error.message()),
    )
}
