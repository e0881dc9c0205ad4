//! Licences, shown and accepted before the first weight is fetched.

use af2_hub::{Address, Target};
use anyhow::{Result, bail};
use serde::Serialize;

use super::prompt::confirm;
use crate::terminal::note;

/// A licence, for people and for JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Term {
    /// Its name, with what it covers.
    pub title: String,
    /// One sentence about it; empty where only its text tells.
    pub summary: &'static str,
    /// Where its text is.
    pub url: String,
}

/// What applies to a model. For a repository that is not NVIDIA's, its card says it.
pub(super) fn terms(address: &Address, endpoint: &str) -> Vec<Term> {
    let of_release = address.release.map(|release| release.licences).unwrap_or_default();
    if !of_release.is_empty() {
        let term = |licence: &af2_hub::releases::Licence| Term {
            title: format!("{}, for {}", licence.name, licence.covers),
            summary: licence.summary,
            url: licence.url(endpoint),
        };
        return of_release.iter().map(term).collect();
    }
    let url = match &address.target {
        Target::Repository { name, .. } => format!("{endpoint}/{name}"),
        Target::Folder { url } => url.clone(),
    };
    vec![Term { title: format!("the terms of {address}, on its card"), summary: "", url }]
}

/// Shows the terms, and returns once they are accepted.
///
/// # Errors
/// They are not accepted, or nobody is there to ask and the flag was not given.
pub(super) fn accept(terms: &[Term], flag: bool) -> Result<()> {
    note("the weights come under these terms:");
    for Term { title, summary, url } in terms {
        note(format_args!("  {title}"));
        if !summary.is_empty() {
            note(format_args!("    {summary}"));
        }
        note(format_args!("    {url}"));
    }
    if flag {
        note("accepted with --accept-licence");
        return Ok(());
    }
    match confirm("Do you accept them?")? {
        Some(true) => Ok(()),
        Some(false) => bail!("the terms were not accepted; nothing was fetched"),
        None => bail!("the terms must be accepted before weights are fetched; read them, then add --accept-licence"),
    }
}
