//! Which channel of a file is heard.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::error::AudioError;

/// Which of a file's channels the model hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channel {
    /// As in the original: the first channel, or by the rules for MP3 the average of all.
    #[default]
    First,
    /// One channel, counted from 1.
    Index(usize),
    /// The average of all.
    Mix,
}

impl Channel {
    /// The one channel that is heard, from 0; none for an average. `first` tells whether the rules hear the first one by default.
    pub(super) fn single(self, first: bool) -> Option<usize> {
        match self {
            Self::First => first.then_some(0),
            Self::Index(number) => Some(number.saturating_sub(1)),
            Self::Mix => None,
        }
    }

    /// Refuses a channel that audio of `channels` channels does not have.
    pub(super) fn check(self, channels: usize, name: &str) -> Result<(), AudioError> {
        match self {
            Self::Index(wanted) if !(1..=channels).contains(&wanted) => {
                Err(AudioError::NoSuchChannel { name: name.into(), wanted, channels })
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Channel {
    type Err = String;

    /// `mix`, or a number from 1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(number) if number > 0 => Ok(Self::Index(number)),
            _ if text == "mix" => Ok(Self::Mix),
            _ => Err("a channel is 1, 2, … or mix".into()),
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("first"),
            Self::Index(number) => number.fmt(f),
            Self::Mix => f.write_str("mix"),
        }
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
