//! How a question is worded: one data file per published form, in `templates/`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::{EvalError, Item};

/// The files of `templates/`.
const FILES: [&str; 9] = [
    include_str!("../templates/author.json"),
    include_str!("../templates/readme.json"),
    include_str!("../templates/builder.json"),
    include_str!("../templates/af1.json"),
    include_str!("../templates/cot.json"),
    include_str!("../templates/mmar.json"),
    include_str!("../templates/muchomusic.json"),
    include_str!("../templates/lmms.json"),
    include_str!("../templates/plain.json"),
];

/// A wording.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Where it was published.
    pub source: String,
    /// The prompt of a question with options: `{question}` and `{options}` are filled in.
    text: String,
    /// The prompt of a question without.
    #[serde(default = "question_alone")]
    open: String,
    /// One option: `{letter}`, `{text}`.
    #[serde(default)]
    option: String,
    /// One of the options yes and no, where they look different.
    yes_no_option: Option<String>,
    /// Between two options.
    #[serde(default)]
    separator: String,
    /// The options in alphabetic order.
    #[serde(default)]
    sorted: bool,
    /// Questions of its own, by [`Item::topic`]; `{question}` is the benchmark's.
    #[serde(default)]
    questions: BTreeMap<String, String>,
    /// Topics whose options it does not list.
    #[serde(default)]
    unlisted: Vec<String>,
}

fn question_alone() -> String {
    "{question}".into()
}

impl Template {
    /// All templates.
    ///
    /// # Errors
    /// A file of `templates/` is damaged.
    pub fn all() -> Result<Vec<Self>, EvalError> {
        FILES.iter().map(|file| Self::parse(file, Path::new("templates"))).collect()
    }

    /// The template of a name, or of a JSON file of the same form.
    ///
    /// # Errors
    /// There is none, or the file cannot be used.
    pub fn named(name: &str) -> Result<Self, EvalError> {
        let path = Path::new(name);
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read_to_string(path).map_err(|error| EvalError::read(path, error))?;
            return Self::parse(&text, path);
        }
        let all = Self::all()?;
        let known = all.iter().map(|template| template.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = all.into_iter().find(|template| template.name == name);
        found.ok_or_else(|| EvalError::NoTemplate { name: name.into(), known })
    }

    fn parse(text: &str, path: &Path) -> Result<Self, EvalError> {
        serde_json::from_str(text).map_err(|error| EvalError::content(path, error))
    }

    /// The prompt of an item.
    pub fn prompt(&self, item: &Item) -> String {
        let question = match self.questions.get(&item.topic) {
            Some(own) => own.replace("{question}", &item.question),
            None => item.question.clone(),
        };
        let listed = !item.options.is_empty() && !self.unlisted.contains(&item.topic);
        if !listed {
            return self.open.replace("{question}", &question);
        }
        // The options last: a question may hold braces.
        let text: Vec<&str> = self.text.split("{options}").collect();
        let text: Vec<String> = text.into_iter().map(|part| part.replace("{question}", &question)).collect();
        text.join(&self.options(&item.options))
    }

    fn options(&self, options: &[String]) -> String {
        let mut options = options.to_vec();
        if self.sorted {
            options.sort();
        }
        let mut small: Vec<String> = options.iter().map(|option| option.to_lowercase()).collect();
        small.sort();
        let form = match &self.yes_no_option {
            Some(form) if small == ["no", "yes"] => {
                options.sort_by_key(|option| !option.eq_ignore_ascii_case("yes"));
                form
            }
            _ => &self.option,
        };
        let option =
            |(letter, text): (char, String)| form.replace("{letter}", &letter.to_string()).replace("{text}", &text);
        ('A'..='Z')
            .chain('a'..='z')
            .chain(std::iter::repeat('-'))
            .zip(options)
            .map(option)
            .collect::<Vec<_>>()
            .join(&self.separator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(template: &str, topic: &str, question: &str, options: &[&str]) -> String {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let item = Item { topic: topic.into(), question: question.into(), options, ..Item::default() };
        Template::named(template).unwrap().prompt(&item)
    }

    #[test]
    fn every_published_form() {
        let options = ["Truck", "Car"];
        let asked = |template| prompt(template, "mmau", "What is it?", &options);
        let author = "What is it? Choose the correct option from the following options:\n(A) Truck\n(B) Car";
        assert_eq!(asked("author"), author);
        assert_eq!(asked("readme"), "What is it? (A) Truck. (B) Car.");
        assert_eq!(asked("af1"), "What is it?\nOPTIONS:\n - Car.\n - Truck.");
        assert_eq!(asked("mmar"), "What is it?\nSelect one option from the provided choices:\nTruck\nCar");
        assert_eq!(asked("muchomusic"), "Question: What is it?\nOptions: (A) Truck (B) Car\nThe correct answer is: ");
        let lmms = "What is it?\nA. Truck\nB. Car\nAnswer with the option's letter from the given choices directly.";
        assert_eq!(asked("lmms"), lmms);
        assert_eq!(asked("plain"), "What is it?");
        assert!(
            asked("cot")
                .ends_with("(B) Car. Output the answer with <SUMMARY>, <CAPTION>, <REASONING>, and <CONCLUSION> tags.")
        );
    }

    #[test]
    fn questions_of_a_template_by_topic() {
        assert_eq!(prompt("readme", "audiocaps", "generate audio caption", &[]), "Caption the input audio.");
        assert_eq!(prompt("builder", "clotho-aqa", "Is it raining?", &["yes", "no"]), "Question: Is it raining?");
        let yes_no = "please answer this question: Is it raining?\nOPTIONS:\nyes.\nno.";
        assert_eq!(prompt("af1", "clotho-aqa", "Is it raining?", &["no", "yes"]), yes_no);
        assert_eq!(prompt("builder", "gtzan", "?", &["jazz", "rock"]), "What is the genre of this music?");
        assert_eq!(prompt("plain", "mmau", "{options} or {question}?", &[]), "{options} or {question}?");
    }

    #[test]
    fn names_that_nobody_knows_are_refused() {
        let error = Template::named("nobody").unwrap_err().to_string();
        assert!(error.contains("author, readme"), "{error}");
    }
}
