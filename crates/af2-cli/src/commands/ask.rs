//! `af2 ask MODEL AUDIO QUESTION…`: answers, streamed as they are made.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use af2_core::audio::Clip as Sound;
use af2_core::generation::FinishReason;
use af2_core::sampling::SamplingParams;
use af2_core::text::answer::{AnswerPiece, AnswerStream, clean_answer};
use af2_core::text::prompt::{self, PromptIds};
use af2_core::text::{Tokenizer, cot};
use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

use crate::engine::{Engine, EngineChoice, Heard};
use crate::executor::drive;
use crate::session::load_sound;

/// Arguments of `af2 ask`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Directory of a converted model.
    model: PathBuf,
    /// A sound file (WAV, FLAC, MP3, OGG Vorbis, AAC/M4A), or - for standard input.
    audio: PathBuf,
    /// One or several questions about the sound; it is encoded once.
    #[arg(required = true)]
    questions: Vec<String>,
    /// Print one JSON object per question instead of streaming text.
    #[arg(long)]
    json: bool,
    /// Windows of 10 s to listen to; the model's own limit by default, 30 for five minutes.
    #[arg(long, value_name = "N")]
    max_windows: Option<usize>,
    /// Use the adapter whose name contains this.
    #[arg(long, value_name = "NAME")]
    adapter: Option<String>,
    /// What computes; by default the GPU, or the processor where there is none.
    #[arg(long, value_name = "ENGINE")]
    engine: Option<EngineChoice>,
    /// Afterwards, list on stderr what one token's step takes on the GPU, kernel by kernel.
    #[arg(long)]
    profile: bool,
    #[command(flatten)]
    decoding: Decoding,
}

/// How the answer is chosen.
#[derive(Debug, Args)]
struct Decoding {
    /// Draw tokens with the published settings (top-k 30, top-p 0.95, temperature 1) instead of taking the most likely.
    #[arg(long)]
    sample: bool,
    /// Divide the logits by this; 0 takes the most likely token.
    #[arg(long)]
    temperature: Option<f64>,
    /// Draw from this many most likely tokens; 0 for all.
    #[arg(long)]
    top_k: Option<usize>,
    /// Draw from the fewest tokens that together have this probability.
    #[arg(long)]
    top_p: Option<f64>,
    /// Draw from tokens at least this fraction as likely as the most likely one.
    #[arg(long)]
    min_p: Option<f64>,
    /// Make tokens that already occurred less likely; 1 for none.
    #[arg(long)]
    repetition_penalty: Option<f64>,
    /// The same seed gives the same answer.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Search with this many beams.
    #[arg(long, value_name = "N")]
    beams: Option<usize>,
    /// Most tokens of an answer (256; with --cot 1024 per pass).
    #[arg(long, value_name = "N")]
    max_new_tokens: Option<usize>,
    /// End the answer before this text; may be given several times.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Chain of thought: longer limits and a second pass that closes unfinished reasoning.
    #[arg(long)]
    cot: bool,
}

impl Decoding {
    fn sampling(&self) -> Result<SamplingParams> {
        let draws = [
            self.temperature.is_some_and(|t| t > 0.0),
            self.top_k.is_some(),
            self.top_p.is_some(),
            self.min_p.is_some(),
        ];
        let base = if self.sample {
            SamplingParams::published()
        } else if draws.contains(&true) {
            SamplingParams { temperature: 1.0, ..SamplingParams::greedy() }
        } else {
            SamplingParams::greedy()
        };
        let params = SamplingParams {
            temperature: self.temperature.unwrap_or(base.temperature),
            top_k: self.top_k.unwrap_or(base.top_k),
            top_p: self.top_p.unwrap_or(base.top_p),
            min_p: self.min_p.unwrap_or(base.min_p),
            repetition_penalty: self.repetition_penalty.unwrap_or(base.repetition_penalty),
            seed: self.seed,
        };
        params.validate()?;
        if self.beams.is_some() && (!params.is_greedy() || params.repetition_penalty != 1.0 || !self.stop.is_empty()) {
            bail!(
                "--beams searches for the most likely answer; it goes with neither sampling, --repetition-penalty nor --stop"
            );
        }
        Ok(params)
    }

    fn limits(&self) -> (usize, usize) {
        let (prompt, new_tokens) = if self.cot {
            (cot::PROMPT_LIMIT, cot::NEW_TOKEN_LIMIT)
        } else {
            (prompt::PROMPT_LIMIT, prompt::NEW_TOKEN_LIMIT)
        };
        (prompt, self.max_new_tokens.unwrap_or(new_tokens))
    }
}

/// One answer, as `--json` prints it.
#[derive(Serialize)]
struct Answer<'a> {
    question: &'a str,
    text: String,
    ids: Vec<u32>,
    prompt_ids: Vec<u32>,
    finish_reason: &'static str,
    windows: usize,
    seconds: f64,
    truncated: bool,
    adapter: &'a str,
    timings: Timings,
}

