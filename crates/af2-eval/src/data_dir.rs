//! The folder of a data set: its lists and tables, and where its audio is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use af2_core::small_file::without_bom;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::EvalError;

/// Most bytes of a list or table. NSynth's has 2 MB, AIR-Bench's 10.
const LONGEST: u64 = 512 << 20;
/// Most audio files of a data set.
const MOST_FILES: usize = 1 << 20;
/// Folders within folders that are searched for audio.
const DEEPEST: usize = 6;
/// Names of audio files end like this.
const AUDIO: [&str; 8] = ["wav", "flac", "mp3", "ogg", "opus", "m4a", "webm", "aac"];

/// A data set's folder.
#[derive(Debug, Clone)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// The folder `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether an item's audio is there.
    pub fn has(&self, audio: &Path) -> bool {
        self.root.join(audio).is_file()
    }

    /// The first of several names that is a file.
    pub(crate) fn find(&self, names: &[&str]) -> Result<PathBuf, EvalError> {
        let found = names.iter().map(|name| self.root.join(name)).find(|path| path.is_file());
        found.ok_or_else(|| EvalError::Absent { dir: self.root.clone(), names: names.join(" nor ") })
    }

    /// A JSON value.
    pub(crate) fn json<T: DeserializeOwned>(&self, names: &[&str]) -> Result<T, EvalError> {
        let path = self.find(names)?;
        let bytes = read_bounded(&path)?;
        serde_json::from_slice(without_bom(&bytes)).map_err(|error| EvalError::content(&path, error))
    }

    /// The objects of a JSON array, or of JSON lines.
    pub(crate) fn rows(&self, names: &[&str]) -> Result<Vec<Row>, EvalError> {
        rows(&self.find(names)?)
    }

    /// The lines of a table with a header, or of one without, whose columns are then called `0`, `1`, ….
    pub(crate) fn table(&self, names: &[&str], header: bool) -> Result<Vec<Row>, EvalError> {
        let path = self.find(names)?;
        let bytes = read_bounded(&path)?;
        let wrong = |error: csv::Error| EvalError::content(&path, error);
        let mut reader = csv::ReaderBuilder::new().has_headers(header).flexible(true).from_reader(without_bom(&bytes));
        let names = if header { reader.headers().map_err(wrong)?.clone() } else { csv::StringRecord::new() };
        let mut lines = Vec::new();
        for (number, record) in (1 + usize::from(header)..).zip(reader.records()) {
            let record = record.map_err(wrong)?;
            let name = |i: usize| names.get(i).map_or_else(|| i.to_string(), |name| name.trim().to_owned());
            let fields = record.iter().enumerate().map(|(i, field)| (name(i), Value::from(field))).collect();
            lines.push(Row { path: path.clone(), number, fields });
        }
        Ok(lines)
    }

    /// All audio files in a folder of the data set and below, in order of their names, relative to the data set.
    pub(crate) fn audio_files(&self, folders: &[&str]) -> Result<Vec<PathBuf>, EvalError> {
        let folder = folders.iter().map(|name| self.root.join(name)).find(|path| path.is_dir());
        let folder =
            folder.ok_or_else(|| EvalError::Absent { dir: self.root.clone(), names: folders.join("/ nor ") + "/" })?;
        let mut files = Vec::new();
        self.collect(&folder, DEEPEST, &mut files)?;
        files.sort();
        Ok(files)
    }

    fn collect(&self, folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), EvalError> {
        let entries = fs::read_dir(folder).map_err(|error| EvalError::read(folder, error))?;
        for entry in entries {
            let path = entry.map_err(|error| EvalError::read(folder, error))?.path();
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if path.is_dir() && depth > 0 {
                self.collect(&path, depth - 1, files)?;
            } else if AUDIO.contains(&extension.to_ascii_lowercase().as_str()) {
                files.extend(path.strip_prefix(&self.root).map(Path::to_owned));
            }
            if files.len() > MOST_FILES {
                return Err(EvalError::content(folder, format!("it has more than {MOST_FILES} audio files")));
            }
        }
        Ok(())
    }

    /// The audio file of a name in the first of several folders (`""` for the data set's own) that has it, in the first folder if none has.
    /// A file of the same name in another format counts.
    pub(crate) fn audio(&self, folders: &[&str], name: &str) -> PathBuf {
        let name = name.trim_start_matches("./");
        let places = folders.iter().map(|folder| Path::new(folder).join(name));
        let formats = |path: PathBuf| AUDIO.map(|extension| path.with_extension(extension));
        let all = places.clone().chain(places.flat_map(formats));
        let first = Path::new(folders.first().copied().unwrap_or_default()).join(name);
        all.into_iter().find(|path| self.has(path)).unwrap_or(first)
    }
}

