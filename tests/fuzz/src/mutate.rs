//! Damage to inputs, the same for the same seed.

/// Longest input that is made.
const LONGEST: usize = 64 << 10;

/// Numbers at which parsers go wrong.
const NUMBERS: [u64; 14] =
    [0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 62, u64::MAX];

/// Texts at which parsers go wrong.
const TEXTS: [&str; 22] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "-1",
    "1e308",
    "-0",
    "0.5",
    "18446744073709551615",
    "99999999999999999999",
    "\\ud800",
    "\u{feff}",
    "..",
    "/",
    "\n",
    "&a [*a, *a]",
    "\"a\":",
];

/// A source of repeatable decisions: Marsaglia's xorshift.
pub struct Dice(u64);

impl Dice {
    /// Decisions of a seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| _ = dice.next()); // small seeds have few bits
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, or 0 if there is none.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// A place in a file: every second one is in front, where sizes and counts are.
    fn place(&mut self, length: usize) -> usize {
        let reach = if self.below(2) == 0 { length.min(256) } else { length };
        self.below(reach + 1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// One of the seeds with up to eight changes.
///
/// # Panics
/// There is no seed.
pub fn mutate(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = dice.pick(seeds).clone();
    for _ in 0..=dice.below(8) {
        change(&mut bytes, seeds, dice);
    }
    bytes.truncate(LONGEST);
    bytes
}

/// Inputs that take the most memory for their length: a part repeated until there are `length` bytes.
pub fn bulky(length: usize) -> impl Iterator<Item = Vec<u8>> {
    /// What comes first, the part of a number, what comes last.
    type Bulky = (&'static str, fn(usize) -> String, &'static str);
    const PARTS: [Bulky; 9] = [
        ("[", |_| "[],".into(), "0]"),
        ("{\"a\":[", |_| "0,".into(), "0]}"),
        ("[", |number| format!("\"{number:x}\","), "\"\"]"),
        ("{", |number| format!("\"{number:x}\":[],"), "\"\":0}"),
        ("{\"weight_map\":{", |number| format!("\"{number:x}\":\"\","), "\"\":\"\"}}"),
        ("{\"model\":{\"type\":\"BPE\",\"vocab\":{", |number| format!("\"{number:x}\":{number},"), "\"\":0}}}"),
        ("", |_| "a\n".into(), ""),
        ("", |_| "- [&a a, {a: *a}]\n".into(), ""),
        ("", |_| "{\"audio\":\"\",\"questions\":[\"a\",\"b\",\"c\"]}\n".into(), ""),
    ];
    PARTS.into_iter().map(move |(front, part, end)| {
        let mut text = front.to_owned();
        let room = length.saturating_sub(end.len());
        for part in (0..).map(part) {
            if text.len() + part.len() > room {
                break;
            }
            text += &part;
        }
        (text + end).into_bytes()
    })
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.place(bytes.len());
    let end = (at + 1 + dice.below(32)).min(bytes.len()).max(at);
    match dice.below(9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        1 if at < bytes.len() => bytes[at] = dice.next() as u8,
        2 => drop(bytes.splice(at..end, [])),
        3 => {
            let copy = bytes[at..end].to_vec();
            let to = dice.place(bytes.len());
            drop(bytes.splice(to..to, copy));
        }
        4 => {
            let width = 1 << dice.below(4);
            let number = dice.pick(&NUMBERS).to_be_bytes();
            let mut number = number[8 - width..].to_vec();
            if dice.below(2) == 0 {
                number.reverse();
            }
            let end = (at + width).min(bytes.len());
            drop(bytes.splice(at..end, number));
        }
        5 => drop(bytes.splice(at..end, dice.pick(&TEXTS).bytes())),
        6 => drop(bytes.splice(at..at, dice.pick(&TEXTS).bytes())),
        7 if dice.below(4) == 0 => bytes.truncate(at),
        8 => {
            let other = dice.pick(seeds);
            let from = dice.place(other.len());
            let length = dice.below(other.len() - from + 1);
            drop(bytes.splice(at..end, other[from..from + length].iter().copied()));
        }
        _ => {}
    }
}
