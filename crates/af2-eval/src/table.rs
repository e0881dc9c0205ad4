//! A report as text: one table, with the reported figures beside.

use std::fmt::{Display, Formatter, Result};

use crate::text_table::write_table;
use crate::{CaptionScores, GroupScore, Report};

/// Values of a group that the table lists; of longer ones, such as fifty labels, only `report.json` tells.
const MOST_VALUES: usize = 40;

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(
            f,
            "{}: {} of {} items answered, template {}, model {}",
            self.title, self.answered, self.items, self.template, self.run.model
        )?;
        if !self.figures.is_empty() {
            self.table(f)?;
        }
        if let Some(captions) = &self.captions {
            self.caption_table(f, captions)?;
        }
        let mut sources: Vec<&str> = self.reported.iter().map(|figure| figure.source.as_str()).collect();
        sources.dedup();
        sources.iter().try_for_each(|source| writeln!(f, "reported: {source}"))?;
        self.absent(f)?;
        Display::fmt(&self.demo, f)
    }
}

impl Report {
    fn table(&self, f: &mut Formatter<'_>) -> Result {
        let blind = self.figures.iter().flat_map(|figure| &figure.groups).any(|group| group.blind.is_some());
        let mut lines = vec![
            ["rule", "group", "", "n", "right %", "95 %", "blind %", "reported", "unanswered", "left out"]
                .map(str::to_owned),
        ];
        for figure in &self.figures {
            let values = |name: &str| figure.groups.iter().filter(|group| group.group == name).count();
            let shown = figure.groups.iter().filter(|group| values(&group.group) <= MOST_VALUES);
            lines.extend(shown.map(|group| self.line(&figure.rule, group)));
        }
        let any = |column: usize| lines.iter().skip(1).any(|line| !line[column].is_empty());
        let columns: Vec<usize> =
            (0..10).filter(|column| *column != 6 || blind).filter(|column| any(*column)).collect();
        let shown = |line: &[String; 10]| columns.iter().map(|column| line[*column].clone()).collect::<Vec<String>>();
        write_table(f, &lines.iter().map(shown).collect::<Vec<_>>())
    }

    fn line(&self, rule: &str, group: &GroupScore) -> [String; 10] {
        let percent = |share: f64| format!("{:.1}", 100.0 * share);
        let counted = |count: u64| if count > 0 { count.to_string() } else { String::new() };
        let wanted = if group.of.is_empty() { &group.group } else { &group.of };
        let reported = self.reported.iter().find(|figure| figure.of == *wanted);
        let known = group.n > 0;
        [
            rule.into(),
            group.group.clone(),
            group.of.clone(),
            group.n.to_string(),
            if known { percent(group.score) } else { "-".into() },
            group
                .interval
                .filter(|_| known)
                .map_or_else(String::new, |(low, high)| format!("{}–{}", percent(low), percent(high))),
            group.blind.map_or_else(String::new, percent),
            reported.map_or_else(String::new, |figure| format!("{}", figure.value)),
            counted(group.unanswered),
            counted(group.not_counted),
        ]
    }

    fn caption_table(&self, f: &mut Formatter<'_>, captions: &CaptionScores) -> Result {
        let CaptionScores { n, documents, cider_d, bleu, rouge_l } = captions;
        writeln!(
            f,
            "{n} captions; word frequencies of {documents} clips\n| metric  | score | reported |\n| ------- | ----- | -------- |"
        )?;
        let bleu = (1..).zip(bleu).map(|(n, score)| (format!("BLEU-{n}"), *score));
        let all = [("CIDEr-D".to_owned(), *cider_d)].into_iter().chain(bleu).chain([("ROUGE-L".to_owned(), *rouge_l)]);
        for (name, score) in all {
            let reported = self.reported.iter().find(|figure| figure.of == name);
            let reported = reported.map_or_else(String::new, |figure| figure.value.to_string());
            writeln!(f, "| {name:<7} | {score:.3} | {reported:<8} |")?;
        }
        Ok(())
    }

    /// What is in no figure.
    fn absent(&self, f: &mut Formatter<'_>) -> Result {
        let some = |names: Vec<&str>| {
            let more = names.len().saturating_sub(3);
            names[..names.len() - more].join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
        };
        if !self.missing_audio.is_empty() {
            let names = self.missing_audio.iter().map(String::as_str).collect();
            writeln!(
                f,
                "{} audio files are missing, and their items in no figure: {}",
                self.missing_audio.len(),
                some(names)
            )?;
        }
        if !self.failures.is_empty() {
            let names = self.failures.iter().map(|failure| failure.id.as_str()).collect();
            writeln!(f, "{} items have no answer, and are in no figure: {}", self.failures.len(), some(names))?;
        }
        if self.ambiguous > 0 {
            writeln!(f, "{} items have a wrong option of the same words as the true one", self.ambiguous)?;
        }
        if self.strangers > 0 {
            writeln!(f, "{} entries of the answers belong to no item", self.strangers)?;
        }
        Ok(())
    }
}
