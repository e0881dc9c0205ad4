//! The conversion of a release on a hub.

use std::rc::Rc;

use af2_convert::{Inputs, Source};
use af2_hub::releases::Licence;
use af2_hub::{Address, Client, HubError, HubSource, Remote, RepositoryName, Target, Window};
use js_sys::{Array, Object};
use wasm_bindgen::prelude::*;

use crate::convert::{ImportWatcher, Opened};
use crate::failure::{failure, hub, set};
use crate::network::{Fetch, Network};
use crate::output::OutputFiles;

/// Most bytes fetched ahead into wasm memory.
const READ_AHEAD: u64 = 12 << 20;

/// Window until the size of the whole is known: for configurations and tensor tables.
const SMALL_FILES: Window = Window { span: 1 << 20, total: 1 << 20 };

#[wasm_bindgen(typescript_custom_section)]
const TYPESCRIPT: &str = r"
/** The plan of a repository at one commit. */
export interface HubPlan extends ImportPlan {
  repository: string;
  commit: string;
  licences: { name: string; covers: string; summary: string; url: string }[];
}
";

/// Converts the original release in a repository. `address` is `ORGANISATION/NAME@REVISION`; `confirm` gets a `HubPlan`.
///
/// # Errors
/// `NETWORK_FAILED` for what the hub or the network refuses, `BAD_MODEL` names what the release lacks, `BAD_REQUEST` for an unknown
/// scheme or address.
#[wasm_bindgen(js_name = convertHub)]
pub async fn convert_hub(
    address: &str,
    scheme: &str,
    endpoint: &str,
    token: Option<String>,
    network: Network,
    output: OutputFiles,
    watcher: ImportWatcher,
) -> Result<(), JsValue> {
    let repository = Repository::open(address, endpoint, token, network).await?;
    repository.release(scheme).await?.convert(output, &watcher).await
}

/// The `HubPlan` of [`convert_hub`]. Fetches small files and tensor tables.
///
/// # Errors
/// As [`convert_hub`].
#[wasm_bindgen(js_name = planHub, unchecked_return_type = "HubPlan")]
pub async fn plan_hub(
    address: &str,
    scheme: &str,
    endpoint: &str,
    token: Option<String>,
    network: Network,
) -> Result<JsValue, JsValue> {
    let repository = Repository::open(address, endpoint, token, network).await?;
    Ok(repository.release(scheme).await?.plan.into())
}

/// A repository with a release, at one commit, and its base.
struct Repository {
    address: Address,
    endpoint: String,
    remote: Rc<Remote>,
    files: HubSource,
    /// `None` where the release holds the base itself.
    base: Option<HubSource>,
}

impl Repository {
    async fn open(address: &str, endpoint: &str, token: Option<String>, network: Network) -> Result<Self, JsValue> {
        let address = Address::parse(address, endpoint).map_err(|error| failure("BAD_REQUEST", error))?;
        let client = Client::new(Rc::new(Fetch(network)), endpoint, token).map_err(|error| hub(&error))?;
        let remote = Remote::open(client.clone(), &address.target).await.map_err(|error| hub(&error))?;
        let base = match address.release {
            Some(known) => Some(open_base(&client, known.base).await.map_err(|error| hub(&error))?),
            None => None,
        };
        let files = HubSource::new(remote.clone(), SMALL_FILES);
        Ok(Self { address, endpoint: client.endpoint().into(), remote, files, base })
    }

    /// The release, with a `HubPlan`.
    async fn release(&self, scheme: &str) -> Result<Opened<'_>, JsValue> {
        let language_model = self.base.as_ref().map(|source| source as &dyn Source);
        let inputs = Inputs { name: self.name(), release: &self.files, language_model, clap: None };
        let opened = Opened::open(&inputs, scheme).await?;
        self.files.set_window(Window::share(opened.source_bytes, READ_AHEAD));
        if let Some((name, commit)) = self.remote.repository() {
            set(&opened.plan, "repository", &name.as_str().into());
            set(&opened.plan, "commit", &commit.into());
        }
        set(&opened.plan, "licences", &licences(&self.address, &self.endpoint));
        Ok(opened)
    }

    /// The last part of `ORGANISATION/NAME`.
    fn name(&self) -> &str {
        let name = self.remote.repository().map_or("", |(name, _)| name.as_str());
        name.split('/').next_back().unwrap_or_default()
    }
}

/// The base language model, of which only small files are read, or weights where the release has none.
async fn open_base(client: &Rc<Client>, repository: &str) -> Result<HubSource, HubError> {
    let name = RepositoryName::parse(repository);
    let target = name.map(|name| Target::Repository { name, revision: "main".into() });
    let target = target.unwrap_or_else(|| Target::Folder { url: repository.into() });
    Ok(HubSource::new(Remote::open(client.clone(), &target).await?, SMALL_FILES))
}

/// The licences of a release; for one that is not NVIDIA's, a link to its card.
fn licences(address: &Address, endpoint: &str) -> Array {
    let entry = |name: &str, covers: &str, summary: &str, url: &str| {
        let entry = Object::new();
        for (key, text) in [("name", name), ("covers", covers), ("summary", summary), ("url", url)] {
            set(&entry, key, &text.into());
        }
        entry
    };
    match address.release {
        Some(release) => {
            let known =
                |licence: &Licence| entry(licence.name, licence.covers, licence.summary, &licence.url(endpoint));
            release.licences.iter().map(known).collect()
        }
        None => Array::of1(&entry(
            "licence of its authors",
            "the weights",
            "Read the card of the repository.",
            &format!("{endpoint}/{address}"),
        )),
    }
}
