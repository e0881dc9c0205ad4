//! The conversion of a release, from any source.

use af2_convert::{Inline, Inputs, Options, Release};
use af2_core::weights::Scheme;
use js_sys::Object;
use wasm_bindgen::prelude::*;

use crate::failure::{conversion, failure, set};
use crate::output::{Output, OutputFiles};

/// About how large a shard may be, in bytes, as `af2 convert` writes them.
const SHARD_BYTES: u64 = 256 << 20;

#[wasm_bindgen(typescript_custom_section)]
const TYPESCRIPT: &str = r"
/** What an import will read and write. */
export interface ImportPlan {
  parameters: number;
  /** Bytes of the release that are read. */
  sourceBytes: number;
  /** Bytes of the converted model. */
  bytes: number;
}
export interface ImportWatcher {
  /** Called once, before a weight is read. The import ends if it rejects. */
  confirm(plan: ImportPlan): Promise<void>;
  /** Bytes of the release that were read and packed. */
  progress(done: number, total: number): void;
}
";

#[wasm_bindgen]
extern "C" {
    /// The page's `ImportWatcher`.
    #[wasm_bindgen(typescript_type = "ImportWatcher")]
    pub type ImportWatcher;

    #[wasm_bindgen(method, catch)]
    async fn confirm(this: &ImportWatcher, plan: JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method)]
    fn progress(this: &ImportWatcher, done: f64, total: f64);
}

/// A release whose small files and tensor tables were read.
pub struct Opened<'a> {
    release: Release<'a>,
    options: Options,
    /// The `ImportPlan`.
    pub plan: Object,
    /// Bytes of the release that are read.
    pub source_bytes: u64,
}

impl<'a> Opened<'a> {
    /// Reads all but the weights.
    ///
    /// # Errors
    /// `BAD_REQUEST` for an unknown scheme, `BAD_MODEL` names what the release lacks, `NETWORK_FAILED`.
    pub async fn open(inputs: &Inputs<'a>, scheme: &str) -> Result<Self, JsValue> {
        let scheme: Scheme = scheme.parse().map_err(|error| failure("BAD_REQUEST", error))?;
        let options = Options { scheme, shard_bytes: SHARD_BYTES };
        let release = Release::open(inputs).await.map_err(conversion)?;
        let planned = release.plan(&options).map_err(conversion)?;
        let (plan, source_bytes) = (Object::new(), planned.source_bytes());
        let numbers = [("parameters", planned.parameters()), ("sourceBytes", source_bytes), ("bytes", planned.bytes())];
        drop(planned);
        for (key, number) in numbers {
            set(&plan, key, &(number as f64).into());
        }
        Ok(Self { release, options, plan, source_bytes })
    }

    /// Converts the release once `watcher` has confirmed the plan.
    ///
    /// # Errors
    /// What `confirm` rejects with, or as [`Opened::open`].
    pub async fn convert(self, output: OutputFiles, watcher: &ImportWatcher) -> Result<(), JsValue> {
        let Self { release, options, plan, .. } = self;
        watcher.confirm(plan.into()).await?;
        let mut progress = |done: u64, total: u64| watcher.progress(done as f64, total as f64);
        let mut output = Output::new(output);
        release.convert(&options, &Inline, &mut output, &mut progress).await.map_err(conversion)?;
        Ok(())
    }
}
