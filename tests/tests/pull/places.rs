//! Other places that a model comes from: the cache of the official client, a model that is published converted, a plain server.

use std::fs;
use std::path::{Path, PathBuf};

use af2_core::weights::Scheme;
use af2_tests::fixtures::{convert_release, fixture};
use af2_tests::hub::{Fault, Hub, Kind, Layout, Origin, Release};
use tempfile::TempDir;

use crate::layouts::{BASE, RELEASE, converted, files};
use crate::pulling::{Machine, errors};

/// A hub with the toy release, and the folder that it serves.
fn hub() -> (Hub, TempDir, [(&'static str, String); 2]) {
    let folder = TempDir::new().unwrap();
    Release::tiny_a(Layout::WholeState).write(folder.path());
    let hub = Hub::start();
    let commits = [RELEASE, BASE].map(|name| (name, hub.repository(name, &*folder.path().join(name))));
    (hub, folder, commits)
}

/// The cache of the official client on a machine whose `HF_HOME` is `home/hf`, holding some files of the repositories.
#[cfg(unix)]
fn fill_cache(home: &Path, folder: &Path, commits: &[(&str, String)], which: impl Fn(&Path) -> bool) {
    for (name, commit) in commits {
        let cache = home.join("hf/hub").join(format!("models--{}", name.replace('/', "--")));
        fs::create_dir_all(cache.join("refs")).unwrap();
        fs::write(cache.join("refs/main"), commit).unwrap();
        for file in all_files(&folder.join(name)).into_iter().filter(|file| which(file)) {
            let link = cache.join("snapshots").join(commit).join(file.strip_prefix(folder.join(name)).unwrap());
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(file, link).unwrap();
        }
    }
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { all_files(&path) } else { vec![path] }).collect()
}

#[cfg(unix)]
#[test]
fn what_the_official_client_has_downloaded_is_not_fetched() {
    let expected = converted(&Release::tiny_a(Layout::WholeState), Scheme::Q4);
    let (hub, folder, commits) = hub();
    let machine = Machine::new(&hub);
    let weights = |path: &Path| path.extension().is_some_and(|extension| extension == "safetensors");
    fill_cache(&machine.home(), folder.path(), &commits, weights);
    assert_eq!(machine.pulled(), expected);
    assert!(hub.log().iter().all(|entry| entry.origin == Origin::Hub), "no weights came from the storage");

    let offline = Machine::new(&hub);
    fill_cache(&offline.home(), folder.path(), &commits, |_| true);
    let before = hub.log().len();
    let output = offline.pull().env("HF_HUB_OFFLINE", "1").output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!((files(&offline.folder()), hub.log().len()), (expected, before));

    let empty = Machine::new(&hub).pull().env("HF_HUB_OFFLINE", "1").output().unwrap();
    assert!(errors(&empty).contains("HF_HUB_OFFLINE is set"), "{}", errors(&empty));
}

/// The toy, converted and published as `me/converted`.
fn published() -> (Hub, TempDir) {
    let model = TempDir::new().unwrap();
    convert_release(&fixture("tiny-a"), &model.path().join("out"), Scheme::Q4);
    let hub = Hub::start();
    hub.repository("me/converted", &*model.path().join("out"));
    (hub, model)
}

#[test]
fn a_published_model_is_pulled_as_it_is() {
    let (hub, model) = published();
    let machine = Machine::new(&hub);
    let pull = || machine.af2(&["pull", "hf:me/converted", "--accept-licence"]).output().unwrap();
    hub.fault(Fault::always(Kind::Cut { after: 0 }).at("-of-").after(1));
    let output = pull();
    assert!(!output.status.success(), "{}", errors(&output));
    hub.heal();
    let output = pull();
    assert!(output.status.success(), "{}", errors(&output));
    let pulled = machine.home().join("models/me--converted");
    assert_eq!(files(&pulled), files(&model.path().join("out")));

    hub.repository("me/other", &*model.path().join("out"));
    hub.fault(Fault::always(Kind::Corrupt { at: 5000 }).at("model-0"));
    let output = machine.af2(&["pull", "me/other", "--accept-licence"]).output().unwrap();
    assert!(errors(&output).contains("has SHA-256"), "{}", errors(&output));
    assert!(!machine.home().join("models/me--other").exists());
}

#[test]
fn models_are_listed_found_verified_and_removed() {
    let (hub, _model) = published();
    let machine = Machine::new(&hub);
    let run = |arguments: &[&str]| {
        let output = machine.af2(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned(), errors(&output))
    };
    assert!(run(&["pull", "me/converted", "--accept-licence"]).0);
    assert!(run(&["models"]).1.starts_with("me--converted "));
    assert!(run(&["models", "verify", "me--converted"]).0);
    for name in ["me/converted", "hf:me/converted", "me--converted"] {
        let (found, _, message) = run(&["inspect", name]);
        assert!(found, "{name}: {message}");
    }
    assert!(run(&["pull", "me/converted"]).2.contains("is there already"));
    assert!(run(&["models", "remove", "me--converted"]).2.contains("add --yes"));
    assert!(run(&["models", "remove", "me--converted", "--yes"]).0);
    assert!(run(&["models"]).2.contains("no models in"));
    assert!(run(&["inspect", "3b"]).2.contains("fetch it with `af2 pull 3b`"));
    assert!(run(&["models", "verify", "3b"]).2.contains("there is no complete model"));
}

#[test]
fn nothing_is_fetched_before_the_licences_are_accepted() {
    let (hub, _folder, _) = hub();
    let output = Machine::new(&hub).af2(&["pull", "0.5b"]).output().unwrap();
    let message = errors(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("OneWay Noncommercial") && message.contains("add --accept-licence"), "{message}");
    let sent: u64 = hub.log().iter().filter(|entry| entry.origin == Origin::Storage).map(|entry| entry.sent).sum();
    assert!(sent < 100_000, "{sent} bytes, more than the table of tensors");
}
