//! `af2 doctor MODEL`: whether this machine computes the answer that the model's index lists.

use std::path::Path;

use af2_core::captions::CAPTION_QUESTION;
use af2_core::engine::Generation;
use af2_core::text::prompt::{PROMPT_LIMIT, PromptIds, prompt};
use af2_core::weights::index::SelfTest;
use anyhow::{Context, Result};

use crate::model::{Engine, EngineChoice, ModelFiles, load};
use crate::terminal::print_line;

/// Loads a model and tests it; with `record` its answer is written to the index instead.
///
/// # Errors
/// The model cannot be loaded, or its answer is not the expected one.
pub(super) fn run(dir: &Path, engine: Option<EngineChoice>, adapter: Option<&str>, record: bool) -> Result<()> {
    let engine = load(dir, engine, adapter)?;
    let (model, name) = (&engine.config().name, engine.name());
    if record {
        let answer = answer(&*engine, CAPTION_QUESTION)?;
        let recorded = SelfTest::recorded(CAPTION_QUESTION, &answer);
        let recorded = recorded.with_context(|| format!("{model} has no clear answer to the self-test's question"))?;
        let count = recorded.ids.len();
        ModelFiles::record_self_test(dir, recorded)?;
        return Ok(print_line(format_args!("{model}: self-test recorded on {name}, {count} tokens"))?);
    }
    let Some(expected) = ModelFiles::self_test(dir)? else {
        let hint = "`af2 doctor MODEL --record --engine cpu` records what the CPU answers";
        return Ok(print_line(format_args!("{model} on {name}: not verified, its index lists no self-test; {hint}"))?);
    };
    expected.check(&answer(&*engine, &expected.question)?).with_context(|| format!("{model} on {name}"))?;
    Ok(print_line(format_args!("{model} on {name}: verified, {} tokens as expected", expected.ids.len()))?)
}

fn answer(engine: &dyn Engine, question: &str) -> Result<Generation> {
    let windows = SelfTest::windows(&engine.config().audio)?;
    let prompt = PromptIds::encode(engine.tokenizer(), &prompt(question), PROMPT_LIMIT)?;
    let mut heard = engine.listen(&windows, &mut |_, _| true)?;
    heard.generate(&prompt.ids, &SelfTest::options(), &mut |_| true)
}
