//! A network in memory: scripted answers, and a record of requests and pauses.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::http::{Body, Http, HttpError, LocalBoxFuture, Request, Response};

/// One answer.
#[derive(Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    /// Pieces of the body; `None` is a lost connection.
    body: VecDeque<Option<Vec<u8>>>,
    lost: bool,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Answer { status, headers: Vec::new(), body: VecDeque::new(), lost: false }
    }

    /// A request without an answer.
    pub fn lost() -> Self {
        Answer { lost: true, ..Self::status(0) }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, bytes: &[u8]) -> Self {
        self.body.push_back(Some(bytes.to_vec()));
        self
    }

    pub fn cut(mut self) -> Self {
        self.body.push_back(None);
        self
    }

    /// Bytes of a file, as a server that knows ranges sends them.
    pub fn part(file: &[u8], start: usize, end: usize) -> Self {
        let range = format!("bytes {start}-{}/{}", end - 1, file.len());
        Self::status(206).with("content-range", &range).body(&file[start..end])
    }
}

type Respond = Box<dyn Fn(&Request) -> Answer>;

/// The network.
pub struct Fake {
    script: RefCell<VecDeque<Answer>>,
    respond: Option<Respond>,
    requests: RefCell<Vec<Request>>,
    pauses: RefCell<Vec<u64>>,
}

impl Fake {
    /// Answers in this order, whatever is asked.
    pub fn new(answers: Vec<Answer>) -> Rc<Self> {
        Rc::new(Fake {
            script: RefCell::new(answers.into()),
            respond: None,
            requests: RefCell::default(),
            pauses: RefCell::default(),
        })
    }

    /// Answers by request.
    pub fn serving(respond: impl Fn(&Request) -> Answer + 'static) -> Rc<Self> {
        Rc::new(Fake {
            script: RefCell::default(),
            respond: Some(Box::new(respond)),
            requests: RefCell::default(),
            pauses: RefCell::default(),
        })
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.borrow().clone()
    }

    /// Milliseconds of each pause.
    pub fn pauses(&self) -> Vec<u64> {
        self.pauses.borrow().clone()
    }
}

impl Http for Fake {
    fn get(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, HttpError>> {
        let answer = match &self.respond {
            Some(respond) => respond(&request),
            None => self.script.borrow_mut().pop_front().expect("an answer for each request"),
        };
        let url = request.url.clone();
        self.requests.borrow_mut().push(request);
        Box::pin(async move {
            if answer.lost {
                return Err(HttpError("connection refused".into()));
            }
            Ok(Response { status: answer.status, url, headers: answer.headers, body: Box::new(Pieces(answer.body)) })
        })
    }

    fn follows_redirects(&self) -> bool {
        false
    }

    fn pause(&self, duration: Duration, _: &str) -> LocalBoxFuture<'static, ()> {
        self.pauses.borrow_mut().push(duration.as_millis() as u64);
        Box::pin(async {})
    }
}

struct Pieces(VecDeque<Option<Vec<u8>>>);

impl Body for Pieces {
    fn chunk(&mut self) -> LocalBoxFuture<'_, Result<Option<Vec<u8>>, HttpError>> {
        Box::pin(async move {
            match self.0.pop_front() {
                Some(Some(bytes)) => Ok(Some(bytes)),
                Some(None) => Err(HttpError("connection reset".into())),
                None => Ok(None),
            }
        })
    }
}
