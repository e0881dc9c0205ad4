//! Whatever goes wrong ends in the right model or in one clear line, and the next attempt succeeds.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use af2_core::weights::Scheme;
use af2_tests::hub::{Fault, Hub, Kind, Layout, Origin, Release, dimensions};

use crate::layouts::{BASE, RELEASE, converted};
use crate::pulling::{Machine, errors};

static TOY: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| converted(&Release::tiny_a(Layout::WholeState), Scheme::Q4));

fn hub() -> Hub {
    let hub = Hub::start();
    hub.release(Release::tiny_a(Layout::WholeState));
    hub
}

/// How a pull with a fault must end.
enum End {
    /// With the model.
    Recovers,
    /// With exit code 1 and a last line that holds all of these.
    Says(&'static [&'static str]),
    /// With the model, or with a last line that holds this.
    Either(&'static str),
}

/// Pulls from a hub with faults, then once more without.
fn check(what: &str, faults: &[Fault], end: End) {
    let hub = hub();
    for fault in faults {
        hub.fault(fault.clone());
    }
    let machine = Machine::new(&hub);
    let output = machine.pull().output().unwrap();
    let message = errors(&output);
    let last = message.lines().last().unwrap_or_default();
    let says = |words: &[&str]| {
        assert_eq!(output.status.code(), Some(1), "{what}: {message}");
        assert!(last.starts_with("af2: ") && words.iter().all(|word| last.contains(word)), "{what}: {message}");
        assert!(!machine.folder().exists(), "{what}: a model was left");
    };
    match end {
        End::Recovers => assert!(output.status.success(), "{what}: {message}"),
        End::Either(_) if output.status.success() => {}
        End::Either(word) => says(&[word]),
        End::Says(words) => says(words),
    }
    hub.heal();
    assert_eq!(machine.pulled(), *TOY, "{what}");
    assert_no_token(&hub);
}

/// What the storage was asked held no token.
fn assert_no_token(hub: &Hub) {
    for entry in hub.log().iter().filter(|entry| entry.origin == Origin::Storage) {
        assert_eq!(entry.header("authorization"), None, "{entry:?}");
        assert!(!format!("{entry:?}").contains("hf_secret"), "{entry:?}");
    }
}

const WEIGHTS: &str = ".safetensors";

#[test]
fn every_layout_pulls_as_it_converts() {
    let random = Release::random(&dimensions(2), 3);
    let other = converted(&random, Scheme::Q4);
    let toys = [Layout::WholeState, Layout::WholeStateInThree, Layout::Filtered];
    let toys = toys.map(|layout| (Release::tiny_a(layout), &*TOY, format!("{layout:?}")));
    for (release, expected, what) in toys.into_iter().chain([(random, &other, "generated".to_owned())]) {
        let hub = Hub::start();
        hub.release(release);
        assert_eq!(&Machine::new(&hub).pulled(), expected, "{what}");
    }
}

#[test]
fn broken_transfers_recover() {
    let once = |kind| Fault::once(kind).at(WEIGHTS);
    check("cut once", &[once(Kind::Cut { after: 100_000 })], End::Recovers);
    check("cut twice", &[once(Kind::Cut { after: 70_000 }).after(2).times(2)], End::Recovers);
    check("short answer", &[once(Kind::Truncate { by: 1000 }).after(2)], End::Recovers);
    check("expired signature", &[once(Kind::Expired).after(2).times(2)], End::Recovers);
    check("500 twice", &[Fault::once(Kind::Status { status: 500 }).times(2)], End::Recovers);
    check("storage 503", &[once(Kind::StorageStatus { status: 503 }).after(2)], End::Recovers);
    check("429", &[Fault::once(Kind::RateLimited { seconds: 1 }).after(3)], End::Recovers);
    check("redirected small files", &[Fault::always(Kind::ResolveCache)], End::Recovers);
    check("main moves", &[once(Kind::MoveMain { forget: false })], End::Recovers);
}

#[test]
fn ranges_that_are_not_what_was_asked_for_never_become_weights() {
    let once = |kind| Fault::once(kind).at(WEIGHTS);
    check("another range once", &[once(Kind::ShiftRange { by: 64 }).after(2)], End::Either("asked for"));
    check("ranges ignored", &[Fault::always(Kind::IgnoreRange).at(WEIGHTS)], End::Recovers);
}

#[test]
fn lies_and_refusals_are_told_in_one_line() {
    let always = |kind| Fault::always(kind).at(WEIGHTS);
    check("pointer", &[always(Kind::Pointer)], End::Says(&["git-lfs"]));
    check("wrong size", &[always(Kind::WrongSize { by: 8 })], End::Says(&[WEIGHTS]));
    check("other commit", &[always(Kind::OtherCommit)], End::Says(&["changed"]));
    check("commit gone", &[Fault::once(Kind::MoveMain { forget: true }).at(WEIGHTS)], End::Says(&["revision"]));
}

/// Half a minute of attempts.
#[test]
fn a_server_that_never_answers_in_full_is_given_up() {
    check("always cut", &[Fault::always(Kind::Cut { after: 0 }).at(WEIGHTS)], End::Says(&[WEIGHTS]));
}

#[test]
fn gated_files_need_a_token_and_only_the_hub_sees_it() {
    let hub = hub();
    hub.gate(RELEASE, "hf_secret");
    let without = Machine::new(&hub).pull().output().unwrap();
    assert!(!without.status.success() && errors(&without).contains("HF_TOKEN"), "{}", errors(&without));
    let other = Machine::with_token(&hub, "hf_other").pull().output().unwrap();
    assert!(!other.status.success() && errors(&other).contains(RELEASE), "{}", errors(&other));
    assert_eq!(Machine::with_token(&hub, "hf_secret").pulled(), *TOY);
    let storage = hub.log().iter().filter(|entry| entry.origin == Origin::Storage).count();
    assert!(storage > 0, "the storage was asked");
    assert_no_token(&hub);
}

#[test]
fn what_is_not_there_is_named() {
    let hub = Hub::start();
    let message = errors(&Machine::new(&hub).pull().output().unwrap());
    assert!(message.contains(RELEASE), "{message}");
    hub.release(Release::tiny_a(Layout::WholeState));
    hub.repository(BASE, af2_tests::hub::Files::default());
    let message = errors(&Machine::new(&hub).pull().output().unwrap());
    assert!(message.contains("config.json"), "{message}");
}

#[test]
fn verification_finds_what_no_range_can_show() {
    let hub = hub();
    let machine = Machine::new(&hub);
    let verify = || machine.af2(&["pull", "0.5b", "--accept-licence", "--verify"]).output().unwrap();
    hub.fault(Fault::always(Kind::WrongDigest).at("model_chunk_0"));
    let refused = verify();
    assert!(!refused.status.success() && errors(&refused).contains("SHA-256"), "{}", errors(&refused));
    hub.heal();
    let accepted = verify();
    assert!(accepted.status.success(), "{}", errors(&accepted));
}

#[test]
fn a_dry_run_tells_what_is_needed_and_fetches_none_of_it() {
    let hub = Hub::start();
    hub.release(Release::synth("3b"));
    let output = Machine::new(&hub).af2(&["pull", "3b", "--dry-run"]).output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains("19.2 GB of 37.0 GB"), "{printed}");
    assert!(hub.bytes_sent() < 20_000_000, "{} bytes were sent", hub.bytes_sent());
}
