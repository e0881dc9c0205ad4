//! From a name to a model in the user's data folder.

use std::rc::Rc;

use af2_convert::Source;
use af2_core::weights::index::INDEX_FILE;
use af2_hub::{Address, Client, HubSource, Window};
use anyhow::Result;
use pollster::block_on;

use super::cache::{self, Files};
use super::environment::Environment;
use super::http::Network;
use super::outcome::{Options, Outcome, Progress, target_folder};
use super::published;
use super::release::{Sources, closing_note};
use crate::model::ModelDir;

/// Pulls a model by its name on the hub, or says what that would take.
///
/// # Errors
/// One line that names the cause and a remedy. What was fetched stays, and the next pull goes on from there.
pub fn pull(name: &str, environment: &Environment, options: &Options, progress: &mut Progress<'_>) -> Result<Outcome> {
    let address = Address::parse(name, &environment.endpoint).map_err(anyhow::Error::msg)?;
    for scheme in [Some(options.scheme), None] {
        let path = target_folder(&address, scheme)?;
        if path.exists() {
            return Ok(Outcome::Present { path });
        }
    }
    let client = Client::new(Rc::new(Network::new()), &environment.endpoint, environment.token.clone())?;
    let outcome = block_on(async {
        let remote = cache::open(environment, &client, &address.target).await?;
        let files = Files::new(environment, HubSource::new(Rc::clone(&remote), Window::share(0, 0)));
        if exists(&files, "safe_ckpt/metadata.json").await? || !exists(&files, INDEX_FILE).await? {
            let sources = Sources::open(environment, &client, (address, remote), options.base.as_deref()).await?;
            return sources.pull(&client, options, progress).await;
        }
        published::pull(&address, &files, &client, options, progress).await
    })?;
    if let Outcome::Pulled(pulled) = &outcome {
        ModelDir::open(&pulled.path)?;
        closing_note(pulled);
    }
    Ok(outcome)
}

async fn exists(files: &Files, object: &str) -> Result<bool> {
    match files.size(object).await {
        Err(error) if error.absent => Ok(false),
        other => Ok(other.map(|_| true)?),
    }
}
