//! Requests to a hub: its endpoint, the token, retries, and JSON answers.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::error::{HubError, Problem};
use crate::http::{Http, Request, Response};
use crate::url;

/// Most bytes of a JSON answer: a page of a file list has some 100 kB.
const MOST_JSON: usize = 64 << 20;
/// Attempts that may fail in a row.
const ATTEMPTS: u32 = 7;
/// Pause after the first failure; it doubles with each, so that seven attempts last half a minute.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Times that a limit of requests may be waited for in a row.
const LIMITS: u32 = 5;
/// Longest pause that a server may ask for. The hub counts requests in windows of five minutes.
const LONGEST_PAUSE: Duration = Duration::from_secs(330);

/// A hub as one user sees it.
pub struct Client {
    http: Rc<dyn Http>,
    endpoint: String,
    token: Option<String>,
    requests: Cell<u64>,
    received: Cell<u64>,
}

impl Client {
    /// A client of the hub at `endpoint`, for example `https://huggingface.co`. The token is sent to the endpoint's origin only.
    ///
    /// # Errors
    /// The endpoint is no http address.
    pub fn new(http: Rc<dyn Http>, endpoint: &str, token: Option<String>) -> Result<Rc<Self>, HubError> {
        let endpoint = endpoint.trim().trim_end_matches('/');
        if url::origin(endpoint).is_none() {
            let problem = Problem::Answer("the endpoint is no http address".into());
            return Err(HubError::new(endpoint, problem));
        }
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        let (requests, received) = Default::default();
        Ok(Rc::new(Self { http, endpoint: endpoint.into(), token, requests, received }))
    }

    /// The hub's address, without a slash at its end.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Requests sent so far.
    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Bytes of bodies received so far.
    pub fn received(&self) -> u64 {
        self.received.get()
    }

    pub(crate) fn follows_redirects(&self) -> bool {
        self.http.follows_redirects()
    }

    pub(crate) fn count_received(&self, bytes: usize) {
        self.received.set(self.received.get() + bytes as u64);
    }

    /// The answer to a GET of `url`, of the bytes in `range` if one is given. Limits, server errors and failures of the network are
    /// retried; any other status is returned.
    pub(crate) async fn get(&self, url: &str, range: Option<Range<u64>>) -> Result<Response, HubError> {
        let mut retry = Retry::default();
        loop {
            self.requests.set(self.requests.get() + 1);
            let problem = match self.http.get(self.request(url, range.clone())).await {
                Err(error) => Problem::Network(error.0),
                Ok(response) => match response.status {
                    429 => {
                        retry.wait_for_limit(self, url, &response).await?;
                        continue;
                    }
                    status @ (408 | 500..=599) => Problem::Status(status),
                    _ => return Ok(response),
                },
            };
            retry.after(self, url, problem).await?;
        }
    }

    fn request(&self, url: &str, range: Option<Range<u64>>) -> Request {
        let mut headers = Vec::new();
        if let Some(token) = self.token.as_ref().filter(|_| url::origin(url) == url::origin(&self.endpoint)) {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        if let Some(range) = range {
            headers.push(("range", format!("bytes={}-{}", range.start, range.end - 1)));
        }
        Request { url: url.into(), headers }
    }

    /// A JSON answer, and the address of the next page if there is one.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        url: &str,
        what: &str,
    ) -> Result<(T, Option<String>), HubError> {
        let mut retry = Retry::default();
        loop {
            let mut response = self.get(url, None).await?;
            if response.status != 200 {
                return Err(self.status_error(what, &response));
            }
            let next = response.header("link").and_then(next_page).and_then(|next| url::join(url, next));
            let mut json = Vec::new();
            let outcome = loop {
                match response.body.chunk().await {
                    Ok(Some(bytes)) if json.len() + bytes.len() <= MOST_JSON => json.extend(bytes),
                    Ok(Some(_)) => break Err(Problem::Answer(format!("more than {MOST_JSON} bytes of JSON"))),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(Problem::Network(error.0)),
                }
            };
            self.count_received(json.len());
            let parsed = outcome.and_then(|()| {
                serde_json::from_slice(&json).map_err(|error| Problem::Answer(format!("no JSON as expected: {error}")))
            });
            match parsed {
                Ok(value) => return Ok((value, next)),
                Err(problem) => retry.after(self, url, problem).await?,
            }
        }
    }

    /// The error of an unexpected status. `what` is the repository or file.
    pub(crate) fn status_error(&self, what: &str, response: &Response) -> HubError {
        let code = response.header("x-error-code");
        let problem = match (response.status, code) {
            (_, Some("RevisionNotFound")) => Problem::Absent("there is no such revision".into()),
            (_, Some("EntryNotFound")) => Problem::Absent("there is no such file".into()),
            (status @ (401 | 403), _) => {
                let page = match what.split_once('@') {
                    Some((repository, _)) if !what.contains("://") => format!("{}/{repository}", self.endpoint),
                    _ => what.to_owned(),
                };
                Problem::Denied { status, page, with_token: self.token.is_some() }
            }
            (404 | 410, _) => Problem::Absent("it does not exist".into()),
            (status, _) => Problem::Status(status),
        };
        HubError::new(what, problem)
    }
}