/// Seconds.
#[derive(Serialize, Clone, Copy, Default)]
struct Timings {
    load: f64,
    decode_audio: f64,
    encode: f64,
    first_token: f64,
    generate: f64,
    tokens_per_second: f64,
}

/// What a generation produced.
struct Generated {
    prompt_ids: Vec<u32>,
    ids: Vec<u32>,
    finish: FinishReason,
    /// The answer as it was streamed; what a stop string cut off is missing.
    text: String,
    first_token: f64,
    seconds: f64,
}

/// Answers every question in turn.
pub fn run(arguments: Arguments) -> Result<()> {
    let sampling = arguments.decoding.sampling()?;
    let choice = arguments.engine.or(arguments.profile.then_some(EngineChoice::Gpu));
    let engine = Engine::load(&arguments.model, choice, arguments.adapter.as_deref())?;
    let start = Instant::now();
    let sound = load_sound(&engine.config().audio, &arguments.audio, arguments.max_windows)?;
    let decode_audio = start.elapsed().as_secs_f64();
    if sound.facts.truncated {
        let heard = sound.windows.seconds();
        eprintln!("af2: only the first {heard:.0} s are heard; --max-windows 30 listens to five minutes");
    }
    let start = Instant::now();
    let mut heard = listen(&engine, &sound)?;
    let timings = Timings {
        load: engine.load_seconds(),
        decode_audio,
        encode: start.elapsed().as_secs_f64(),
        ..Timings::default()
    };
    for question in &arguments.questions {
        let asker = Asker { engine: &engine, decoding: &arguments.decoding, sampling, stream: !arguments.json };
        let generated = asker.ask(&mut heard, question)?;
        if arguments.json {
            let answer = answer(&engine, &sound, question, generated, timings);
            writeln!(io::stdout(), "{}", serde_json::to_string(&answer)?)?;
        }
    }
    if arguments.profile {
        print_profile(&engine, &heard)?;
    }
    Ok(())
}

/// Sums the step's dispatches by kernel: labels are alike but for the layer's number.
fn print_profile(engine: &Engine, heard: &Heard) -> Result<()> {
    let (Engine::Gpu(session), Heard::Gpu(clip)) = (engine, heard) else {
        eprintln!("af2: --profile lists the kernels of a GPU; the processor has none");
        return Ok(());
    };
    let Some(spans) = drive(&session.gpu, clip.profile_step())?? else {
        eprintln!("af2: {} has no timestamps", session.gpu.facts().name);
        return Ok(());
    };
    let mut kernels: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for span in &spans {
        let part = span.cost.label.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let kernel = kernels.entry(part).or_default();
        *kernel = (kernel.0 + 1, kernel.1 + span.nanoseconds);
    }
    for (label, (count, nanoseconds)) in kernels {
        eprintln!("{label:<28}{count:>5} × {:>9.1} µs", nanoseconds / count as f64 / 1e3);
    }
    let total: f64 = spans.iter().map(|span| span.nanoseconds).sum();
    eprintln!("{:<28}{:>5}   {:>9.1} µs", "one step", spans.len(), total / 1e3);
    Ok(())
}

fn listen(engine: &Engine, sound: &Sound) -> Result<Heard> {
    let mut progress = |done: usize, total: usize| {
        if total > 1 && done < total {
            eprint!("\rlistening: window {} of {total}", done + 1);
        } else if total > 1 {
            eprintln!();
        }
        true
    };
    engine.listen(&sound.windows, &mut progress)
}

fn answer<'a>(
    engine: &'a Engine,
    sound: &Sound,
    question: &'a str,
    generated: Generated,
    timings: Timings,
) -> Answer<'a> {
    let decoded = (generated.ids.len().saturating_sub(1)) as f64;
    let seconds = generated.seconds - generated.first_token;
    Answer {
        question,
        text: generated.text,
        ids: generated.ids,
        prompt_ids: generated.prompt_ids,
        finish_reason: match generated.finish {
            FinishReason::EndOfText => "end_of_text",
            FinishReason::Length => "length",
            FinishReason::Stopped => "stop",
        },
        windows: sound.windows.count,
        seconds: sound.windows.seconds(),
        truncated: sound.facts.truncated,
        adapter: engine.name(),
        timings: Timings {
            first_token: generated.first_token,
            generate: generated.seconds,
            tokens_per_second: if seconds > 0.0 { decoded / seconds } else { 0.0 },
            ..timings
        },
    }
}

struct Asker<'a> {
    engine: &'a Engine,
    decoding: &'a Decoding,
    sampling: SamplingParams,
    stream: bool,
}

