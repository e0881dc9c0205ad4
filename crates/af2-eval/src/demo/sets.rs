//! Results by set of recordings, in the order of the list.

/// One result of type `T` per set.
pub(super) struct Sets<T>(Vec<(String, T)>);

impl<T: Default> Sets<T> {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// The result of a set, a new one at its first recording.
    pub fn of(&mut self, name: &str) -> &mut T {
        let at = self.0.iter().position(|(set, _)| set == name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), T::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Every set with its result.
    pub fn into_vec(self) -> Vec<(String, T)> {
        self.0
    }
}
