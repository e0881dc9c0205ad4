//! Counts right answers by question type. Prints a table with 95 % intervals.

use super::answers::{Recording, Said};
use std::{collections::BTreeMap, fmt};

/// Counts of one set.
#[derive(Default)]
pub struct Tally {
    kinds: BTreeMap<String, Counts>,
    /// Answers compared with PyTorch's, and those that are equal.
    reference: Share,
}

#[derive(Default)]
struct Counts {
    heard: Share,
    blind: Share,
}

/// `right` of `total`.
#[derive(Default, Clone, Copy)]
struct Share {
    right: u32,
    total: u32,
}

impl Share {
    fn count(&mut self, right: bool) {
        self.right += u32::from(right);
        self.total += 1;
    }

    fn mean(self) -> f64 {
        f64::from(self.right) / f64::from(self.total.max(1))
    }

    /// Wilson's 95 % interval.
    fn interval(self) -> (f64, f64) {
        let (n, p, z) = (f64::from(self.total.max(1)), self.mean(), 1.96);
        let centre = p + z * z / (2.0 * n);
        let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z * z / n;
        ((centre - spread) / scale, (centre + spread) / scale)
    }
}

impl Tally {
    /// Counts the answers to a recording's own questions, and to those of its `neighbour`.
    pub fn add(&mut self, recording: &Recording, neighbour: &Recording, said: &Said) {
        for (question, answer) in recording.questions.iter().zip(&said.own) {
            self.counts(recording, &question.kind).heard.count(*answer == question.answer);
            if let Some(reference) = &question.reference {
                self.reference.count(answer == reference);
            }
        }
        for (question, answer) in neighbour.questions.iter().zip(&said.blind) {
            self.counts(neighbour, &question.kind).blind.count(*answer == question.answer);
        }
    }

    fn counts(&mut self, recording: &Recording, kind: &str) -> &mut Counts {
        let prefix = if recording.kind == "long" { "long: " } else { "" };
        self.kinds.entry(format!("{prefix}{kind}")).or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| question | n | right | 95 % | blind |\n|---|---|---|---|---|")?;
        for (kind, Counts { heard, blind }) in &self.kinds {
            let (low, high) = heard.interval();
            let (n, right, blind) = (heard.total, heard.mean(), blind.mean());
            writeln!(f, "| {kind} | {n} | {right:.3} | {low:.2}-{high:.2} | {blind:.3} |")?;
        }
        if self.reference.total > 0 {
            writeln!(f, "\nsame answer as PyTorch: {} of {}", self.reference.right, self.reference.total)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    #[test]
    fn interval_of_a_known_share() {
        let (low, high) = Share { right: 8, total: 10 }.interval();
        assert!((low - 0.490).abs() < 1e-3 && (high - 0.943).abs() < 1e-3, "{low} {high}");
    }
}
