//! The hub itself: answers, refusals, faults, and what it logs.

use std::time::Duration;

use af2_core::weights::verify::ShardHasher;
use af2_tests::hub::{Fault, Files, Hub, Kind, Origin};

use crate::client::{Answer, get, head, range};

const REPOSITORY: &str = "org/model";
const WEIGHTS: &str = "safe_ckpt/model_chunk_0.safetensors";

/// Bytes of the weight file, each a function of its place.
fn weights() -> Vec<u8> {
    (0..200_000_u32).map(|i| (i % 251) as u8).collect()
}

/// A hub with one repository, and its commit.
fn hub() -> (Hub, String) {
    let mut files = Files::default();
    files.insert("README.md", b"read me".to_vec());
    files.insert("safe_ckpt/metadata.json", b"[\"model_chunk_0\"]".to_vec());
    files.insert(WEIGHTS, weights());
    let hub = Hub::start();
    let commit = hub.repository(REPOSITORY, files);
    (hub, commit)
}

fn resolve(hub: &Hub, revision: &str, path: &str) -> String {
    format!("{}/{REPOSITORY}/resolve/{revision}/{path}", hub.endpoint())
}

/// The signed address of the weight file.
fn signed(hub: &Hub) -> String {
    get(&resolve(hub, "main", WEIGHTS), &[]).header("location").to_owned()
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.header("x-error-code")), (status, code));
}

#[test]
fn a_revision_is_a_commit() {
    let (hub, commit) = hub();
    let revision =
        |name: &str, revision: &str| get(&format!("{}/api/models/{name}/revision/{revision}", hub.endpoint()), &[]);
    assert_eq!(revision(REPOSITORY, "main").json()["sha"], commit.as_str());
    assert_eq!(revision(REPOSITORY, &commit).json()["sha"], commit.as_str());
    refused(&revision(REPOSITORY, "other"), 404, "RevisionNotFound");
    refused(&revision("org/other", "main"), 401, "RepoNotFound");
    let known =
        get(&format!("{}/api/models/org/other/revision/main", hub.endpoint()), &[("authorization", "Bearer t")]);
    refused(&known, 404, "RepoNotFound");
}

#[test]
fn a_tree_comes_in_pages() {
    let (hub, commit) = hub();
    let (mut entries, mut pages) = (Vec::new(), 0);
    let mut next = format!("{}/api/models/{REPOSITORY}/tree/{commit}?recursive=true", hub.endpoint());
    while !next.is_empty() {
        let page = get(&next, &[]);
        entries.extend(page.json().as_array().unwrap().clone());
        pages += 1;
        next = page.header("link").strip_suffix(">; rel=\"next\"").map_or("", |link| &link[1..]).to_owned();
    }
    assert_eq!(pages, 2);
    let entry = |path: &str| entries.iter().find(|entry| entry["path"] == path).unwrap();
    assert_eq!(entries.len(), 4);
    assert_eq!(entry("safe_ckpt")["type"], "directory");
    assert_eq!((&entry("README.md")["size"], &entry("README.md")["lfs"]), (&7.into(), &serde_json::Value::Null));
    let mut hasher = ShardHasher::new();
    hasher.update(&weights());
    assert_eq!(entry(WEIGHTS)["lfs"]["oid"], hasher.finish().1);
    assert_eq!(entry(WEIGHTS)["lfs"]["size"], 200_000);
    hub.page_size(100);
    let top = get(&format!("{}/api/models/{REPOSITORY}/tree/main", hub.endpoint()), &[]);
    assert_eq!(top.json().as_array().unwrap().len(), 2);
}

#[test]
fn small_files_come_directly_and_large_ones_from_the_storage() {
    let (hub, commit) = hub();
    let small = get(&resolve(&hub, &commit, "README.md"), &[]);
    assert_eq!((small.status, small.body.as_slice()), (200, b"read me".as_slice()));
    assert!(!small.header("etag").is_empty() && small.header("x-repo-commit") == commit);
    let large = get(&resolve(&hub, "main", WEIGHTS), &[("origin", "http://page")]);
    assert_eq!((large.status, large.header("x-linked-size")), (302, "200000"));
    assert_eq!(large.header("x-repo-commit"), commit);
    assert_eq!(large.header("access-control-allow-origin"), "http://page");
    assert!(large.header("access-control-expose-headers").contains("X-Linked-Size"));
    assert_eq!(large.header("x-linked-etag").len(), 66);
    let location = large.header("location");
    assert!(location.starts_with(hub.storage()) && hub.storage() != hub.endpoint());
    let whole = get(location, &[]);
    assert_eq!((whole.status, whole.body == weights(), whole.header("access-control-allow-origin")), (200, true, "*"));
    let heads = head(location);
    assert_eq!((heads.status, heads.header("content-length"), heads.body.len()), (200, "200000", 0));
    assert_eq!(head(&resolve(&hub, "main", "README.md")).header("content-length"), "7");
    assert_eq!(hub.bytes_sent(), 7 + 200_000);
}

