//! Compares what is said about times with the true events.

use super::recordings::Event;

/// A sound said to be in an interval.
pub struct Claim {
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

/// Claims that an event justifies, and events that a claim found.
pub struct Match {
    right: usize,
    claims: usize,
    found: usize,
    events: usize,
}

impl Match {
    /// Compares every claim with every event.
    pub fn of(claims: &[Claim], events: &[Event], fits: impl Fn(&Claim, &Event) -> bool) -> Self {
        Self {
            right: claims.iter().filter(|claim| events.iter().any(|event| fits(claim, event))).count(),
            claims: claims.len(),
            found: events.iter().filter(|event| claims.iter().any(|claim| fits(claim, event))).count(),
            events: events.len(),
        }
    }

    /// Share of the claims that are right, as text.
    pub fn precision(&self) -> String {
        format!("{:.3}", self.right as f64 / self.claims.max(1) as f64)
    }

    /// Share of the events that were found, as text.
    pub fn recall(&self) -> String {
        format!("{:.3}", self.found as f64 / self.events.max(1) as f64)
    }
}

/// Whether each of a ranking's hits finds an event that none before it found; hits that only find known events again are left out.
pub fn ranking(hits: impl Iterator<Item = (f64, f64)>, events: &[&Event]) -> Vec<bool> {
    let mut found = vec![false; events.len()];
    let mut ranks = Vec::new();
    for (start, end) in hits {
        let of_hit: Vec<usize> =
            (0..events.len()).filter(|i| start < events[*i].end && events[*i].start < end).collect();
        let new: Vec<usize> = of_hit.iter().copied().filter(|i| !found[*i]).collect();
        if of_hit.is_empty() {
            ranks.push(false);
        }
        for event in new {
            found[event] = true;
            ranks.push(true);
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
        let matched = Match::of(&claims, &events, fits);
        assert_eq!((matched.precision().as_str(), matched.recall().as_str()), ("0.667", "0.500"));
    }

    #[test]
    fn an_event_is_found_once() {
        let (first, second) = (event("dog", 5.0, 12.0), event("dog", 33.0, 36.0));
        let hits = [(0.0, 10.0), (10.0, 20.0), (20.0, 30.0), (30.0, 40.0)];
        assert_eq!(ranking(hits.into_iter(), &[&first, &second]), [true, false, true]);
    }
}