/// Failures in a row of one request.
#[derive(Default)]
pub(crate) struct Retry {
    failures: u32,
    limits: u32,
}

impl Retry {
    /// Pauses before the next attempt, or gives up with `problem`.
    pub async fn after(&mut self, client: &Client, url: &str, problem: Problem) -> Result<(), HubError> {
        let location = url::shown(url);
        self.failures += 1;
        if self.failures >= ATTEMPTS {
            return Err(HubError::new(location, problem));
        }
        let pause = FIRST_PAUSE * 2u32.pow(self.failures - 1);
        client.http.pause(pause, &format!("{location}: {problem}; trying again")).await;
        Ok(())
    }

    /// Something arrived, so that earlier failures do not count.
    pub fn progress(&mut self) {
        *self = Self::default();
    }

    async fn wait_for_limit(&mut self, client: &Client, url: &str, response: &Response) -> Result<(), HubError> {
        self.limits += 1;
        let pause = requested_pause(response).unwrap_or(Duration::from_secs(10 * u64::from(self.limits)));
        if self.limits > LIMITS || pause > LONGEST_PAUSE {
            return Err(HubError::new(url::shown(url), Problem::RateLimited));
        }
        let reason = format!("the hub allows no more requests for {} s; HF_TOKEN raises the limit", pause.as_secs());
        client.http.pause(pause, &reason).await;
        Ok(())
    }
}

/// How long a 429 asks to wait: `Retry-After: 30`, or `RateLimit: "resolvers";r=0;t=30`.
fn requested_pause(response: &Response) -> Option<Duration> {
    let seconds = |text: &str| text.trim().parse().ok().map(Duration::from_secs);
    let limit = || response.header("ratelimit")?.split(';').find_map(|part| seconds(part.trim().strip_prefix("t=")?));
    response.header("retry-after").and_then(seconds).or_else(limit)
}

/// The address in `<https://…>; rel="next"`, among other links.
fn next_page(link: &str) -> Option<&str> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\"") || part.contains("rel=next"))?;
    Some(next.split_once('<')?.1.split_once('>')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Answer, Fake};
    use pollster::block_on;

    const URL: &str = "https://hub.example/api/x";

    fn get(answers: Vec<Answer>) -> (Result<u16, String>, Vec<u64>) {
        let fake = Fake::new(answers);
        let client = Client::new(fake.clone(), "https://hub.example/", Some("secret\n".into())).unwrap();
        let outcome = block_on(client.get(URL, None)).map(|response| response.status).map_err(|e| e.to_string());
        (outcome, fake.pauses())
    }

    #[test]
    fn failures_are_retried_with_growing_pauses() {
        let (outcome, pauses) =
            get(vec![Answer::status(500), Answer::lost(), Answer::status(503), Answer::status(204)]);
        assert_eq!((outcome, pauses), (Ok(204), vec![500, 1000, 2000]));
        let (outcome, pauses) = get(vec![Answer::status(502); 7]);
        assert_eq!(outcome, Err(format!("cannot fetch {URL}: the server answered with status 502")));
        assert_eq!(pauses.iter().sum::<u64>(), 31_500);
    }

    #[test]
    fn limits_are_waited_for() {
        let limit = |name, value| Answer::status(429).with(name, value);
        let limits = vec![limit("retry-after", "7"), limit("ratelimit", "\"api\";r=0;t=55"), Answer::status(200)];
        assert_eq!(get(limits), (Ok(200), vec![7_000, 55_000]));
        let (outcome, pauses) = get(vec![limit("retry-after", "86400")]);
        assert!(outcome.unwrap_err().contains("set HF_TOKEN"));
        assert_eq!(pauses, [0; 0]);
    }

    #[test]
    fn the_token_goes_to_the_endpoint_only() {
        let fake = Fake::new(vec![Answer::status(200), Answer::status(200), Answer::status(200)]);
        let client = Client::new(fake.clone(), "https://hub.example", Some("secret".into())).unwrap();
        for url in [URL, "https://hub.example.evil/x", "http://hub.example/x"] {
            block_on(client.get(url, Some(3..8))).unwrap();
        }
        let headers: Vec<_> = fake.requests().iter().map(|request| request.headers.len()).collect();
        assert_eq!(headers, [2, 1, 1]);
        assert_eq!(fake.requests()[0].headers[0], ("authorization", "Bearer secret".into()));
        assert_eq!(fake.requests()[0].headers[1], ("range", "bytes=3-7".into()));
    }

    #[test]
    fn pages_follow_their_link() {
        assert_eq!(next_page(r#"<https://a/b?cursor=x>; rel="next""#), Some("https://a/b?cursor=x"));
        assert_eq!(next_page(r#"<https://a/1>; rel="prev", <https://a/3>; rel="next""#), Some("https://a/3"));
        assert_eq!(next_page(r#"<https://a/1>; rel="prev""#), None);
    }
}
