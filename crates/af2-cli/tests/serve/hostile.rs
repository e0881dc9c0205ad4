//! Malformed requests: each is refused with a sentence, and the server goes on.

use serde_json::{Value, json};

use crate::client::{Server, question};

/// Cases of each kind.
const CASES: usize = 300;

/// xorshift64*: the same cases every time.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % most
    }
}

/// A value that stands where another belongs.
fn strange(random: &mut Random) -> Value {
    let values = [
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!(-1),
        json!(1e308),
        json!(u64::MAX),
        json!("\u{0}\u{fffd}🔊"),
        json!("x".repeat(3000)),
        json!({ "type": { "type": [] } }),
        json!(["text", 0, null]),
        json!(true),
    ];
    values[random.below(values.len())].clone()
}

/// All places of a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| places(value, &format!("{at}/{i}"), found))
        }
        _ => {}
    }
}

/// A request of every parameter, without the bulk of its audio.
fn rich() -> Value {
    let more = json!({
        "stream": true, "stream_options": { "include_usage": true }, "max_tokens": 3, "temperature": 0.5, "top_p": 0.9, "seed": 1,
        "stop": ["a"], "logprobs": true, "top_logprobs": 2, "response_format": { "type": "text" }, "n": 1, "tools": [],
    });
    let mut request = question("cow.ogg", "What is this sound?", more);
    request["messages"][0]["content"][1]["input_audio"]["data"] = json!("T2dnUw==");
    request
}

fn assert_refused(server: &Server, body: &[u8]) {
    let answer = server.post(body);
    let shown = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
    assert!((400..500).contains(&answer.status), "{}: {shown}", answer.status);
    let said = answer.refusal();
    assert!(said.contains(' ') && said.chars().count() < 600, "{said:?}: {shown}");
}

#[test]
fn what_is_malformed_is_refused_in_a_sentence() {
    let server = Server::start(&[]);
    let mut random = Random(0x5eed);
    let request = rich();
    let mut found = Vec::new();
    places(&request, "", &mut found);
    for _ in 0..CASES {
        let mut changed = request.clone();
        let place = &found[random.below(found.len())];
        *changed.pointer_mut(place).unwrap() = strange(&mut random);
        assert_refused(&server, changed.to_string().as_bytes());
    }
    let text = request.to_string().into_bytes();
    for _ in 0..CASES {
        let mut bytes = text.clone();
        match random.below(3) {
            0 => bytes.truncate(random.below(text.len())),
            1 => {
                let at = random.below(text.len());
                bytes[at] = random.below(256) as u8;
            }
            _ => {
                let at = random.below(text.len());
                bytes.splice(at..at, (0..random.below(40)).map(|_| random.below(256) as u8).collect::<Vec<_>>());
            }
        }
        assert_refused(&server, &bytes);
    }
    for body in [&b""[..], b"null", b"[", b"\"", &b"[".repeat(100_000), &b"{\"a\":".repeat(10_000), b"\xff\xfe{}"] {
        assert_refused(&server, body);
    }
    for path in ["/v1/models/%ff%fe", "/v1/models/%00", "/v1//models", "/%2e%2e/%2e%2e/etc/passwd", "/v1/audio/%ff"] {
        let answer = server.get(path);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
    }
    for head in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/models HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    ] {
        let answer = server.raw(head);
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    assert_eq!(server.ask(&question("cow.ogg", "What is this sound?", json!({}))).content(), "it is a cow");
    assert_eq!(server.metric("af2_requests_in_flight"), 0);
}
