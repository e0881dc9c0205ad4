//! The self-test of a model: a fixed sound and a question, and the tokens that every correct driver computes for them.
//!
//! The expected tokens stand in the model's index. They are those that lead clearly, so that no rounding turns them, and a driver that
//! gives others computes wrong numbers.

use super::{EngineError, GenerateOptions, Generation};
use crate::audio::{AudioError, Channel, Windows, load_pcm};
use crate::config::AudioConfig;
use crate::weights::index::SelfTest;

/// Most tokens that are compared.
const MOST: usize = 8;
/// A token leads clearly if its log-probability exceeds that of the next best one by this: a hundred times what engines differ by.
const CLEARLY: f32 = 0.5;
/// Samples per period of the sweep's phase: the sound begins at 0 Hz and ends, after 10 s at 16 kHz, at 5 kHz.
const SLOPE: u64 = 16;

impl SelfTest {
    /// The sound, one window: a saw-tooth sweep, made of whole numbers only. `web/src/self-test.ts` makes the same.
    ///
    /// # Errors
    /// The model's windows are not such as [`load_pcm`] can fill.
    pub fn windows(config: &AudioConfig) -> Result<Windows, AudioError> {
        let sample = |at: u64| ((at * at / SLOPE % 65_536) as f32 - 32_768.0) / 65_536.0;
        let samples: Vec<f32> = (0..config.window_samples() as u64).map(sample).collect();
        Ok(load_pcm(&[&samples], config.sample_rate, Channel::default(), config, 1)?.windows)
    }

    /// How the question is answered: greedy, with the next best token beside each one.
    pub fn options() -> GenerateOptions {
        GenerateOptions { max_new_tokens: MOST, top_logprobs: 2, ..GenerateOptions::default() }
    }

    /// What an answer under [`SelfTest::options`] proves: its first tokens, as far as they lead clearly. None if not even the first does.
    pub fn recorded(question: &str, answer: &Generation) -> Option<Self> {
        let leads = |alternatives: &&Vec<super::TokenLogprob>| match alternatives.as_slice() {
            [best, next, ..] => best.logprob - next.logprob >= CLEARLY,
            _ => false,
        };
        let clear = answer.alternatives.iter().take_while(leads).count();
        (clear > 0).then(|| Self { question: question.into(), ids: answer.ids.iter().take(clear).copied().collect() })
    }

    /// Compares an answer with the expected one.
    ///
    /// # Errors
    /// [`EngineError::WrongNumbers`].
    pub fn check(&self, answer: &Generation) -> Result<(), EngineError> {
        let found: Vec<u32> = answer.ids.iter().take(self.ids.len()).copied().collect();
        if found == self.ids { Ok(()) } else { Err(EngineError::WrongNumbers { found, expected: self.ids.clone() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::TokenLogprob;

    fn answer(ids: &[u32], leads: &[f32]) -> Generation {
        let alternatives = ids.iter().zip(leads).map(|(id, lead)| {
            vec![TokenLogprob { id: *id, logprob: -0.1 }, TokenLogprob { id: id + 1, logprob: -0.1 - lead }]
        });
        Generation { ids: ids.to_vec(), alternatives: alternatives.collect(), ..Generation::new() }
    }

    #[test]
    fn tokens_count_until_one_leads_narrowly() {
        let recorded = SelfTest::recorded("what?", &answer(&[5, 6, 7, 8], &[2.0, 0.6, 0.1, 3.0])).unwrap();
        assert_eq!(recorded.ids, [5, 6]);
        assert!(recorded.check(&answer(&[5, 6, 9], &[1.0; 3])).is_ok());
        let error = recorded.check(&answer(&[5, 7, 7], &[1.0; 3])).unwrap_err();
        assert!(error.to_string().contains("wrong numbers"), "{error}");
        assert!(recorded.check(&answer(&[5], &[1.0])).is_err());
        assert!(SelfTest::recorded("what?", &answer(&[5], &[0.4])).is_none());
        assert!(SelfTest::recorded("what?", &Generation::new()).is_none());
    }

    #[test]
    fn the_sound_fills_one_window_and_is_the_same_everywhere() {
        let config = AudioConfig { sample_rate: 16_000, window_length: 10.0, window_overlap: 0.0, max_num_window: 12 };
        let windows = SelfTest::windows(&config).unwrap();
        assert_eq!((windows.count, windows.codes.len()), (1, 160_000));
        let sum = windows.codes.iter().fold(0u32, |sum, code| sum.wrapping_mul(31).wrapping_add(*code as u16 as u32));
        assert_eq!(sum, SWEEP);
    }

    /// A checksum of the codes, as the sound of `web/src/self-test.ts` has it, too.
    const SWEEP: u32 = 3_475_249_246;
}
