//! A plain HTTP client: no redirects followed, every status an answer.

use std::io::Read;

use serde_json::Value;
use ureq::{Agent, Body};

/// An answer with its whole body, or as much of it as came.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whether the body ended as announced.
    pub complete: bool,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers.iter().fold(agent().get(url), |request, (name, value)| request.header(*name, *value));
    answer(request.call().unwrap())
}

pub fn head(url: &str) -> Answer {
    answer(agent().head(url).call().unwrap())
}

/// A range, `first..=last`.
pub fn range(url: &str, first: u64, last: u64) -> Answer {
    get(url, &[("range", &format!("bytes={first}-{last}"))])
}

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).max_redirects(0).max_redirects_will_error(false).build().into()
}

fn answer(response: ureq::http::Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let mut bytes = Vec::new();
    let complete = body.into_reader().read_to_end(&mut bytes).is_ok();
    Answer { status: parts.status.as_u16(), body: bytes, complete, headers: parts.headers }
}
