//! A server process, and requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Longest time for one answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A sample sound of the demo model, in base64.
pub fn base64(sound: &str) -> String {
    STANDARD.encode(std::fs::read(repository().join("weights/demo/sounds").join(sound)).unwrap())
}

/// A request about a sample sound.
pub fn question(sound: &str, text: &str, more: Value) -> Value {
    let audio = json!({ "type": "input_audio", "input_audio": { "data": base64(sound), "format": "ogg" } });
    let content = json!([{ "type": "text", "text": text }, audio]);
    let mut request = json!({ "model": "af2", "messages": [{ "role": "user", "content": content }] });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

/// A server, ended when it is dropped.
pub struct Server {
    pub process: Child,
    pub port: u16,
    /// What it said on stderr when it was ready.
    pub said: String,
    pub stderr: BufReader<ChildStderr>,
}

impl Server {
    /// Starts `af2 serve` with the demo model on any free port.
    pub fn start(rest: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
        command.current_dir(repository()).args(["serve", "weights/demo/model", "--engine", "cpu", "--port", "0"]);
        command.args(rest).env_remove("AF2_API_KEY").stderr(Stdio::piped()).stdout(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("curl") {
            assert!(stderr.read_line(&mut said).unwrap() > 0, "the server ended: {said}");
        }
        let port = said.split("http://127.0.0.1:").nth(1).and_then(|rest| rest.split('/').next());
        let port = port.unwrap().parse().unwrap();
        Self { process, port, said, stderr }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a request as it is and reads the answer to the end of the connection.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        let _ = stream.write_all(request); // a server that refuses early may not read all of it
        Answer::read(stream)
    }

    /// One request with these extra header lines.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += &format!("host: 127.0.0.1:{}\r\n", self.port);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        self.raw(&[head.as_bytes(), b"\r\n", body].concat())
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    pub fn post(&self, body: &[u8]) -> Answer {
        self.send("POST", "/v1/chat/completions", &[("content-type", "application/json")], body)
    }

    pub fn ask(&self, request: &Value) -> Answer {
        self.post(request.to_string().as_bytes())
    }

    /// The value of one metric.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics").text();
        let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        line.unwrap_or_else(|| panic!("{name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Asks for a metric until it has a value.
    pub fn await_metric(&self, name: &str, wanted: u64) {
        while self.metric(name) != wanted {
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A response.
pub struct Answer {
    pub status: u16,
    /// Lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes); // a reset after the answer loses nothing of it
        let split = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let split = split.unwrap_or_else(|| panic!("no response: {:?}", String::from_utf8_lossy(&bytes)));
        let head = String::from_utf8_lossy(&bytes[..split]).to_lowercase();
        let body = &bytes[split + 4..];
        let body = if head.contains("transfer-encoding: chunked") { joined(body) } else { body.to_vec() };
        Self { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(prefix.as_str()))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The text of an answer.
    pub fn content(&self) -> String {
        let answer = self.json();
        answer["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The message of a refusal in OpenAI's shape.
    pub fn refusal(&self) -> String {
        let error = &self.json()["error"];
        let fields = ["message", "type", "param", "code"];
        assert!(fields.iter().all(|field| error.get(field).is_some()) && error["type"].is_string(), "{error}");
        error["message"].as_str().unwrap().to_owned()
    }
}

/// A body without the marks of its chunks.
fn joined(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        whole.extend(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
    whole
}
