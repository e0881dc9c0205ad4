//! From a data set to what is asked.

use crate::{Asked, DataDir, Item, Template};

/// The items whose audio is there with their prompts, and the audio files that are missing, each once. With `scored_only` nothing is
/// asked, and no audio is needed.
pub fn prepare(template: &Template, data: &DataDir, items: Vec<Item>, scored_only: bool) -> (Vec<Asked>, Vec<String>) {
    let needed = |item: &Item| scored_only || data.has(&item.audio);
    let (there, missing): (Vec<Item>, Vec<Item>) = items.into_iter().partition(needed);
    let mut missing: Vec<String> = missing.iter().map(|item| item.audio.to_string_lossy().into_owned()).collect();
    missing.dedup();
    let asked = |item: Item| Asked { prompt: template.prompt(&item), item };
    (there.into_iter().map(asked).collect(), missing)
}

/// `limit` items at equal distances, so that lists in the order of their classes keep all classes.
pub fn spread(items: Vec<Item>, limit: usize) -> Vec<Item> {
    let count = items.len();
    if limit >= count {
        return items;
    }
    let chosen = |at: usize| (at + 1) * limit / count > at * limit / count;
    items.into_iter().enumerate().filter(|(at, _)| chosen(*at)).map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_takes_items_from_everywhere() {
        let items =
            |count: usize| (0..count).map(|i| Item { id: i.to_string(), ..Item::default() }).collect::<Vec<_>>();
        let ids = |items: Vec<Item>| items.into_iter().map(|item| item.id).collect::<Vec<_>>().join(" ");
        assert_eq!(ids(spread(items(10), 3)), "3 6 9");
        assert_eq!(ids(spread(items(10), 0)), "");
        for (count, limit) in [(10, 10), (10, 99), (7, 1), (1000, 333)] {
            assert_eq!(spread(items(count), limit).len(), limit.min(count));
        }
    }
}
