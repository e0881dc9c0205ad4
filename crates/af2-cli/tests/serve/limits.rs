//! Bounds: places, bytes; many requests at once; clients that leave.

use std::io::Write;
use std::thread;

use serde_json::json;

use crate::client::{Server, question};

/// A request that holds a place: its body is announced and not sent.
fn held(server: &Server, length: usize) -> std::net::TcpStream {
    let mut stream = server.connect();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn places_and_bytes_are_bounded() {
    let server = Server::start(&["--queue", "2"]);
    let body = question("cow.ogg", "Is this a cow?", json!({})).to_string();
    let (first, second) = (held(&server, body.len()), held(&server, body.len()));
    server.await_metric("af2_requests_in_flight", 2);
    let refused = server.post(body.as_bytes());
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (429, Some("rate_limit_exceeded")));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    drop(first); // its place is given back
    server.await_metric("af2_requests_in_flight", 1);
    assert_eq!(server.post(body.as_bytes()).content(), "yes");
    drop(second);
    let large = server.raw(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nexpect: 100-continue\r\n\
          content-type: application/json\r\ncontent-length: 99999999\r\n\r\n",
    );
    assert_eq!((large.status, large.json()["error"]["code"].as_str()), (413, Some("request_too_large")));
    server.await_metric("af2_requests_in_flight", 0);
}

#[test]
fn many_at_once_lose_nothing() {
    let server = Server::start(&["--queue", "16"]);
    let sounds = [("cow.ogg", "it is a cow"), ("dog.ogg", "it is a dog"), ("duck.ogg", "it is a duck")];
    thread::scope(|scope| {
        for client in 0..16 {
            let server = &server;
            scope.spawn(move || {
                for round in 0..4 {
                    let (sound, answer) = sounds[(client + round) % sounds.len()];
                    let said = server.ask(&question(sound, "What is this sound?", json!({})));
                    assert_eq!((said.status, said.content().as_str()), (200, answer));
                }
            });
        }
    });
    assert_eq!(server.metric("af2_answer_seconds_count"), 64);
    assert_eq!((server.metric("af2_requests_in_flight"), server.metric("af2_requests_waiting")), (0, 0));
    let batches = server.metric("af2_clip_hits_total") + server.metric("af2_clip_misses_total");
    assert_eq!((server.metric("af2_clip_misses_total"), server.metric("af2_completion_tokens_total")), (3, 64 * 6));
    assert!(batches < 64, "questions about the same clip are decoded together: {batches} batches");
}

#[test]
fn clients_that_leave_cost_no_answer() {
    let server = Server::start(&["--max-windows", "13"]);
    let body = question("two-minutes.ogg", "What is this sound?", json!({ "stream": true })).to_string();
    let mut stream = held(&server, body.len());
    stream.write_all(body.as_bytes()).unwrap();
    server.await_metric("af2_requests_in_flight", 1);
    drop(stream);
    server.await_metric("af2_requests_in_flight", 0);
    assert_eq!(server.ask(&question("cow.ogg", "Is this a cow?", json!({}))).content(), "yes");
    assert_eq!(server.metric("af2_answer_seconds_count"), 1, "the answer that nobody waits for is not made");
}
