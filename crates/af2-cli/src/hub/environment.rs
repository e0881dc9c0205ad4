//! The environment variables that users of the hub know.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// The hub that everybody means.
const ENDPOINT: &str = "https://huggingface.co";
/// Longest token file that is read.
const TOKEN_BYTES: u64 = 4096;

/// How this user reaches the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `HF_ENDPOINT`: a mirror.
    pub endpoint: String,
    /// `HF_TOKEN`, or the file that a login leaves: `HF_TOKEN_PATH`, by default `HF_HOME/token`.
    pub token: Option<String>,
    /// `HF_HUB_CACHE`, by default `HF_HOME/hub`: what the official client has downloaded.
    pub cache: Option<PathBuf>,
    /// `HF_HUB_OFFLINE`: no request is made.
    pub offline: bool,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self::new(|name| env::var_os(name).filter(|value| !value.is_empty()), dirs::home_dir())
    }

    fn new(variable: impl Fn(&str) -> Option<OsString>, user_home: Option<PathBuf>) -> Self {
        let text = |name| variable(name).and_then(|value| value.into_string().ok());
        let path = |name| variable(name).map(PathBuf::from);
        let caches = path("XDG_CACHE_HOME").or_else(|| Some(user_home.clone()?.join(".cache")));
        let home = path("HF_HOME").or_else(|| Some(caches?.join("huggingface")));
        let in_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let token_file = path("HF_TOKEN_PATH").or_else(|| in_home("token"));
        let truth = |value: String| matches!(value.to_ascii_lowercase().as_str(), "1" | "on" | "yes" | "true");
        Self {
            endpoint: text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.into()).trim_end_matches('/').into(),
            token: text("HF_TOKEN").or_else(|| read_token(&token_file?)),
            cache: path("HF_HUB_CACHE").or_else(|| in_home("hub")),
            offline: text("HF_HUB_OFFLINE").is_some_and(truth),
        }
    }
}

/// The token in a file; a file that cannot be read is no login.
fn read_token(path: &PathBuf) -> Option<String> {
    let mut token = String::new();
    let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))?;
    file.take(TOKEN_BYTES).read_to_string(&mut token).ok()?;
    Some(token.trim().to_owned()).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        Environment::new(find, Some("/home/me".into()))
    }

    #[test]
    fn variables_and_their_defaults() {
        let plain = environment(&[]);
        assert_eq!(plain.endpoint, ENDPOINT);
        assert_eq!(plain.cache.as_deref(), Some(Path::new("/home/me/.cache/huggingface/hub")));
        assert!(!plain.offline && plain.token.is_none());
        let set = environment(&[("HF_ENDPOINT", "http://mirror/"), ("HF_HOME", "/h"), ("HF_HUB_OFFLINE", "True")]);
        assert_eq!((set.endpoint.as_str(), set.offline), ("http://mirror", true));
        assert_eq!(set.cache.as_deref(), Some(Path::new("/h/hub")));
        assert_eq!(environment(&[("HF_HOME", "/h"), ("HF_HUB_CACHE", "/c")]).cache.as_deref(), Some(Path::new("/c")));
        assert_eq!(environment(&[("XDG_CACHE_HOME", "/x")]).cache.as_deref(), Some(Path::new("/x/huggingface/hub")));
    }

    #[test]
    fn the_token_of_a_login_is_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "from-file\n").unwrap();
        let home = folder.path().to_str().unwrap();
        assert_eq!(environment(&[("HF_HOME", home)]).token.as_deref(), Some("from-file"));
        assert_eq!(environment(&[("HF_HOME", home), ("HF_TOKEN", "direct")]).token.as_deref(), Some("direct"));
        let elsewhere = folder.path().join("token");
        let elsewhere = [("HF_TOKEN_PATH", elsewhere.to_str().unwrap())];
        assert_eq!(environment(&elsewhere).token.as_deref(), Some("from-file"));
    }
}
