//! A repository at one commit, or a folder of a server: which files there are, and where.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;

use crate::address::Target;
use crate::client::Client;
use crate::error::{HubError, Problem};
use crate::repository_name::RepositoryName;
use crate::tree::{self, RemoteFile};
use crate::url;

/// Files on a hub or server, none of which changes while it is used.
pub struct Remote {
    pub(crate) client: Rc<Client>,
    root: Root,
    /// What is known of the files; complete for a repository.
    pub(crate) files: RefCell<BTreeMap<String, RemoteFile>>,
    /// Addresses that the hub signed, by path.
    pub(crate) signed: RefCell<BTreeMap<String, String>>,
}

enum Root {
    Repository { name: RepositoryName, commit: String },
    Folder { url: String },
}

#[derive(Deserialize)]
struct Revision {
    sha: String,
}

impl Remote {
    /// Resolves the revision to a commit and lists its files. A folder is not listed; its files are found when asked for.
    ///
    /// # Errors
    /// [`HubError`], as one line: no such repository or revision, no access, no answer.
    pub async fn open(client: Rc<Client>, target: &Target) -> Result<Rc<Self>, HubError> {
        let (name, revision) = match target {
            Target::Folder { url } => {
                let root = Root::Folder { url: url.clone() };
                return Ok(Rc::new(Self { client, root, files: RefCell::default(), signed: RefCell::default() }));
            }
            Target::Repository { name, revision } => (name, revision),
        };
        let what = format!("{name}@{revision}");
        let api = format!("{}/api/models/{name}", client.endpoint());
        let revision = url::escape_path(revision).replace('/', "%2F");
        let (Revision { sha }, _) = client.json(&format!("{api}/revision/{revision}"), &what).await?;
        if sha.len() < 7 || !sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(HubError::new(what, Problem::Answer(format!("`{sha}` is no commit"))));
        }
        let files = tree::list(&client, format!("{api}/tree/{sha}?recursive=true"), &what).await?;
        Ok(Self::listed(client, name.clone(), sha, files))
    }

    /// A repository whose files are known already, for example from a cache.
    pub fn listed(
        client: Rc<Client>,
        name: RepositoryName,
        commit: String,
        files: BTreeMap<String, RemoteFile>,
    ) -> Rc<Self> {
        let root = Root::Repository { name, commit };
        Rc::new(Self { client, root, files: RefCell::new(files), signed: RefCell::default() })
    }

    /// What identifies the bytes: `ORG/NAME@COMMIT`, or the folder's address.
    pub fn identity(&self) -> String {
        match &self.root {
            Root::Repository { name, commit } => format!("{name}@{commit}"),
            Root::Folder { url } => url.clone(),
        }
    }

    /// Name and commit of a repository.
    pub fn repository(&self) -> Option<(&RepositoryName, &str)> {
        match &self.root {
            Root::Repository { name, commit } => Some((name, commit)),
            Root::Folder { .. } => None,
        }
    }

    /// The files, by path. Those of a folder only once they were asked for.
    pub fn files(&self) -> BTreeMap<String, RemoteFile> {
        self.files.borrow().clone()
    }

    /// The address of a file; the hub redirects large ones.
    pub fn url(&self, path: &str) -> String {
        let path = url::escape_path(path);
        match &self.root {
            Root::Repository { name, commit } => {
                format!("{}/{name}/resolve/{commit}/{path}", self.client.endpoint())
            }
            Root::Folder { url } => format!("{url}{path}"),
        }
    }

    pub(crate) fn commit(&self) -> Option<&str> {
        self.repository().map(|(_, commit)| commit)
    }
}
