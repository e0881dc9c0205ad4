//! Two runs of the same benchmark: how often they say the same, and which items became right or wrong.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Display, Formatter};
use std::path::Path;

use serde::Serialize;

use crate::data_dir::rows;
use crate::metrics::statistics::mcnemar;
use crate::{Asked, Benchmark, EvalError, Predictions, ScoredItem, Scores};

/// The file of a report's folder that holds its items.
pub const ITEMS_FILE: &str = "items.jsonl";
/// The report's file.
pub const REPORT_FILE: &str = "report.json";

/// How two runs differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Items that both answered.
    pub common: usize,
    /// Items that only one answered.
    pub apart: usize,
    /// Answers of the same text.
    pub identical: usize,
    /// By rule.
    pub rules: Vec<Flips>,
}

/// Items that one rule judges differently.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Flips {
    /// The rule.
    pub rule: String,
    /// Items that it counts in both.
    pub n: usize,
    /// Right in both.
    pub both_right: usize,
    /// Right in the first only.
    pub lost: usize,
    /// Right in the second only.
    pub won: usize,
    /// McNemar's exact test: how likely two equal runs differ so unevenly.
    pub p: f64,
}

/// The items of a run.
#[derive(Debug, Clone)]
pub struct Side {
    items: Vec<ScoredItem>,
}

impl Side {
    /// The items of a report's folder.
    ///
    /// # Errors
    /// The folder is none, or damaged.
    pub fn read(folder: &Path) -> Result<Self, EvalError> {
        let path = folder.join(ITEMS_FILE);
        let item = |row: crate::data_dir::Row| {
            serde_json::from_value(row.fields.clone().into()).map_err(|error| row.wrong(error))
        };
        Ok(Self { items: rows(&path)?.into_iter().map(item).collect::<Result<_, _>>()? })
    }

    /// The same items as a file of other answers answers them, such as an `inference.jsonl` of the original.
    ///
    /// # Errors
    /// The file cannot be read, or answers none of them.
    pub fn answered_by(&self, path: &Path, benchmark: &Benchmark) -> Result<Self, EvalError> {
        let asked: Vec<Asked> = self.items.iter().map(|item| item.asked.clone()).collect();
        let predictions = Predictions::read(path, &asked)?;
        Ok(Self { items: Scores::new(benchmark, &asked, &predictions, &[]).items })
    }
}

impl Comparison {
    /// Compares two runs item by item.
    pub fn new(first: &Side, second: &Side) -> Self {
        let answered = |side: &Side| side.items.iter().filter(|item| item.text.is_some()).count();
        let other: HashMap<&str, &ScoredItem> =
            second.items.iter().map(|item| (item.asked.item.id.as_str(), item)).collect();
        let both = first.items.iter().filter_map(|item| Some((item, *other.get(item.asked.item.id.as_str())?)));
        let both: Vec<_> = both.filter(|(a, b)| a.text.is_some() && b.text.is_some()).collect();
        let mut rules: BTreeMap<&str, Flips> = BTreeMap::new();
        for (a, b) in &both {
            for (rule, verdict) in &a.verdicts {
                let Some(other) = b.verdicts.get(rule) else { continue };
                rules.entry(rule).or_default().add(verdict.is_right(), other.is_right());
            }
        }
        let finished = |(rule, flips): (&str, Flips)| {
            let p = mcnemar(flips.lost as u64, flips.won as u64);
            Flips { rule: rule.into(), p, ..flips }
        };
        Self {
            common: both.len(),
            apart: answered(first) + answered(second) - 2 * both.len(),
            identical: both.iter().filter(|(a, b)| a.text == b.text).count(),
            rules: rules.into_iter().map(finished).collect(),
        }
    }
}

impl Flips {
    fn add(&mut self, first: bool, second: bool) {
        self.n += 1;
        self.both_right += usize::from(first && second);
        self.lost += usize::from(first && !second);
        self.won += usize::from(second && !first);
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { common, apart, identical, rules } = self;
        let percent = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
        writeln!(
            f,
            "{common} items in both, {identical} with the same text ({:.1} %); {apart} in one only",
            percent(*identical, *common)
        )?;
        if rules.is_empty() {
            return Ok(());
        }
        let width = rules.iter().map(|flips| flips.rule.len()).max().unwrap_or(0).max(4);
        writeln!(f, "| {:<width$} | n     | A right % | B right % | A only | B only | McNemar p |", "rule")?;
        writeln!(f, "| {} | ----- | --------- | --------- | ------ | ------ | --------- |", "-".repeat(width))?;
        for Flips { rule, n, both_right, lost, won, p } in rules {
            let (a, b) = (percent(both_right + lost, *n), percent(both_right + won, *n));
            writeln!(f, "| {rule:<width$} | {n:<5} | {a:<9.1} | {b:<9.1} | {lost:<6} | {won:<6} | {p:<9.2e} |")?;
        }
        Ok(())
    }
}
