"""Accuracy by question type on three sets, beside the blind control: python evaluate.py WORK MODEL... [--scale S]

The sets are new mixes of the training clips, mixes of held-out sources, and mixes of held-out real recordings.
Scenes are mixed as waveforms and pass through the true front end. An answer is right when it is the true one word
for word. The blind control keeps the questions and swaps the audio for that of the next recording of its kind.
Several models (a release, its converted form) are judged on the same recordings.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch

from frontend import log_mel
from model import AudioFlamingo2
from recordings import SEED, SETS, Recording, draw
from scenes import MelBank
from shipped import read
from text import Text
from train_text import Window, exact


def interval(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval."""
    z, p = 1.96, right / total
    centre, spread = p + z * z / (2 * total), z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return (centre - spread) / (1 + z * z / total), (centre + spread) / (1 + z * z / total)


Tally = dict[str, list[list[bool]]]


@torch.no_grad()
def judge(model: AudioFlamingo2, text: Text, recordings: list[Recording], mels: list[torch.Tensor], tally: Tally) -> None:
    """Adds, per kind of question, whether the answer is right with the audio and with other audio."""
    heard = [Window(model.encoder(mel).flatten(0, 1), []) for mel in mels]
    for i, recording in enumerate(recordings):
        questions, other = recording.questions, heard[(i + 1) % len(heard)]
        prefix = "long: " if recording.kind == "long" else ""
        if not questions:
            continue
        pairs = zip(questions, exact(model, text, heard[i], questions), exact(model, text, other, questions))
        for q, right, blind in pairs:
            tallies = tally.setdefault(prefix + q.kind, [[], []])
            tallies[0].append(right)
            tallies[1].append(blind)


def table(tally: Tally) -> dict[str, dict]:
    print("| question | n | right | 95 % | blind |\n|---|---|---|---|---|")
    report = {}
    for kind, (right, blind) in sorted(tally.items()):
        low, high = interval(sum(right), len(right))
        print(f"| {kind} | {len(right)} | {np.mean(right):.3f} | {low:.2f}-{high:.2f} | {np.mean(blind):.3f} |", flush=True)
        report[kind] = {"n": len(right), "right": float(np.mean(right)), "blind": float(np.mean(blind))}
    answers = [x for right, _ in tally.values() for x in right]
    print(f"all: {np.mean(answers):.4f} of {len(answers)}")
    return report


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    torch.set_num_threads(1)
    opened = [(folder, *read(folder)) for folder in args.models]
    report: dict[str, dict] = {}
    for title, split, real in SETS:
        bank = MelBank(args.work, split, real_only=real)
        tallies: list[Tally] = [{} for _ in opened]
        for recordings in draw(bank, args.scale, args.seed):
            mels = [log_mel(torch.from_numpy(r.audio)) for r in recordings]
            for (_, model, text), tally in zip(opened, tallies):
                judge(model, text, recordings, mels, tally)
        for (folder, _, _), tally in zip(opened, tallies):
            print(f"\n### {title} ({len(bank.cls)} clips, {len(bank.classes)} classes), {folder.name}\n")
            report.setdefault(folder.name, {})[title] = table(tally)
    (args.work / "evaluation.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
