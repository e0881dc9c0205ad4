//! The tensors of a checkpoint: their table in the catalog, their bytes on demand.

use af2_core::weights::safetensors::{Header, HeaderError, PREFIX_BYTES, TensorSpec, header_bytes};

use crate::error::ConvertError;
use crate::layout::{Catalog, Origin};
use crate::source::{Object, Source, TensorBytes};

/// How a Git LFS pointer begins.
const LFS_POINTER: &[u8] = b"version https://git-lfs";

/// Adds all tensors of a safetensors file.
pub(crate) async fn add_file<'a>(
    catalog: &mut Catalog<'a>,
    origin: Origin,
    object: Object<'a>,
) -> Result<(), ConvertError> {
    for (name, entry) in header(&object).await?.tensors {
        let bytes = TensorBytes::new(object.clone(), entry.begin);
        catalog.add(origin, &name, entry.dtype, entry.shape, bytes);
    }
    Ok(())
}

/// Adds tensors each of which is an object of its own, called by its name.
pub(crate) fn add_objects<'a>(
    catalog: &mut Catalog<'a>,
    origin: Origin,
    source: &'a dyn Source,
    tensors: &[TensorSpec],
) {
    for TensorSpec { name, dtype, shape } in tensors {
        let bytes = TensorBytes::new(Object::new(source, name.clone()), 0);
        catalog.add(origin, name, *dtype, shape.clone(), bytes);
    }
}

async fn header(object: &Object<'_>) -> Result<Header, ConvertError> {
    let fault = |error| ConvertError::Header { location: object.location(), error };
    let size = object.size().await?;
    let first = object.read(0..size.min(LFS_POINTER.len() as u64)).await?;
    if first == LFS_POINTER {
        return Err(ConvertError::LfsPointer { location: object.location() });
    }
    let Some(&prefix) = first.first_chunk() else {
        return Err(fault(HeaderError::Truncated { header: 0, file: size }));
    };
    let end = PREFIX_BYTES + header_bytes(prefix, size).map_err(fault)? as u64;
    let json = object.read(PREFIX_BYTES..end).await?;
    Header::parse(&json, size).map_err(fault)
}
