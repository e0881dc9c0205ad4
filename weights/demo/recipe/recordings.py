"""Recordings with known events for evaluation, mixed as waveforms from the bank with fresh seeds.

    python recordings.py WORK OUT [--count N] [--seed S] [--model MODEL]

writes OUT/*.wav and OUT/questions.jsonl, one line per recording: file, set, kind, seconds, the true events (sound, start,
end), and questions with true answers and the sound that each answer is about. A bank of held-out clips alone gives the
held-out sets. With a model, each question also carries that model's PyTorch answer, to hold another engine against.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

import scenes
from frontend import RATE, log_mel
from inventory import NAMES
from questions import Heard, Question, ask
from scenes import Layout, MelBank
from shipped import read
from train_text import heard

SETS = (("new mixes", "train", False), ("held-out sources", "held", False), ("held-out real recordings", "held", True))
COUNTS = {"single": 240, "repeats": 120, "sequence": 160, "long": 60, "glide": 80}
SEED = 2024


@dataclass
class Recording:
    """A waveform of whole windows and what can be asked about it."""

    kind: str
    audio: np.ndarray
    events: list[Heard]
    questions: list[Question]

    def line(self, file: str, title: str) -> dict:
        """Its line of questions.jsonl."""
        questions = [{"kind": q.kind, "question": q.text, "answer": q.answer} | about(q) for q in self.questions]
        events = [{"sound": NAMES[h.cls], "start": round(h.onset, 3), "end": round(h.end, 3)} for h in self.events]
        seconds = len(self.audio) / RATE
        return {"file": file, "set": title, "kind": self.kind, "seconds": seconds, "events": events, "questions": questions}


def about(question: Question) -> dict[str, str]:
    return {} if question.about is None else {"about": NAMES[question.about]}


def draw_windows(bank: MelBank, rng: np.random.Generator, kind: str) -> list[Layout]:
    """The layouts of one recording of a kind."""
    if kind == "single":
        return [scenes.single(bank, rng, False)]
    if kind == "repeats":
        return [scenes.repeats(bank, rng, False)]
    if kind == "glide":
        return [scenes.glide(bank, rng, False)]
    if kind == "sequence":
        return [scenes.sequence(bank, rng, int(rng.choice((2, 3, 4))), False)]
    count = int(rng.choice((2, 3, 4, 6, 12)))
    sounding = set(rng.choice(count, min(count, int(rng.integers(2, 5))), replace=False).tolist())
    seen: set[int] = set()
    layouts = []
    for i in range(count):
        layout = scenes.with_bed(rng, Layout())
        if i in sounding:
            while True:
                layout = scenes.single(bank, rng, False)
                if layout.events[0].cls not in seen:
                    break
            seen.add(layout.events[0].cls)
        layouts.append(layout)
    return layouts


def record(bank: MelBank, rng: np.random.Generator, kind: str) -> Recording:
    layouts = draw_windows(bank, rng, kind)
    audio = np.concatenate([scenes.render_audio(bank, x, rng) * (0.05 if not x.events else 1.0) for x in layouts])
    events: list[Heard] = [h for i, x in enumerate(layouts) for h in heard(x, 10.0 * i)]
    return Recording(kind, audio, events, ask(rng, events, scenes.SECONDS * len(layouts)))


def draw(bank: MelBank, scale: float, seed: int = SEED) -> Iterator[list[Recording]]:
    """For every kind, its recordings."""
    rng = np.random.default_rng(seed)
    for kind, count in COUNTS.items():
        yield [record(bank, rng, kind) for _ in range(max(4, int(count * scale)))]


@torch.no_grad()
def reference(model, text, path: Path, questions: list[Question]) -> list[str]:
    """Answers of the PyTorch model to the written file."""
    audio, _ = soundfile.read(path)
    memory = model.memory(model.encoder(log_mel(torch.from_numpy(audio))).flatten(0, 1)[None])
    prompts = [text.prompt(q.text) for q in questions]
    return [text.decode(ids) for ids in model.answer(memory, prompts, text.end)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=40, help="recordings per set")
    parser.add_argument("--seed", type=int, default=SEED + 1)
    parser.add_argument("--model", type=Path, help="add this model's PyTorch answers")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    opened = read(args.model) if args.model else None
    lines = []
    splits = {clip["split"] for clip in json.loads((args.work / "bank.json").read_text())}
    for title, split, real in (s for s in SETS if s[1] in splits):
        bank = MelBank(args.work, split, real_only=real)
        found = [r for part in draw(bank, args.count / sum(COUNTS.values()), args.seed) for r in part]
        for i, r in enumerate(found):
            path = args.out / f"{title.replace(' ', '-')}-{i:03}.wav"
            soundfile.write(path, 0.9 * r.audio, RATE, subtype="PCM_16")
            line = r.line(path.name, title)
            if opened:
                for entry, said in zip(line["questions"], reference(*opened, path, r.questions)):
                    entry["reference"] = said
            lines.append(line)
    (args.out / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    print(f"{len(lines)} recordings in {args.out}")


if __name__ == "__main__":
    main()
