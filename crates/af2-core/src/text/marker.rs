//! Finds markers (special tokens written out, stop strings) in text that arrives in deltas.

use super::TextError;

/// What a [`MarkerScanner`] finds, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Text that is part of no marker.
    Text(String),
    /// The marker of this index.
    Marker(usize),
}

/// Splits text at markers, whatever the borders of its deltas.
///
/// A marker counts as soon as its last character is there; of those that end together the longest wins. Text that
/// could be the start of a marker is held back.
#[derive(Debug, Clone)]
pub struct MarkerScanner {
    markers: Vec<String>,
    held: String,
}

impl MarkerScanner {
    /// A scanner for these markers.
    ///
    /// # Errors
    /// [`TextError::EmptyStop`]: an empty marker would be found everywhere.
    pub fn new(markers: Vec<String>) -> Result<Self, TextError> {
        if markers.iter().any(String::is_empty) {
            return Err(TextError::EmptyStop);
        }
        Ok(Self { markers, held: String::new() })
    }

    /// Adds a text delta; ask [`MarkerScanner::next_found`] for what it settles.
    pub fn feed(&mut self, delta: &str) {
        self.held.push_str(delta);
    }

    /// The next settled text or marker; `None` until more is fed.
    pub fn next_found(&mut self) -> Option<Found> {
        match self.first_marker() {
            Some((0, marker)) => {
                self.held.drain(..self.markers[marker].len());
                Some(Found::Marker(marker))
            }
            Some((start, _)) => self.take(start),
            None => self.take(self.held.len() - self.possible_start()),
        }
    }

    /// What was held back in vain, when no more text comes.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Start and index of the marker that ends first.
    fn first_marker(&self) -> Option<(usize, usize)> {
        let starts = self.markers.iter().enumerate();
        let found = starts.filter_map(|(index, marker)| Some((self.held.find(marker.as_str())?, index)));
        found.min_by_key(|&(start, index)| (start + self.markers[index].len(), start))
    }

    /// Length of the longest end of the held text that begins a marker.
    fn possible_start(&self) -> usize {
        let begins = |marker: &String| {
            let prefixes = (1..marker.len()).rev();
            prefixes.into_iter().find(|&n| self.held.as_bytes().ends_with(&marker.as_bytes()[..n])).unwrap_or(0)
        };
        self.markers.iter().map(begins).max().unwrap_or(0)
    }

    /// Takes the first `count` bytes as text. They end where a marker starts, so on a character border.
    fn take(&mut self, count: usize) -> Option<Found> {
        (count > 0).then(|| Found::Text(self.held.drain(..count).collect()))
    }
}
