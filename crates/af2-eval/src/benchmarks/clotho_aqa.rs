//! Clotho-AQA (Lipping et al. 2022), test: each question answered by three people, yes or no or with one word.
//!
//! Subsets of the papers: *unanimous* are yes/no questions with three equal answers, *non-binary* those with one word.

use super::{BASE, Benchmark};
use crate::data_dir::Row;
use crate::metrics::clotho_aqa::{Subset, subset};
use crate::{DataDir, EvalError, Item, Rule};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "clotho-aqa",
    title: "Clotho-AQA test",
    files: "clotho_aqa_test.csv, audio_files/",
    templates: &["af1", "builder", "lmms", "plain"],
    rules: &[Rule::ClothoAqa],
    read,
    ..BASE
};

/// Columns, under the names of the published file, which has capitals in some copies.
fn column(row: &Row, names: [&str; 2]) -> Result<String, EvalError> {
    row.maybe(names[0]).map_or_else(|| row.text(names[1]), Ok)
}

fn read(data: &DataDir) -> Result<Vec<Item>, EvalError> {
    let mut items: Vec<Item> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in data.table(&["clotho_aqa_test.csv"], true)? {
        let name = column(&row, ["file_name", "file"])?;
        let question = column(&row, ["QuestionText", "question"])?;
        let answer = row.text("answer")?.to_lowercase();
        let place = *places.entry((name.clone(), question.clone())).or_insert(items.len());
        if place == items.len() {
            let audio = data.audio(&["audio_files", "audio", ""], &name);
            items.push(Item { id: format!("{name}: {question}"), audio, question, ..Item::default() });
        }
        items[place].answers.push(answer);
    }
    Ok(items.into_iter().map(grouped).collect())
}

fn grouped(item: Item) -> Item {
    let subset = subset(&item.answers);
    let options = match subset {
        Subset::Unanimous | Subset::Disputed => vec!["yes".to_owned(), "no".to_owned()],
        Subset::Numerical | Subset::Word => Vec::new(),
    };
    let item = Item { options, ..item };
    match subset {
        Subset::Unanimous => item.grouped("subset", "unanimous"),
        Subset::Disputed => item.grouped("subset", "yes or no, disputed"),
        Subset::Numerical => item.grouped("subset", "non-binary").grouped("subset", "numerical"),
        Subset::Word => item.grouped("subset", "non-binary"),
    }
}
