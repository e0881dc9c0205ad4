//! Audio from the network, where that is allowed.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};

use crate::client::{Server, repository};

/// Serves the cow, a redirect to it, and a missing file; returns its address.
fn host() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let cow = std::fs::read(repository().join("weights/demo/sounds/cow.ogg")).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap();
            let path = String::from_utf8_lossy(&request[..read]).split(' ').nth(1).unwrap_or_default().to_owned();
            let (status, header, body) = match path.as_str() {
                "/cow.ogg" => ("200 OK", String::new(), &cow[..]),
                "/moved" => ("302 Found", format!("location: http://{address}/cow.ogg\r\n"), &b""[..]),
                _ => ("404 Not Found", String::new(), &b"none"[..]),
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
    });
    format!("http://{address}")
}

fn about(url: &str) -> Value {
    let content = json!([{ "type": "text", "text": "What is this sound?" }, { "type": "audio_url", "audio_url": { "url": url } }]);
    json!({ "messages": [{ "role": "user", "content": content }] })
}

#[test]
fn addresses_are_fetched_where_that_is_allowed() {
    let host = host();
    let server = Server::start(&["--allow-urls=any"]);
    for path in ["/cow.ogg", "/moved"] {
        assert_eq!(server.ask(&about(&format!("{host}{path}"))).content(), "it is a cow");
    }
    let missing = server.ask(&about(&format!("{host}/missing")));
    assert!(missing.status == 400 && missing.refusal().contains("404"), "{}", missing.text());
    assert_eq!(server.ask(&about("http://")).status, 400);
    let public = Server::start(&["--allow-urls"]);
    let name = host.replace("127.0.0.1", "localhost");
    for address in [
        format!("{host}/cow.ogg"),
        format!("{name}/cow.ogg"),
        "http://[::1]/x".into(),
        "http://169.254.169.254/".into(),
    ] {
        let refused = public.ask(&about(&address));
        assert!(refused.status == 400 && refused.refusal().contains("not on the public network"), "{}", refused.text());
    }
}
