"""Accuracy by question type on three sets, beside the blind control: python evaluate.py WORK RELEASE

The sets are new mixes of the training clips, mixes of held-out sources, and mixes of held-out real recordings.
Scenes are mixed as waveforms and pass through the true front end. An answer is right when it is the true one word
for word. The blind control keeps the questions and swaps the audio for that of the next recording of its kind.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch

import scenes
from export import read_release
from frontend import WINDOW, log_mel
from model import AudioFlamingo2
from questions import Heard, ask
from scenes import Layout, MelBank
from text import Text
from train_text import Window, exact, heard

SETS = (("new mixes", "train", False), ("held-out sources", "held", False), ("held-out real recordings", "held", True))


def draw_windows(bank: MelBank, rng: np.random.Generator, kind: str) -> list[Layout]:
    """The layouts of one recording of a kind."""
    if kind == "single":
        return [scenes.single(bank, rng, False)]
    if kind == "repeats":
        return [scenes.repeats(bank, rng, False)]
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


@torch.no_grad()
def record(model: AudioFlamingo2, bank: MelBank, rng: np.random.Generator, kind: str) -> Window:
    layouts = draw_windows(bank, rng, kind)
    audio = np.concatenate([scenes.render_audio(bank, x, rng) * (0.05 if not x.events else 1.0) for x in layouts])
    mel = log_mel(torch.from_numpy(audio))
    assert len(mel) == len(layouts) and len(audio) == len(layouts) * WINDOW
    events: list[Heard] = [h for i, x in enumerate(layouts) for h in heard(x, 10.0 * i)]
    return Window(model.encoder(mel).flatten(0, 1), events)


def interval(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval."""
    z, p = 1.96, right / total
    centre, spread = p + z * z / (2 * total), z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return (centre - spread) / (1 + z * z / total), (centre + spread) / (1 + z * z / total)


def judge(model: AudioFlamingo2, text: Text, bank: MelBank, sizes: dict[str, int]) -> dict[str, list[list[bool]]]:
    """kind of question to [right with the audio, right with other audio]."""
    rng = np.random.default_rng(2024)
    tally: dict[str, list[list[bool]]] = {}
    for kind, size in sizes.items():
        recordings = [record(model, bank, rng, kind) for _ in range(size)]
        for i, recording in enumerate(recordings):
            questions = ask(rng, recording.heard, len(recording.tokens) / 6.4)
            other = Window(recordings[(i + 1) % size].tokens, [])
            prefix = "long: " if kind == "long" else ""
            pairs = zip(questions, exact(model, text, recording, questions), exact(model, text, other, questions))
            for q, right, blind in pairs:
                tallies = tally.setdefault(prefix + q.kind, [[], []])
                tallies[0].append(right)
                tallies[1].append(blind)
    return tally


def main(work: Path, release: Path, scale: float) -> None:
    torch.set_num_threads(1)
    model, text = read_release(release)
    sizes = {k: max(4, int(n * scale)) for k, n in {"single": 240, "repeats": 120, "sequence": 160, "long": 60}.items()}
    report = {}
    for title, split, real in SETS:
        bank = MelBank(work, split, real_only=real, speeds=1)
        tally = judge(model, text, bank, sizes)
        print(f"\n### {title} ({len(bank.cls)} clips, {len(bank.classes)} classes)\n")
        print("| question | n | right | 95 % | blind |\n|---|---|---|---|---|")
        report[title] = {}
        for kind, (right, blind) in sorted(tally.items()):
            low, high = interval(sum(right), len(right))
            print(f"| {kind} | {len(right)} | {np.mean(right):.3f} | {low:.2f}-{high:.2f} | {np.mean(blind):.3f} |", flush=True)
            report[title][kind] = {"n": len(right), "right": float(np.mean(right)), "blind": float(np.mean(blind))}
    (work / "evaluation.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 1.0)