#[test]
fn ranges() {
    let (hub, _) = hub();
    let url = signed(&hub);
    let part = range(&url, 100, 299);
    assert_eq!((part.status, part.header("content-range")), (206, "bytes 100-299/200000"));
    assert_eq!(part.body, weights()[100..300]);
    assert_eq!(range(&url, 199_999, 900_000).body, weights()[199_999..]);
    assert_eq!(get(&url, &[("range", "bytes=-10")]).body, weights()[199_990..]);
    assert_eq!(get(&url, &[("range", "bytes=199000-")]).body, weights()[199_000..]);
    let outside = range(&url, 200_000, 200_001);
    assert_eq!((outside.status, outside.header("content-range"), outside.body.len()), (416, "bytes */200000", 0));
    assert_eq!(get(&url, &[("range", "bytes=0-1,5-6")]).status, 200, "several ranges are ignored");
    assert_eq!(range(&resolve(&hub, "main", "README.md"), 0, 3).body, b"read");
}

#[test]
fn refusals() {
    let (hub, _) = hub();
    refused(&get(&resolve(&hub, "main", "configs/inference.yaml"), &[]), 404, "EntryNotFound");
    refused(&get(&resolve(&hub, "other", "README.md"), &[]), 404, "RevisionNotFound");
    hub.gate(REPOSITORY, "secret");
    let asked = |headers: &[(&str, &str)]| get(&resolve(&hub, "main", "README.md"), headers);
    refused(&asked(&[]), 401, "GatedRepo");
    refused(&asked(&[("authorization", "Bearer other")]), 403, "GatedRepo");
    assert_eq!(asked(&[("authorization", "Bearer secret")]).status, 200);
}

#[test]
fn signatures_expire_and_cannot_be_forged() {
    let (hub, _) = hub();
    let valid = signed(&hub);
    let (address, _) = valid.split_once('?').unwrap();
    assert_eq!(get(address, &[]).status, 403);
    assert_eq!(get(&valid.replace("Signature=", "Signature=0"), &[]).status, 403);
    hub.sign_for(Duration::ZERO);
    assert_eq!(get(&signed(&hub), &[]).status, 403);
    assert_eq!(get(&valid, &[]).status, 200);
    hub.fault(Fault::once(Kind::Expired));
    assert_eq!((get(&valid, &[]).status, get(&valid, &[]).status), (403, 200));
}

#[test]
fn main_moves_and_old_commits_vanish() {
    let (hub, commit) = hub();
    hub.fault(Fault::once(Kind::MoveMain { forget: false }));
    assert_eq!(get(&resolve(&hub, &commit, "README.md"), &[]).status, 200);
    let moved = get(&resolve(&hub, "main", "README.md"), &[]);
    assert!(moved.status == 200 && moved.header("x-repo-commit") != commit);
    hub.fault(Fault::once(Kind::MoveMain { forget: true }).at("README"));
    refused(&get(&resolve(&hub, &commit, "README.md"), &[]), 404, "RevisionNotFound");
    hub.fault(Fault::once(Kind::OtherCommit));
    let other = get(&resolve(&hub, "main", "README.md"), &[]);
    let sincere = get(&resolve(&hub, "main", "README.md"), &[]);
    assert_ne!(other.header("x-repo-commit"), sincere.header("x-repo-commit"));
}

#[test]
fn bodies_fail_as_asked_for() {
    let (hub, _) = hub();
    let (url, weights) = (signed(&hub), weights());
    let faulty = |kind: Kind| {
        hub.fault(Fault::once(kind));
        range(&url, 1000, 150_999)
    };
    let cut = faulty(Kind::Cut { after: 70_000 });
    assert!(!cut.complete && cut.body.len() <= 70_000 && cut.body == weights[1000..1000 + cut.body.len()]);
    let ignored = faulty(Kind::IgnoreRange);
    assert_eq!((ignored.status, ignored.body.len()), (200, 200_000));
    let shifted = faulty(Kind::ShiftRange { by: 5 });
    assert_eq!(
        (shifted.header("content-range"), shifted.body == weights[1005..151_005]),
        ("bytes 1005-151004/200000", true)
    );
    let short = faulty(Kind::Truncate { by: 10 });
    assert_eq!((short.status, short.complete, short.body.len()), (206, true, 149_990));
    let corrupt = faulty(Kind::Corrupt { at: 2000 });
    let differing: Vec<usize> = (0..150_000).filter(|&i| corrupt.body[i] != weights[1000 + i]).collect();
    assert_eq!(differing, [1000]);
    assert_eq!(faulty(Kind::Slow { rate: 4_000_000 }).body, weights[1000..151_000]);
    assert_eq!(range(&url, 1000, 150_999).body, weights[1000..151_000], "then all is well");
    assert_eq!(hub.heal(), 0, "every fault was used");
}

