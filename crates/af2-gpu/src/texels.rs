//! Buffers that a kernel reads as textures.
//!
//! A software adapter loads from a buffer thread by thread, each with a check of its bounds; texels come for a whole vector of threads at
//! once. So a plan can copy a part of a buffer to a texture right before the dispatch that reads it: a matmul loads each word a hundred
//! times, and the copy moves it once.

use std::sync::Arc;

use crate::{Buffer, Gpu, GpuError, MemoryUse};

/// Texels in a row of such a texture; `common/texels.wgsl` has the same number.
const PER_ROW: u64 = 4096;

/// A part of a buffer that a dispatch reads as texels, of unsigned integers: texel i is at (i mod 4096, i / 4096).
#[derive(Debug, Clone, Copy)]
pub struct Texels<'a> {
    /// The variable in the shader.
    pub name: &'a str,
    /// The buffer.
    pub buffer: &'a Buffer,
    /// Where the part starts, in bytes; a multiple of the texel's bytes.
    pub offset: u64,
    /// Length of the part; a multiple of the texel's bytes.
    pub bytes: u64,
    /// Words of 4 bytes in a texel.
    pub texel: Texel,
}

/// Words in a texel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texel {
    /// One; the others read as 0, 0 and 1.
    Word,
    /// Four.
    Quad,
}

impl Texel {
    fn bytes(self) -> u64 {
        match self {
            Self::Word => 4,
            Self::Quad => 16,
        }
    }

    fn format(self) -> wgpu::TextureFormat {
        match self {
            Self::Word => wgpu::TextureFormat::R32Uint,
            Self::Quad => wgpu::TextureFormat::Rgba32Uint,
        }
    }
}

impl Texels<'_> {
    /// Rows of the texture.
    fn rows(&self) -> u64 {
        (self.bytes / self.texel.bytes()).div_ceil(PER_ROW)
    }

    /// Whether the device has textures that large. Not in browsers: the engine's bindings there are cut to buffers, and the CPU engine is
    /// faster than a software adapter.
    pub(crate) fn fit(&self, gpu: &Gpu) -> bool {
        let most = u64::from(gpu.limits().max_texture_dimension_2d);
        !cfg!(target_arch = "wasm32") && PER_ROW <= most && self.rows() <= most
    }
}

/// A [`Texels`] that waits for its texture.
pub(crate) struct Wanted {
    binding: u32,
    buffer: Buffer,
    offset: u64,
    bytes: u64,
    texel: Texel,
    rows: u64,
}

impl Wanted {
    pub fn new(binding: u32, texels: &Texels<'_>) -> Self {
        let Texels { buffer, offset, bytes, texel, .. } = *texels;
        Self { binding, buffer: buffer.clone(), offset, bytes, texel, rows: texels.rows() }
    }
}

/// A texture, destroyed with the last copy to it.
struct Texture {
    raw: wgpu::Texture,
    view: wgpu::TextureView,
    bytes: u64,
    memory: Arc<MemoryUse>,
}

impl Drop for Texture {
    fn drop(&mut self) {
        self.raw.destroy();
        self.memory.remove(self.bytes);
    }
}

/// The copy to a texture that comes before a dispatch.
pub(crate) struct TexelCopy {
    pub binding: u32,
    from: Buffer,
    offset: u64,
    texels: u64,
    texel: Texel,
    to: Arc<Texture>,
}

impl TexelCopy {
    pub fn view(&self) -> &wgpu::TextureView {
        &self.to.view
    }

    /// Whole rows, then what is left.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let row_bytes = PER_ROW * self.texel.bytes();
        let mut copy = |first_row: u64, width: u64, rows: u64| {
            if width * rows == 0 {
                return;
            }
            let layout = wgpu::TexelCopyBufferLayout {
                offset: self.offset + first_row * row_bytes,
                bytes_per_row: Some(row_bytes as u32),
                rows_per_image: None,
            };
            let origin = wgpu::Origin3d { x: 0, y: first_row as u32, z: 0 };
            encoder.copy_buffer_to_texture(
                wgpu::TexelCopyBufferInfo { buffer: self.from.raw(), layout },
                wgpu::TexelCopyTextureInfo { origin, ..self.to.raw.as_image_copy() },
                wgpu::Extent3d { width: width as u32, height: rows as u32, depth_or_array_layers: 1 },
            );
        };
        copy(0, PER_ROW, self.texels / PER_ROW);
        copy(self.texels / PER_ROW, self.texels % PER_ROW, 1);
    }
}

/// The textures of a plan. Dispatches follow one another, so one texture per binding and kind of texel serves them all.
pub(crate) struct Pool(Vec<(u32, Texel, Arc<Texture>)>);

impl Pool {
    /// Textures as large as the largest of `wanted` asks for.
    ///
    /// # Errors
    /// The device allows no texture of this size.
    pub fn new<'a>(gpu: &Gpu, label: &str, wanted: impl Iterator<Item = &'a Wanted>) -> Result<Self, GpuError> {
        let mut sizes: Vec<(u32, Texel, u64)> = Vec::new();
        for Wanted { binding, texel, rows, .. } in wanted {
            match sizes.iter_mut().find(|size| (size.0, size.1) == (*binding, *texel)) {
                Some(size) => size.2 = size.2.max(*rows),
                None => sizes.push((*binding, *texel, *rows)),
            }
        }
        let made = sizes.into_iter().map(|(binding, texel, rows)| {
            let texture = texture(gpu, label, texel, rows.max(1))?;
            Ok((binding, texel, Arc::new(texture)))
        });
        Ok(Self(made.collect::<Result<_, GpuError>>()?))
    }

    /// The copies that `wanted` asks for.
    pub fn copies(&self, wanted: Vec<Wanted>) -> Vec<TexelCopy> {
        let to = |wanted: &Wanted| self.0.iter().find(|made| (made.0, made.1) == (wanted.binding, wanted.texel));
        let copy = |wanted: Wanted| {
            let to = to(&wanted)?.2.clone();
            let Wanted { binding, buffer: from, offset, bytes, texel, .. } = wanted;
            Some(TexelCopy { binding, from, offset, texels: bytes / texel.bytes(), texel, to })
        };
        wanted.into_iter().filter_map(copy).collect()
    }
}

fn texture(gpu: &Gpu, label: &str, texel: Texel, rows: u64) -> Result<Texture, GpuError> {
    let bytes = rows * PER_ROW * texel.bytes();
    let most = u64::from(gpu.limits().max_texture_dimension_2d);
    if rows > most {
        let allowed = most * PER_ROW * texel.bytes();
        return Err(GpuError::BufferTooLarge { label: label.into(), needed: bytes, allowed });
    }
    let raw = gpu.device().create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d { width: PER_ROW as u32, height: rows as u32, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: texel.format(),
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let view = raw.create_view(&wgpu::TextureViewDescriptor::default());
    let memory = gpu.counted().clone();
    memory.add(bytes);
    Ok(Texture { raw, view, bytes, memory })
}
