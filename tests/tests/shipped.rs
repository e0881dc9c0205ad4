//! The shipped demo model names the shipped sounds, where its recipe found a wide margin.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};

use af2_cli::model::{Session, drive};
use af2_core::audio::load_file;
use af2_core::engine::end_of_text;
use af2_core::text::answer::clean_answer;
use af2_core::text::prompt::{PROMPT_LIMIT, PromptIds, prompt};
use af2_model::{Clip, GenerateOptions};
use serde::Deserialize;

/// Sounds that are asked: lists beyond this would slow the tests down on a software driver.
const SOUNDS: usize = 5;
/// Lead of the best logit over the second along an answer, as PyTorch saw it; kernels differ by a thousandth of this.
const WIDE: f64 = 2.5;

#[derive(Deserialize)]
struct Sound {
    file: String,
    seconds: f64,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    question: String,
    expected: Option<String>,
    margin: f64,
}

impl Sound {
    /// The questions whose answer is sure, for a sound of one window.
    fn sure(&self) -> Vec<(&str, &str)> {
        let wide = self.questions.iter().filter(|question| question.margin > WIDE && self.seconds <= 10.0);
        wide.filter_map(|question| Some((question.question.as_str(), question.expected.as_deref()?))).collect()
    }
}

fn shipped(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../weights/demo").join(path)
}

fn listen(session: &Session, file: &str) -> Clip {
    let config = &session.model.config().audio;
    let bytes = fs::read(shipped("sounds").join(file)).unwrap();
    let windows = load_file(bytes, file, config, config.max_num_window).unwrap().windows;
    drive(&session.gpu, session.model.listen(&windows, &mut |_, _| true)).unwrap().unwrap()
}

fn answer(session: &Session, clip: &mut Clip, question: &str) -> String {
    let tokenizer = session.model.tokenizer();
    let prompt = PromptIds::encode(tokenizer, &prompt(question), PROMPT_LIMIT).unwrap();
    let options = GenerateOptions { max_new_tokens: 48, ..GenerateOptions::default() };
    let generation = drive(&session.gpu, clip.generate(&prompt.ids, &options, &mut |_| true)).unwrap().unwrap();
    let end = end_of_text(tokenizer, &session.model.config().tokens);
    clean_answer(&tokenizer.decode(&generation.ids, false).unwrap(), &end)
}

#[test]
fn the_demo_model_knows_shipped_sounds() {
    let list = fs::read(shipped("sounds/sounds.json")).unwrap();
    let sounds: Vec<Sound> = serde_json::from_slice(&list).unwrap();
    let sure: Vec<&Sound> = sounds.iter().filter(|sound| sound.sure().len() >= 2).take(SOUNDS).collect();
    assert!(sure.len() >= 3, "only {} sounds have sure answers: the list is broken", sure.len());
    let session = Session::load(&shipped("model"), None).unwrap();
    for sound in sure {
        let mut clip = listen(&session, &sound.file);
        for (question, expected) in sound.sure() {
            assert_eq!(answer(&session, &mut clip, question), expected, "{}: {question}", sound.file);
        }
    }
}
