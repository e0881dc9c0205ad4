//! The list of audio files and questions.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use af2_core::small_file::without_bom;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

use super::lines::next_line;
use crate::open_file::open_input;

/// Most bytes of a line.
const LONGEST_LINE: u64 = 1 << 20;
/// Most lines of a list, of which each takes about 300 bytes of memory, and most bytes: a list that never ends must not fill the memory.
const MOST_FILES: usize = 1 << 19;
const LONGEST_LIST: u64 = 64 << 20;

/// One audio file and what is asked about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The audio file.
    pub audio: PathBuf,
    /// Where in it the part to hear begins, in seconds.
    pub start: f64,
    /// At least one.
    pub questions: Vec<String>,
    /// The line's fields without its questions: every answer repeats them. Half a million maps would take four times the memory.
    pub fields: Box<[(String, Value)]>,
}

/// Reads a list, `-` for standard input. A line is a JSON object with `audio` and `question` or `questions`, or, with `asked` for
/// every file, just the path of an audio file. Paths are relative to `root`.
///
/// # Errors
/// The list cannot be read, or a line is none of that; it is named by its number.
pub fn read_list(path: &Path, root: &Path, asked: &[String]) -> Result<Vec<Job>> {
    if path == Path::new("-") {
        return parse_list(io::stdin().lock(), root, asked).context("in the list on standard input");
    }
    let file = open_input(path).with_context(|| format!("cannot read the list {}", path.display()))?;
    parse_list(BufReader::new(file), root, asked).with_context(|| format!("in the list {}", path.display()))
}

/// The lines of a list.
///
/// # Errors
/// As [`read_list`].
pub fn parse_list(list: impl BufRead, root: &Path, asked: &[String]) -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    let mut list = list.take(LONGEST_LIST + 1);
    for number in 1_u64.. {
        let Some(line) = next_line(&mut list, LONGEST_LINE)? else { break };
        ensure!(list.limit() > 0, "it has more than {LONGEST_LIST} bytes; cut it into several lists");
        ensure!(!line.cut, "line {number} is longer than {LONGEST_LINE} bytes");
        let line = if number == 1 { without_bom(&line.bytes) } else { &line.bytes };
        let line = std::str::from_utf8(line).with_context(|| format!("line {number} is not UTF-8"))?.trim();
        if !line.is_empty() {
            ensure!(jobs.len() < MOST_FILES, "it names more than {MOST_FILES} audio files; cut it into several lists");
            jobs.push(job(line, root, asked).with_context(|| format!("line {number}"))?);
        }
    }
    ensure!(!jobs.is_empty(), "the list names no audio file");
    Ok(jobs)
}

fn job(line: &str, root: &Path, asked: &[String]) -> Result<Job> {
    let mut fields: Map<String, Value> = if line.starts_with('{') {
        serde_json::from_str(line)?
    } else {
        Map::from_iter([("audio".to_owned(), Value::from(line))])
    };
    let audio = match fields.get("audio") {
        Some(Value::String(audio)) if audio.is_empty() => PathBuf::new(), // its own line says so in the output
        Some(Value::String(audio)) if audio != "-" => root.join(audio),
        _ => bail!("\"audio\" must be the path of an audio file"),
    };
    let own = match (fields.remove("question"), fields.remove("questions")) {
        (Some(question), None) => vec![question],
        (None, Some(Value::Array(questions))) => questions,
        (None, None) => asked.iter().map(|question| Value::from(question.as_str())).collect(),
        _ => bail!("give \"question\", or \"questions\" as an array"),
    };
    let text = |question: Value| match question {
        Value::String(text) if !text.trim().is_empty() => Ok(text),
        _ => bail!("a question must be text, and not empty"),
    };
    let questions: Vec<String> = own.into_iter().map(text).collect::<Result<_>>()?;
    ensure!(!questions.is_empty(), "there is no question: give \"question\", or --question for all");
    Ok(Job { audio, start: 0.0, questions, fields: fields.into_iter().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, asked: &[&str]) -> Result<Vec<Job>> {
        let asked: Vec<String> = asked.iter().map(|question| (*question).to_owned()).collect();
        parse_list(text.as_bytes(), Path::new("sounds"), &asked)
    }

    #[test]
    fn objects_paths_and_blank_lines() {
        let text = "{\"audio\": \"a.wav\", \"question\": \"What?\", \"id\": 7}\n\n  b c.wav \r\n{\"questions\": [\"One?\", \"Two?\"], \"audio\": \"/d.wav\"}";
        let jobs = parse(text, &["All?"]).unwrap();
        let audio: Vec<_> = jobs.iter().map(|job| job.audio.to_str().unwrap()).collect();
        assert_eq!(audio, ["sounds/a.wav", "sounds/b c.wav", "/d.wav"]);
        let questions: Vec<_> = jobs.iter().map(|job| job.questions.join(" ")).collect();
        assert_eq!(questions, ["What?", "All?", "One? Two?"]);
        let fields = Map::from_iter(jobs[0].fields.iter().cloned());
        assert_eq!(Value::from(fields), serde_json::json!({ "audio": "a.wav", "id": 7 }));
    }

    #[test]
    fn a_byte_order_mark_in_front_is_skipped() {
        let jobs = parse("\u{feff}{\"audio\": \"a.wav\", \"question\": \"What?\"}\nb.wav", &["All?"]).unwrap();
        assert_eq!((jobs.len(), jobs[0].questions.join(" ")), (2, "What?".into()));
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (line, problem) in [
            ("{", "EOF"),
            ("{\"question\": \"What?\"}", "\"audio\" must be"),
            ("{\"audio\": 3, \"question\": \"What?\"}", "\"audio\" must be"),
            ("{\"audio\": \"-\", \"question\": \"What?\"}", "\"audio\" must be"),
            ("{\"audio\": \"a\", \"question\": \" \"}", "not empty"),
            ("{\"audio\": \"a\", \"questions\": \"What?\"}", "as an array"),
            ("{\"audio\": \"a\", \"questions\": []}", "no question"),
            ("a.wav", "no question"),
        ] {
            let error =
                format!("{:#}", parse(&format!("{{\"audio\": \"a\", \"question\": \"b\"}}\n{line}"), &[]).unwrap_err());
            assert!(error.starts_with("line 2: ") && error.contains(problem), "{line}: {error}");
        }
        assert!(format!("{:#}", parse("\n \n", &["All?"]).unwrap_err()).contains("no audio file"));
        assert!(
            format!("{:#}", parse(&"a\n".repeat(MOST_FILES + 1), &["All?"]).unwrap_err()).contains("several lists")
        );
        let long = format!("a.wav\n{}", "x".repeat(2 << 20));
        assert!(format!("{:#}", parse(&long, &["All?"]).unwrap_err()).contains("line 2 is longer"));
    }
}
