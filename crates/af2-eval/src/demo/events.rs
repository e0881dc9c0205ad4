//! Compares what is said about times with the true events.

use super::Event;

/// A sound said to be in an interval.
pub(super) struct Claim {
    /// Its noun.
    pub sound: String,
    /// From, in seconds.
    pub start: f64,
    /// To.
    pub end: f64,
}

impl Claim {
    /// Whether both intervals touch when either end may be wrong by `tolerance` seconds.
    pub fn overlaps(&self, event: &Event, tolerance: f64) -> bool {
        self.start < event.end + tolerance && event.start < self.end + tolerance
    }
}

/// The share of the claims that an event justifies, and of the events that a claim found.
pub(super) fn precision_and_recall(
    claims: &[Claim],
    events: &[Event],
    fits: impl Fn(&Claim, &Event) -> bool,
) -> (f64, f64) {
    let right = claims.iter().filter(|claim| events.iter().any(|event| fits(claim, event))).count();
    let found = events.iter().filter(|event| claims.iter().any(|claim| fits(claim, event))).count();
    (right as f64 / claims.len().max(1) as f64, found as f64 / events.len().max(1) as f64)
}

/// Whether each of a ranking's hits finds an event that none before it found; hits that only find known events again are left out.
pub(super) fn ranking(hits: impl Iterator<Item = (f64, f64)>, events: &[&Event]) -> Vec<bool> {
    let mut found = vec![false; events.len()];
    let mut ranks = Vec::new();
    for (start, end) in hits {
        let of_hit: Vec<usize> =
            (0..events.len()).filter(|i| start < events[*i].end && events[*i].start < end).collect();
        if of_hit.is_empty() {
            ranks.push(false);
        }
        for event in of_hit {
            if !std::mem::replace(&mut found[event], true) {
                ranks.push(true);
            }
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(sound: &str, start: f64, end: f64) -> Event {
        Event { sound: sound.into(), start, end }
    }

    fn claim(sound: &str, start: f64, end: f64) -> Claim {
        Claim { sound: sound.into(), start, end }
    }

    #[test]
    fn precision_counts_claims_and_recall_counts_events() {
        let events = [event("dog", 10.0, 15.0), event("rain", 40.0, 50.0)];
        let claims = [claim("dog", 10.0, 20.0), claim("dog", 15.5, 18.0), claim("rain", 70.0, 80.0)];
        let fits = |c: &Claim, e: &Event| c.overlaps(e, 1.0) && c.sound == e.sound;
        assert_eq!(precision_and_recall(&claims, &events, fits), (2.0 / 3.0, 0.5));
        assert_eq!(precision_and_recall(&[], &events, fits), (0.0, 0.0));
    }

    #[test]
    fn an_event_is_found_once() {
        let (first, second) = (event("dog", 5.0, 12.0), event("dog", 33.0, 36.0));
        let hits = [(0.0, 10.0), (10.0, 20.0), (20.0, 30.0), (30.0, 40.0)];
        assert_eq!(ranking(hits.into_iter(), &[&first, &second]), [true, false, true]);
    }
}
