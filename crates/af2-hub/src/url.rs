//! The parts of addresses that a client needs: origins, relative redirects, escaped paths.

/// `https://host:port` of an absolute address, in lower case; `None` if it is no http address.
pub(crate) fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

/// The address that `location`, found in an answer from `base`, stands for.
pub(crate) fn join(base: &str, location: &str) -> Option<String> {
    if location.contains("://") {
        return origin(location).map(|_| location.to_owned());
    }
    if let Some(rest) = location.strip_prefix("//") {
        return Some(format!("{}://{rest}", base.split_once("://")?.0));
    }
    if location.starts_with('/') {
        return Some(format!("{}{location}", origin(base)?));
    }
    let path = base.split(['?', '#']).next()?;
    let folder = &path[..=path.rfind('/')?];
    origin(folder).filter(|origin| folder.len() > origin.len()).map(|_| format!("{folder}{location}"))
}

/// A path with everything escaped but letters, digits, `-._~` and slashes.
pub(crate) fn escape_path(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => escaped.push(byte as char),
            _ => escaped += &format!("%{byte:02X}"),
        }
    }
    escaped
}

/// An address without query, for messages: signatures are secrets.
pub(crate) fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_compare_as_browsers_compare_them() {
        assert_eq!(origin("HTTPS://Hub.Example:443/a/b?c").as_deref(), Some("https://hub.example"));
        assert_eq!(origin("http://127.0.0.1:8080").as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(origin("https://hub.example@evil.example/").as_deref(), Some("https://evil.example"));
        for bad in ["ftp://a/", "hub.example", "https://", "file:///etc/passwd"] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn redirects_may_be_relative() {
        let base = "https://hub.example/a/resolve/main/x?y";
        assert_eq!(join(base, "/b").as_deref(), Some("https://hub.example/b"));
        assert_eq!(join(base, "z").as_deref(), Some("https://hub.example/a/resolve/main/z"));
        assert_eq!(join(base, "//s.example/q").as_deref(), Some("https://s.example/q"));
        assert_eq!(join(base, "https://s.example/q?s=1").as_deref(), Some("https://s.example/q?s=1"));
        assert_eq!(join(base, "file:///etc/passwd"), None);
    }

    #[test]
    fn paths_are_escaped_by_bytes() {
        assert_eq!(escape_path("safe_ckpt/a b#ü.json"), "safe_ckpt/a%20b%23%C3%BC.json");
    }
}
