//! Metrics of captions against several references: CIDEr-D, BLEU and ROUGE-L, over words by the conventions of the Penn Treebank.
//!
//! They are those of the COCO caption evaluation, which papers on audio captions report: the first two over a whole set, ROUGE-L as the
//! mean over its clips.

mod bleu;
mod cider_d;
mod ngrams;
mod rouge_l;
mod treebank;

pub use bleu::bleu;
pub use cider_d::{DocumentFrequency, cider_d};
pub use rouge_l::rouge_l;
pub use treebank::words as tokens;

/// The words of one caption, see [`tokens`].
pub type Tokens = Vec<String>;

/// What was said about one clip, and what people said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captions {
    /// The model's caption.
    pub candidate: Tokens,
    /// The captions of the data set for this clip.
    pub references: Vec<Tokens>,
}