#[test]
fn statuses_limits_and_lies() {
    let (hub, commit) = hub();
    let readme = resolve(&hub, "main", "README.md");
    hub.fault(Fault::once(Kind::Status { status: 500 }).times(2).after(1).at("README"));
    assert_eq!([0, 1, 2, 3].map(|_| get(&readme, &[]).status), [200, 500, 500, 200]);
    hub.fault(Fault::once(Kind::StorageStatus { status: 503 }));
    assert_eq!(get(&signed(&hub), &[]).status, 503);
    hub.fault(Fault::once(Kind::RateLimited { seconds: 7 }));
    let limited = get(&readme, &[]);
    assert_eq!((limited.status, limited.header("retry-after")), (429, "7"));
    assert!(limited.header("ratelimit").contains("r=0;t=7"));
    hub.fault(Fault::once(Kind::Pointer));
    let pointer = get(&resolve(&hub, "main", WEIGHTS), &[]);
    assert!(
        pointer.status == 200 && pointer.body.starts_with(b"version https://git-lfs.github.com/spec/v1\noid sha256:")
    );
    hub.page_size(100);
    hub.fault(Fault::once(Kind::WrongSize { by: 8 }).at(WEIGHTS));
    hub.fault(Fault::once(Kind::WrongDigest).at(WEIGHTS));
    let tree = get(&format!("{}/api/models/{REPOSITORY}/tree/{commit}?recursive=true", hub.endpoint()), &[]).json();
    let entry = tree.as_array().unwrap().iter().find(|entry| entry["path"] == WEIGHTS).unwrap();
    assert_eq!((&entry["size"], &entry["lfs"]["oid"]), (&200_008.into(), &"5".repeat(64).into()));
    hub.fault(Fault::once(Kind::ResolveCache));
    let cached = get(&readme, &[]);
    assert_eq!(cached.status, 307);
    let there = get(&format!("{}{}", hub.endpoint(), cached.header("location")), &[]);
    assert_eq!((there.body.as_slice(), there.header("x-repo-commit")), (b"read me".as_slice(), commit.as_str()));
    hub.fault(Fault::once(Kind::NoCors));
    let url = signed(&hub);
    assert_eq!([0, 1].map(|_| get(&url, &[]).header("access-control-allow-origin").to_owned()), ["", "*"]);
    assert_eq!(hub.heal(), 0, "every fault was used");
}

#[test]
fn everything_is_logged() {
    let (hub, _) = hub();
    let url = get(&resolve(&hub, "main", WEIGHTS), &[("authorization", "Bearer t")]).header("location").to_owned();
    range(&url, 5, 14);
    let log = hub.log();
    assert_eq!(log.len(), 2);
    assert_eq!((log[0].origin, log[0].header("authorization"), log[0].status), (Origin::Hub, Some("Bearer t"), 302));
    assert_eq!((log[1].origin, log[1].header("authorization"), log[1].sent), (Origin::Storage, None, 10));
    assert_eq!(log[1].header("range"), Some("bytes=5-14"));
}

#[test]
fn commands_come_as_json() {
    let (hub, _) = hub();
    let post = |command: &str| {
        let response = ureq::post(format!("{}/_control", hub.endpoint())).send(command).unwrap();
        serde_json::from_reader::<_, serde_json::Value>(response.into_body().into_reader()).unwrap()
    };
    post(r#"{"fault":{"kind":"status","status":500,"path":"README"}}"#);
    assert_eq!(get(&resolve(&hub, "main", "README.md"), &[]).status, 500);
    post(r#"{"gate":{"name":"org/model","token":"t"}}"#);
    assert_eq!(get(&resolve(&hub, "main", "README.md"), &[]).status, 401);
    post(r#"{"tiny-a":{"layout":"whole-state"}}"#);
    let state = post(r#""log""#);
    assert_eq!((&state["endpoint"], state["log"].as_array().unwrap().len()), (&hub.endpoint().into(), 2));
    let toy = get(&format!("{}/api/models/nvidia/audio-flamingo-2-0.5B/revision/main", hub.endpoint()), &[]);
    assert!(toy.json()["siblings"].to_string().contains("model_chunk_0.safetensors"));
    assert!(post(r#""reset""#)["log"].as_array().unwrap().is_empty());
}