/// The objects of a file of JSON: an array, an object of objects in the order of their numbers, or one object a line.
pub(crate) fn rows(path: &Path) -> Result<Vec<Row>, EvalError> {
    let bytes = read_bounded(path)?;
    let text = without_bom(&bytes);
    let row = |number, fields| Row { path: path.into(), number, fields };
    let wrong = |error: serde_json::Error| EvalError::content(path, error);
    if text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        let all: Vec<Map<String, Value>> = serde_json::from_slice(text).map_err(wrong)?;
        return Ok((1..).zip(all).map(|(number, fields)| row(number, fields)).collect());
    }
    if let Ok(all) = serde_json::from_slice::<BTreeMap<String, Map<String, Value>>>(text) {
        let mut all: Vec<_> =
            all.into_iter().map(|(key, fields)| (key.parse().unwrap_or(usize::MAX), fields)).collect();
        all.sort_by_key(|(key, _)| *key);
        return Ok(all.into_iter().map(|(key, fields)| row(key, fields)).collect());
    }
    let lines = text.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    let line = |(line, number): (&[u8], usize)| {
        let fields = serde_json::from_slice(line);
        fields
            .map(|fields| row(number, fields))
            .map_err(|error| EvalError::content(path, format!("line {number}: {error}")))
    };
    lines.map(line).collect()
}

/// The bytes of a list or table.
pub(crate) fn read_bounded(path: &Path) -> Result<Vec<u8>, EvalError> {
    let read = || {
        let file = File::open(path)?;
        let mut bytes = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST {
            return Err(ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    };
    read().map_err(|error| EvalError::read(path, error))
}

/// One entry of a list or table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    path: PathBuf,
    number: usize,
    /// Its fields.
    pub fields: Map<String, Value>,
}

impl Row {
    /// The entry `key` of an object of entries.
    pub fn of(path: &Path, key: &str, value: &Value) -> Result<Self, EvalError> {
        let fields = value.as_object().cloned();
        let fields = fields.ok_or_else(|| EvalError::content(path, format!("entry {key} is no object")))?;
        Ok(Self { path: path.into(), number: key.parse().unwrap_or_default(), fields })
    }

    /// A field's text; a number's digits.
    pub fn text(&self, name: &str) -> Result<String, EvalError> {
        self.maybe(name).ok_or_else(|| self.wrong(format_args!("it has no `{name}`")))
    }

    /// A field's text, where there is one.
    pub fn maybe(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A field's text, or nothing.
    pub fn or_empty(&self, name: &str) -> String {
        self.maybe(name).unwrap_or_default()
    }

    /// A list of texts: an array, JSON of one as a text, or Python's form of one.
    pub fn list(&self, name: &str) -> Result<Vec<String>, EvalError> {
        match self.fields.get(name) {
            Some(Value::Array(_)) => self.strings(name, &self.fields[name]),
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(value) => self.strings(name, &value),
                Err(_) => Ok(python_list(text)),
            },
            _ => Err(self.wrong(format_args!("it has no list `{name}`"))),
        }
    }

    fn strings(&self, name: &str, value: &Value) -> Result<Vec<String>, EvalError> {
        let texts = value.as_array().map(|all| all.iter().map(|text| text.as_str().map(str::to_owned)).collect());
        texts.flatten().ok_or_else(|| self.wrong(format_args!("`{name}` is no list of texts")))
    }

    /// An error about this entry.
    pub fn wrong(&self, reason: impl std::fmt::Display) -> EvalError {
        EvalError::content(&self.path, format!("entry {}: {reason}", self.number))
    }
}

/// The texts of a Python list that was written as text: `['a', "it's"]`.
fn python_list(text: &str) -> Vec<String> {
    let (mut texts, mut open): (Vec<String>, Option<char>) = (Vec::new(), None);
    let mut characters = text.trim().trim_start_matches('[').trim_end_matches(']').chars();
    while let Some(c) = characters.next() {
        match (open, c) {
            (None, '\'' | '"') => {
                open = Some(c);
                texts.push(String::new());
            }
            (None, _) => {}
            (Some(quote), c) if c == quote => open = None,
            (Some(_), c) => {
                let c = if c == '\\' { characters.next().unwrap_or(c) } else { c };
                texts.last_mut().into_iter().for_each(|text| text.push(c));
            }
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_as_python_writes_them() {
        assert_eq!(python_list(r#"['melody', "it's", 'a\'b', 'a, b']"#), ["melody", "it's", "a'b", "a, b"]);
        assert!(python_list("[]").is_empty() && python_list("").is_empty());
    }
}
