"""The tokenizer: byte-level BPE with the pre-tokeniser of Qwen2, trained on the questions; prompts as token ids."""

import json
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import ByteLevel

from inventory import CLASSES, NAMES, article
from questions import Heard, ask

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
END = "<|endoftext|>"
ADDED = ("<audio>", "<|endofchunk|>", "<|PAD_TOKEN|>", "<SEP>")


def corpus(rng: np.random.Generator, scenes: int = 4000) -> list[str]:
    lines = [f"is there {article(n)}? the {n}" for n in NAMES] * 40
    for _ in range(scenes):
        count = int(rng.integers(1, 6))
        onsets = np.sort(rng.uniform(0, 110, count))
        same = rng.random() < 0.2
        classes = [int(rng.integers(len(CLASSES)))] * count if same else rng.integers(0, len(CLASSES), count)
        heard = [Heard(int(c), t, t + 1) for c, t in zip(classes, onsets)]
        for q in ask(rng, heard, 120.0) + ask(rng, heard):
            lines += [q.text, q.answer]
    return lines


def train(size: int = 764) -> Tokenizer:
    """The base tokenizer of `size` entries and the end token, before the four additions."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PATTERN), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(corpus(np.random.default_rng(3)), trainer)
    tokenizer.add_special_tokens([END])
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path) -> None:
    """tokenizer.json and tokenizer_config.json of the base, without the four added tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    end = {"content": END, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    config = {
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": {str(tokenizer.token_to_id(END)): end},
        "additional_special_tokens": [], "bos_token": None, "clean_up_tokenization_spaces": False, "eos_token": END,
        "errors": "replace", "model_max_length": 131072, "pad_token": END, "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1))


class Text:
    """Prompts and answers as ids; the four added tokens follow the base in the published order."""

    def __init__(self, path: Path):
        self.base = Tokenizer.from_file(str(path))
        converted = self.base.token_to_id(ADDED[0])  # a converted model's tokenizer holds the four already
        size = self.base.get_vocab_size(with_added_tokens=True) if converted is None else converted
        self.audio, self.chunk, self.pad, self.sep = range(size, size + 4)
        self.end = self.base.token_to_id(END)
        self.size = size + 4

    def prompt(self, question: str) -> list[int]:
        return [self.audio, *self.base.encode(question.lower().strip()).ids, self.sep]

    def answer(self, answer: str) -> list[int]:
        return [*self.base.encode(answer).ids, self.chunk, self.end]

    def decode(self, ids: list[int]) -> str:
        return self.base.decode([i for i in ids if i < self.end], skip_special_tokens=False)

    def noun(self, name: str) -> int:
        """The first token of a class name inside a sentence; it is unique to the class."""
        return self.base.encode(f" {name}").ids[0]


if __name__ == "__main__":
    import sys

    save(train(), Path(sys.argv[1]))
    text = Text(Path(sys.argv[1]) / "tokenizer.json")
    print(f"{text.size} entries")
