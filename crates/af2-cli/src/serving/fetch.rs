//! Audio from the network: bounded in bytes and in time, and by default from public addresses only.

use std::io::Read;
use std::time::Duration;

use af2_serve::Fetch;
use clap::ValueEnum;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::address::is_public;

/// Longest time for a file.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Silence after which a server counts as gone.
const SILENCE: Duration = Duration::from_secs(15);
/// Redirects that are followed.
const REDIRECTS: u32 = 5;

/// Which addresses may be fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reach {
    /// The public network, without a proxy: neither this machine nor the local network, not by a redirect either.
    Public,
    /// Every address that this machine reaches.
    Any,
}

/// Fetches audio.
pub struct Download(Agent);

impl Download {
    /// From these addresses.
    pub fn new(reach: Reach) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .user_agent(concat!("af2/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_global(Some(TIMEOUT))
            .timeout_connect(Some(SILENCE))
            .timeout_per_read(Some(SILENCE));
        if reach == Reach::Public {
            config = config.proxy(None); // a proxy would resolve names where nobody checks
        }
        Self(Agent::with_parts(
            config.build(),
            DefaultConnector::default(),
            Checked { reach, inner: DefaultResolver::default() },
        ))
    }
}

impl Fetch for Download {
    fn fetch(&self, url: &str, limit: usize) -> Result<Vec<u8>, String> {
        let shown: String = url.chars().take(100).collect();
        let told = |what: String| format!("{shown}: {what}");
        let response = self.0.get(url).call().map_err(|error| told(format!("cannot be fetched ({error})")))?;
        if !response.status().is_success() {
            return Err(told(format!("its server answered {}", response.status())));
        }
        let mut bytes = Vec::new();
        let read = response.into_body().into_reader().take(limit as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| told(format!("broke off ({error})")))?;
        if bytes.len() > limit {
            return Err(told(format!("has more than {} MiB; send a shorter or a compressed clip", limit >> 20)));
        }
        Ok(bytes)
    }
}

/// Resolves names to addresses that may be reached. Every connection comes through here, those of redirects and of bare addresses too.
#[derive(Debug)]
struct Checked {
    reach: Reach,
    inner: DefaultResolver,
}

impl Resolver for Checked {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        // All of them must be public: a name with one private address among others has no good reason.
        if self.reach == Reach::Public && found.iter().any(|address| !is_public(address.ip())) {
            let private = "its address is not on the public network; --allow-urls any lets it";
            return Err(Error::Io(std::io::Error::new(std::io::ErrorKind::PermissionDenied, private)));
        }
        Ok(found)
    }
}