impl Asker<'_> {
    fn end_of_text(&self) -> String {
        self.engine.tokenizer().token(self.engine.config().tokens.end_of_text).unwrap_or_default()
    }

    fn ask(&self, heard: &mut Heard, question: &str) -> Result<Generated> {
        let text = prompt::prompt(question);
        // A second pass rewrites the answer, and a beam search ends with it: neither can be streamed.
        let stream = self.stream && !self.decoding.cot && self.decoding.beams.is_none();
        let mut generated = self.generate(heard, &text, stream)?;
        if self.decoding.cot {
            generated = self.finish_reasoning(heard, &text, generated)?;
        }
        if self.stream && !stream {
            io::stdout().write_all(generated.text.as_bytes())?;
        }
        if self.stream {
            writeln!(io::stdout())?;
        }
        Ok(generated)
    }

    fn finish_reasoning(&self, heard: &mut Heard, prompt: &str, first: Generated) -> Result<Generated> {
        let tokenizer = self.engine.tokenizer();
        let whole = |generated: &Generated| -> Result<String> {
            let ids: Vec<u32> = generated.prompt_ids.iter().chain(&generated.ids).copied().collect();
            Ok(cot::answer(&tokenizer.decode(&ids, true)?, &self.end_of_text()))
        };
        let text = whole(&first)?;
        let Some(next) = cot::next_prompt(prompt, &text) else { return Ok(Generated { text, ..first }) };
        let second = self.generate(heard, &next, false)?;
        let text = whole(&second)?;
        Ok(Generated { text, first_token: first.first_token, seconds: first.seconds + second.seconds, ..second })
    }

    fn generate(&self, heard: &mut Heard, prompt: &str, stream: bool) -> Result<Generated> {
        let (prompt_limit, max_new_tokens) = self.decoding.limits();
        let encoded = PromptIds::encode(self.engine.tokenizer(), prompt, prompt_limit)?;
        if encoded.separator_lost {
            eprintln!(
                "af2: the prompt has {} tokens and is cut to {prompt_limit}, as in the original; the model then does not see where it ends: ask a shorter question",
                encoded.full_length
            );
        }
        match self.decoding.beams {
            Some(beams) => self.search(heard, encoded.ids, beams, max_new_tokens),
            None => self.decode(heard, encoded.ids, max_new_tokens, stream),
        }
    }

    fn decode(
        &self,
        heard: &mut Heard,
        prompt_ids: Vec<u32>,
        max_new_tokens: usize,
        stream: bool,
    ) -> Result<Generated> {
        let start = Instant::now();
        let mut writer = AnswerWriter::new(self.engine.tokenizer(), &self.end_of_text(), &self.decoding.stop, stream)?;
        let mut first_token = None;
        let mut on_token = |id| {
            first_token.get_or_insert_with(|| start.elapsed().as_secs_f64());
            writer.push(id)
        };
        let generation = self.engine.generate(heard, &prompt_ids, self.sampling, max_new_tokens, &mut on_token)?;
        let text = writer.finish()?;
        let seconds = start.elapsed().as_secs_f64();
        let first_token = first_token.unwrap_or(seconds);
        Ok(Generated { prompt_ids, ids: generation.ids, finish: generation.finish, text, first_token, seconds })
    }

    fn search(
        &self,
        heard: &mut Heard,
        prompt_ids: Vec<u32>,
        beams: usize,
        max_new_tokens: usize,
    ) -> Result<Generated> {
        let start = Instant::now();
        let ids = self.engine.beam_search(heard, &prompt_ids, beams, max_new_tokens)?;
        let tokenizer = self.engine.tokenizer();
        let text = clean_answer(&tokenizer.decode(&ids, true)?, &self.end_of_text());
        let ended = ids.last() == Some(&self.engine.config().tokens.end_of_text);
        let finish = if ended { FinishReason::EndOfText } else { FinishReason::Length };
        let seconds = start.elapsed().as_secs_f64();
        Ok(Generated { prompt_ids, ids, finish, text, first_token: seconds, seconds })
    }
}

/// Turns ids to text and writes it as it settles.
struct AnswerWriter {
    answer: AnswerStream,
    text: String,
    stream: bool,
    broken: Option<io::Error>,
}

impl AnswerWriter {
    fn new(tokenizer: &Tokenizer, end_of_text: &str, stop: &[String], stream: bool) -> Result<Self> {
        let answer = AnswerStream::new(tokenizer, end_of_text, stop.to_vec())?;
        Ok(Self { answer, text: String::new(), stream, broken: None })
    }

    /// Takes a token; false when the answer should end.
    fn push(&mut self, id: u32) -> bool {
        let pieces = self.answer.push(id);
        self.take(pieces)
    }

    fn take(&mut self, pieces: Vec<AnswerPiece>) -> bool {
        for piece in pieces {
            match piece {
                AnswerPiece::Text(text) => self.write(&text),
                AnswerPiece::Restart => {
                    self.text.clear();
                    self.write_out("\n");
                }
                AnswerPiece::Stop(_) => return false,
            }
        }
        self.broken.is_none()
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
        self.write_out(text);
    }

    fn write_out(&mut self, text: &str) {
        if self.stream {
            let mut out = io::stdout().lock();
            self.broken = out.write_all(text.as_bytes()).and_then(|()| out.flush()).err();
        }
    }

    fn finish(mut self) -> Result<String> {
        let pieces = self.answer.finish();
        self.take(pieces);
        self.broken.map_or(Ok(self.text), |error| Err(error.into()))
    }
}
