//! The end: running answers finish, new requests are refused.

#![cfg(unix)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use serde_json::json;

use crate::client::{Server, question};

#[test]
fn running_answers_finish() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Server::start(&["--max-windows", "4"]);
        let body = question("two-minutes.ogg", "What is this sound?", json!({})).to_string();
        let mut stream = server.connect();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        server.await_metric("af2_requests_in_flight", 1);
        while server.metric("af2_requests_running") == 0 {}
        let pid = server.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap(); // the connection is closed after it, although it could be used again
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"finish_reason\":"), "{answer}");
        assert_eq!(server.process.wait().unwrap().code(), Some(0));
        let mut rest = String::new();
        server.stderr.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("stopping: running answers finish"), "{rest}");
        assert!(TcpStream::connect(("127.0.0.1", server.port)).is_err());
    }
}

#[test]
fn what_cannot_be_served_is_said_before_the_model_is_loaded() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let fails = |rest: &[&str], code, says: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_af2"));
        command.current_dir(crate::client::repository()).args(["serve", "weights/demo/model", "--engine", "cpu"]);
        let output = command.args(rest).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(says), "{stderr}");
    };
    fails(&["--port", &port], 1, &format!("cannot listen on 127.0.0.1 port {port}"));
    fails(&["--port", "0", "--api-key", " "], 1, "the API key is empty");
    fails(&["--port", "0", "--max-windows", "151"], 1, "--max-windows is 151");
    fails(&["--port", "0", "--cors", "a\nb"], 1, "is no origin");
    fails(&["--queue", "0"], 2, "0");
}
