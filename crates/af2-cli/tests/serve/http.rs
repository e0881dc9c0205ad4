//! Paths, methods, headers, the key, and pages of other origins.

use serde_json::{Value, json};

use crate::client::{Server, question};
use crate::pattern::mismatch;

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn every_path_answers_in_the_shape_that_clients_read() {
    let server = Server::start(&["--max-windows", "1"]);
    let model = json!({ "id": "$string", "object": "model", "created": "$integer", "owned_by": "$string" });
    let models = server.get("/v1/models");
    assert_eq!(mismatch(&models.json(), &json!({ "object": "list", "data": [model] }), ""), None);
    let id = models.json()["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("/v1/models/{id}")).json(), models.json()["data"][0]);
    assert_eq!(server.get("/health").json(), json!({ "status": "ok" }));
    let refused = |method, path, headers: &[(&str, &str)], body: &[u8], status, says: &str| {
        let answer = server.send(method, path, headers, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert!(answer.refusal().contains(says), "{}", answer.text());
        answer
    };
    refused("GET", "/v1/models/gpt-5", &[], b"", 404, "no model \"gpt-5\"");
    refused("GET", "/v2", &[], b"", 404, "POST /v1/chat/completions");
    refused("POST", "/v1/completions", &[JSON], b"{}", 404, "nothing at /v1/completions");
    for path in ["/v1/audio/transcriptions", "/v1/audio/translations", "/v1/audio/speech"] {
        refused("POST", path, &[], b"file", 404, "no speech recogniser");
    }
    let get = refused("GET", "/v1/chat/completions", &[], b"", 405, "GET is not possible");
    assert_eq!(get.header("allow"), Some("post"));
    refused("DELETE", "/health", &[], b"", 405, "DELETE");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        refused("POST", "/v1/chat/completions", &[("content-type", kind)], b"{}", 415, "application/json");
    }
    refused("POST", "/v1/chat/completions", &[], b"{}", 415, "application/json");
    // A name that a page pointed at this machine.
    for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "", "127.0.0.1.evil.example"] {
        refused("GET", "/v1/models", &[("host", host)], b"", 403, "localhost");
    }
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:80"] {
        assert_eq!(server.send("GET", "/v1/models", &[("host", host)], b"").status, 200, "{host}");
    }
    // No page of another origin may ask.
    let preflight = [("origin", "http://page.example"), ("access-control-request-method", "POST")];
    let answer = server.send("OPTIONS", "/v1/chat/completions", &preflight, b"");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (405, None));
    let notices = server.ask(&question("cow.ogg", "What is this sound?", json!({}))).json();
    assert_eq!(notices.get("notices"), None, "nothing to say of this one");
    let long = server.ask(&question("two-minutes.ogg", "What is this sound?", json!({ "max_tokens": 1 }))).json();
    assert!(long["notices"][0].as_str().is_some_and(|notice| notice.contains("--max-windows")), "{long}");
}

#[test]
fn a_key_is_asked_for_and_pages_are_let_in() {
    let server = Server::start(&["--api-key", "secret", "--cors", "http://page.example"]);
    assert!(server.said.contains("Bearer $AF2_API_KEY") && !server.said.contains("secret"), "{}", server.said);
    let body = question("cow.ogg", "What is this sound?", json!({})).to_string();
    let ask = |headers: &[(&str, &str)]| {
        server.send("POST", "/v1/chat/completions", &[&[JSON][..], headers].concat(), body.as_bytes())
    };
    for wrong in ["Bearer secre", "Bearer secret2", "Bearer", "Basic secret", "secret"] {
        let answer = ask(&[("authorization", wrong)]);
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (401, Some("invalid_api_key")));
        assert_eq!(answer.header("www-authenticate"), Some("bearer"));
    }
    assert_eq!(ask(&[]).status, 401);
    let good = [("authorization", "Bearer secret"), ("origin", "http://page.example")];
    let answer = ask(&good);
    assert_eq!(answer.content(), "it is a cow");
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://page.example"));
    assert_eq!(
        (server.get("/health").status, server.get("/metrics").status, server.get("/v1/models").status),
        (200, 200, 401)
    );
    let preflight = |origin| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type"),
        ];
        let answer = server.send("OPTIONS", "/v1/chat/completions", &headers, b"");
        let header = |name| answer.header(name).map(str::to_owned);
        (answer.status, header("access-control-allow-origin"), header("access-control-allow-headers"))
    };
    let allowed = (200, Some("http://page.example".into()), Some("authorization,content-type".into()));
    assert_eq!(preflight("http://page.example"), allowed);
    assert_eq!(preflight("http://evil.example").1, None);
}

#[test]
fn the_ready_line_works_in_a_shell() {
    let server = Server::start(&[]);
    let line = server.said.lines().find(|line| line.contains("curl")).unwrap();
    let sound = crate::client::repository().join("weights/demo/sounds/cow.ogg");
    let line = line.replace("dog.wav", &sound.to_string_lossy());
    let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "it is a cow");
}
