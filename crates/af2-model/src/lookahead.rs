//! How many steps are submitted before the first one's tokens are read.

use af2_gpu::Mapping;

/// Most steps in flight, unless more are asked for: what comes after the end token is wasted.
const MOST: usize = 4;

/// Steps that may be in flight. They grow where the GPU has run out of work by the time its last result is read.
pub(crate) struct Lookahead {
    steps: usize,
    most: usize,
}

impl Lookahead {
    /// Begins with so many steps, at least one.
    pub fn new(steps: usize) -> Self {
        Self { steps: steps.max(1), most: steps.max(MOST) }
    }

    /// One step at a time, always.
    pub fn none() -> Self {
        Self { steps: 1, most: 1 }
    }

    /// Steps that may be in flight now.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Steps that may ever be in flight.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Takes note of the steps in flight after a result was read.
    pub fn observe<'a>(&mut self, in_flight: impl ExactSizeIterator<Item = &'a mut Mapping>) {
        self.grow(in_flight.map(Mapping::is_ready));
    }

    fn grow(&mut self, mut ready: impl ExactSizeIterator<Item = bool>) {
        let ran_dry = ready.len() > 0 && ready.all(|ready| ready);
        self.steps = (self.steps + usize::from(ran_dry)).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_where_all_steps_have_ended() {
        let mut lookahead = Lookahead::new(2);
        for (ready, steps) in [(&[][..], 2), (&[true, false], 2), (&[true], 3), (&[true, true], 4), (&[true; 3], 4)] {
            lookahead.grow(ready.iter().copied());
            assert_eq!(lookahead.steps(), steps, "{ready:?}");
        }
        assert_eq!((Lookahead::new(0).steps(), Lookahead::new(9).most()), (1, 9));
    }

    #[test]
    fn a_single_step_stays_alone() {
        let mut lookahead = Lookahead::none();
        lookahead.grow([true].into_iter());
        assert_eq!((lookahead.steps(), lookahead.most()), (1, 1));
    }
}
