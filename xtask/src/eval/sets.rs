//! Results by set of recordings, in the order of the list.

/// One result of type `T` per set.
pub struct Sets<T>(Vec<(String, T)>);

impl<T> Default for Sets<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Default> Sets<T> {
    /// The result of a set, a new one at its first recording.
    pub fn of(&mut self, name: &str) -> &mut T {
        let at = self.0.iter().position(|(set, _)| set == name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), T::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Every set with its result.
    pub fn each(&self, mut show: impl FnMut(&str, &T)) {
        self.0.iter().for_each(|(name, result)| show(name, result));
    }
}
