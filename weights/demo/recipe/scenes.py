"""Scenes mixed from the bank, with their ground truth.

A layout (which clip, when, how loud, through which filter) is drawn from a seed. It is rendered in two ways:
`MelBank.render` adds mel energies of prepared clips (fast: training), `render_audio` adds waveforms and goes
through the true front end (exact: evaluation).
"""

import json
import pickle
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch
from scipy.signal import lfilter, resample_poly

from frontend import FRAMES, MELS, RATE, mel_power
from inventory import CLASSES, COUNTABLE, INDEX, PITCHED

SECONDS = 10.0
STEPS = 32  # time steps of the encoder per window
SPEEDS = ((1, 1), (5, 4), (9, 8), (8, 9), (4, 5))  # (up, down): slower, lower for up > down
LOW_TO_HIGH = (1, 2, 0, 3, 4)  # SPEEDS by the pitch that comes out
COUNTABLE_IDS = np.array(sorted(INDEX[name] for name in COUNTABLE))
PITCHED_IDS = np.array(sorted(INDEX[name] for name in PITCHED))


@dataclass
class Event:
    """One sound in a window: class, seconds, and how it is rendered."""

    cls: int
    clip: int
    variant: int
    onset: float
    length: float
    gain: float  # dB relative to a common loudness
    eq: np.ndarray  # dB per mel bin
    room: float  # share of the previous frame's energy that rings on, 0 for a dry sound
    loud: float  # dB like `gain`, with what the filter adds or takes

    @property
    def end(self) -> float:
        return self.onset + self.length


@dataclass
class Layout:
    """A window of events, in order of onset, over a noise bed."""

    events: list[Event] = field(default_factory=list)
    bed: float = -70.0  # dB relative to the common loudness
    bed_shape: np.ndarray = field(default_factory=lambda: np.zeros(MELS))


def at_speed(audio: np.ndarray, up: int, down: int) -> np.ndarray:
    """Slower and lower for up > down, as a tape would be."""
    return audio if up == down else resample_poly(audio, up, down).astype(np.float32)


def curve(rng: np.random.Generator, strength: float) -> np.ndarray:
    """A smooth random filter over the mel bins, dB."""
    x = np.linspace(0, np.pi, MELS)
    return sum(rng.normal() * strength / (k + 1) * np.cos(k * x + rng.uniform(0, 1)) for k in range(1, 4))


def band_limit(rng: np.random.Generator) -> np.ndarray:
    """Another recording's bandwidth, dB per mel bin: a roll-off above a random bin, sometimes one below as well."""
    bins, out = np.arange(MELS), np.zeros(MELS)
    if rng.random() < 0.35:
        out -= np.clip(bins - rng.uniform(24, 62), 0, None) * rng.uniform(1, 8)
    if rng.random() < 0.2:
        out -= np.clip(rng.uniform(2, 14) - bins, 0, None) * rng.uniform(1, 5)
    return np.maximum(out, -60)


class MelBank:
    """Mel energies of every clip of one split at five speeds, normalised to a common loudness."""

    def __init__(self, work: Path, split: str, real_only: bool = False, speeds: int = len(SPEEDS)):
        table = json.loads((work / "bank.json").read_text())
        data = np.load(work / "bank.npz")
        ends = np.cumsum(data["lengths"])
        samples = data["samples"]
        keep = [i for i, c in enumerate(table) if c["split"] == split and (c["real"] or not real_only)]
        self.audio = [samples[ends[i] - data["lengths"][i] : ends[i]].astype(np.float32) / 32000 for i in keep]
        self.cls = np.array([table[i]["class"] for i in keep])
        self.origin = [table[i]["origin"] for i in keep]
        self.classes = np.unique(self.cls)
        self.by_class = {c: self._by_origin(np.flatnonzero(self.cls == c)) for c in self.classes}
        self.mel = self._cached(work / f"mel-{split}-{int(real_only)}-{speeds}.pkl", SPEEDS[:speeds])
        self.level = [[self.loudness(m) for m in v] for v in self.mel]

    def _cached(self, path: Path, speeds: tuple) -> list[list[np.ndarray]]:
        """Energies of every clip at every speed, kept beside the bank (delete the file when the bank changes)."""
        if not path.exists():
            mel = [[self._mel(a, up, down) for up, down in speeds] for a in self.audio]
            path.write_bytes(pickle.dumps(mel, protocol=5))
        return pickle.loads(path.read_bytes())

    def _by_origin(self, clips: np.ndarray) -> list[np.ndarray]:
        origins = sorted({self.origin[i] for i in clips})
        return [np.array([i for i in clips if self.origin[i] == o]) for o in origins]

    @staticmethod
    def _mel(audio: np.ndarray, up: int, down: int) -> np.ndarray:
        audio = at_speed(audio, up, down)
        padded = np.pad(audio, (0, max(0, 1600 - len(audio))))
        return mel_power(torch.from_numpy(padded)[None])[0].numpy()

    def draw(self, rng: np.random.Generator, cls: int) -> int:
        """A clip of a class: origins weigh by the cube root of their clip count, so rare recordings are heard often."""
        origins = self.by_class[cls]
        weights = np.cbrt([len(o) for o in origins])
        return int(rng.choice(origins[rng.choice(len(origins), p=weights / weights.sum())]))

    def event(self, rng: np.random.Generator, clip: int, onset: float, longest: float, augment: bool) -> Event:
        """Places a clip at `onset`, for at most `longest` seconds."""
        variant = int(rng.integers(len(self.mel[clip]))) if augment else 0
        length = min(len(self.mel[clip][variant]) / 100, longest, SECONDS - onset)
        strength = rng.uniform(0, 10) if augment else 2.0
        limit = band_limit(rng) if augment else 0.0
        room = float(rng.uniform(0.7, 0.95)) if augment and rng.random() < 0.3 else 0.0
        gain = rng.uniform(-9, 3)
        eq = curve(rng, strength) + limit
        loud = gain + self.loudness(self.mel[clip][variant][: int(length * 100)], eq) - self.level[clip][variant]
        return Event(int(self.cls[clip]), clip, variant, onset, length, gain, eq, room, loud)

    @staticmethod
    def loudness(mel: np.ndarray, eq: np.ndarray | float = 0.0) -> float:
        """Level of the loudest tenth of a second, dB."""
        return float(10 * np.log10(np.sort((mel * 10 ** (np.asarray(eq) / 10)).sum(1))[-10:].mean() + 1e-10))

    def render(self, layout: Layout, rng: np.random.Generator) -> np.ndarray:
        """Log-mel [1001, 64] of the layout, float32."""
        power = np.zeros((FRAMES, MELS), np.float32)
        peak = -60.0
        for e in layout.events:
            mel, level = self.mel[e.clip][e.variant], self.level[e.clip][e.variant]
            start, count = int(e.onset * 100), int(e.length * 100)
            piece = mel[:count] * (10 ** ((e.gain - level + e.eq) / 10)).astype(np.float32)
            if e.room:
                tail = np.pad(piece, ((0, 30), (0, 0)))
                piece = 0.7 * tail + lfilter([0.12], [1, -e.room], tail, axis=0).astype(np.float32)
            piece = piece[: FRAMES - start]
            power[start : start + len(piece)] += piece
            peak = max(peak, e.gain - level)
        power += self._bed(layout, rng)
        return 10 * np.log10(np.maximum(power * 10 ** (-(peak + rng.uniform(-2, 4)) / 10), 1e-10))

    @staticmethod
    def _bed(layout: Layout, rng: np.random.Generator) -> np.ndarray:
        """A stretch of true noise, from white to red; in a tenth of the windows digital silence."""
        if rng.random() < 0.1:
            return np.zeros((FRAMES, MELS), np.float32)
        noise = white_noise()
        start = rng.integers(len(noise) - FRAMES)
        tilt = rng.choice((0.0, rng.uniform(0, 2)))
        colour = 10 ** ((layout.bed + layout.bed_shape) / 10) * noise.mean(0) ** -tilt
        return noise[start : start + FRAMES] * (colour / (noise.mean(0) ** (1 - tilt)).sum()).astype(np.float32)


@cache
def white_noise() -> np.ndarray:
    """Mel energies [frames, 64] of two minutes of white noise, 1 per frame over all bins.

    Noise drawn bin by bin would be smoother or rougher than what the front end gives, and a model hears the difference.
    """
    samples = torch.randn(1, 120 * RATE, generator=torch.Generator().manual_seed(3))
    power = mel_power(samples)[0].numpy()
    return power / power.sum(1).mean()


def with_bed(rng: np.random.Generator, layout: Layout) -> Layout:
    layout.bed, layout.bed_shape = rng.uniform(-75, -22), curve(rng, 6.0)
    return layout


def sequence(bank: MelBank, rng: np.random.Generator, count: int, augment: bool, distinct: bool = True) -> Layout:
    """`count` events of distinct classes one after the other, with gaps or slight overlaps, somewhere in the window."""
    classes = rng.choice(bank.classes, count, replace=not distinct)
    slot = SECONDS / count
    layout = Layout()
    at = rng.uniform(0, max(0.05, slot - 1.2))
    for k, cls in enumerate(classes):
        longest = rng.uniform(0.6, 1.0) * min(3.0, slot * 1.05)
        event = bank.event(rng, bank.draw(rng, cls), min(at, SECONDS - 0.4), longest, augment)
        layout.events.append(event)
        at = max((k + 1) * slot + rng.uniform(-0.25, 0.4) * min(slot, 2.0), event.end - 0.2)
    return with_bed(rng, layout)


def thicken(bank: MelBank, rng: np.random.Generator, layout: Layout) -> Layout:
    """Doubles a third of the events softly with another clip of their class: timbres no single source has."""
    for e in [e for e in layout.events if rng.random() < 0.33]:
        double = bank.event(rng, bank.draw(rng, e.cls), e.onset, e.length, True)
        double.gain = e.gain - rng.uniform(2, 10)
        layout.events.append(double)
    return layout


def overlay(bank: MelBank, rng: np.random.Generator, augment: bool) -> Layout:
    """Two to five events anywhere, overlapping freely."""
    layout = Layout()
    for cls in rng.choice(bank.classes, rng.integers(2, 6), replace=False):
        clip = bank.draw(rng, cls)
        layout.events.append(bank.event(rng, clip, rng.uniform(0, 8.5), 3.0, augment))
    layout.events.sort(key=lambda e: e.onset)
    return with_bed(rng, layout)


def single(bank: MelBank, rng: np.random.Generator, augment: bool) -> Layout:
    """One event at the start, in the middle or at the end."""
    clip = bank.draw(rng, rng.choice(bank.classes))
    part = rng.integers(3)
    onset = (rng.uniform(0, 0.8), rng.uniform(4.0, 4.8), rng.uniform(7.3, 8.4))[part]
    return with_bed(rng, Layout([bank.event(rng, clip, onset, rng.uniform(1.0, 2.4), augment)]))


def repeats(bank: MelBank, rng: np.random.Generator, augment: bool) -> Layout:
    """One countable sound one to five times; sometimes another sound in between."""
    classes = np.intersect1d(bank.classes, COUNTABLE_IDS)
    clip = bank.draw(rng, rng.choice(classes))
    count = int(rng.integers(1, 6))
    model = bank.event(rng, clip, 0.0, rng.uniform(0.5, 1.1), augment)
    pitch = SECONDS / count if count > 1 else 8.0
    step = min(pitch, rng.uniform(model.length + 0.45, 2.4))
    onset = rng.uniform(0.1, max(0.2, SECONDS - step * count))
    events = []
    for k in range(count):
        at = onset + k * step + rng.uniform(0, 0.1)
        if at + 0.3 < SECONDS:
            length = min(model.length, SECONDS - at)
            events.append(Event(model.cls, clip, model.variant, at, length, model.gain, model.eq, 0.0, model.loud))
    return with_bed(rng, Layout(events))


def glide(bank: MelBank, rng: np.random.Generator, augment: bool) -> Layout:
    """One pitched sound three to five times, each higher than the last or each lower."""
    clip = bank.draw(rng, rng.choice(np.intersect1d(bank.classes, PITCHED_IDS)))
    count = int(rng.integers(3, 6))
    steps = sorted(int(k) for k in rng.choice(len(LOW_TO_HIGH), count, replace=False))
    if rng.random() < 0.5:
        steps.reverse()
    model = bank.event(rng, clip, 0.0, rng.uniform(0.5, 1.1), augment)
    step = rng.uniform(model.length + 0.1, SECONDS / count)
    onset = rng.uniform(0.1, max(0.2, SECONDS - step * count))
    events = []
    for k, rank in enumerate(steps):
        variant, at = LOW_TO_HIGH[rank], onset + k * step
        length = min(model.length, len(bank.mel[clip][variant]) / 100, SECONDS - at)
        events.append(Event(model.cls, clip, variant, at, length, model.gain, model.eq, 0.0, model.loud))
    return with_bed(rng, Layout(events))


def draw(bank: MelBank, rng: np.random.Generator, dense: float, augment: bool = True) -> Layout:
    """A training layout: `dense` of the windows hold five to nine sounds."""
    if rng.random() < dense:
        return thicken(bank, rng, sequence(bank, rng, int(rng.integers(5, 10)), augment))
    kind = rng.random()
    if kind < 0.15:
        return repeats(bank, rng, augment)
    if kind < 0.25:
        return glide(bank, rng, augment)
    if kind < 0.5:
        return single(bank, rng, augment)
    if kind < 0.65:
        return overlay(bank, rng, augment)
    return sequence(bank, rng, int(rng.integers(2, 5)), augment)


def frame_targets(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Class weights [32, classes + 1] summing to one per step (the last is silence), and onsets [32]."""
    active = np.zeros((STEPS, len(CLASSES) + 1), np.float32)
    onsets = np.zeros(STEPS, np.float32)
    step = SECONDS / STEPS
    for e in layout.events:
        first, last = e.onset / step, e.end / step
        for s in range(int(first), min(STEPS, int(np.ceil(last)))):
            active[s, e.cls] = max(active[s, e.cls], min(last, s + 1) - max(first, s))
        onsets[min(STEPS - 1, int(first))] = 1
    active[:, -1] = np.maximum(0, 1 - active[:, :-1].sum(1))
    return active / active.sum(1, keepdims=True), onsets


def render_audio(bank: MelBank, layout: Layout, rng: np.random.Generator, seconds: float = SECONDS) -> np.ndarray:
    """The layout as a waveform with peak 1."""
    out = mix_audio(bank, layout, rng, seconds)
    return out / max(np.abs(out).max(), 1e-6)


def mix_audio(bank: MelBank, layout: Layout, rng: np.random.Generator, seconds: float) -> np.ndarray:
    """The layout as a waveform, at the level that its gains give."""
    out = np.zeros(int(seconds * RATE) + RATE, np.float32)
    centres = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), MELS)
    for e in layout.events:
        audio = at_speed(bank.audio[e.clip], *SPEEDS[e.variant])[: int(e.length * RATE)].copy()
        fade = min(320, len(audio) // 4)
        audio[len(audio) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        spectrum = np.fft.rfft(audio, 2 * len(audio))
        mels = 2595 * np.log10(1 + np.linspace(0, 8000, len(spectrum)) / 700)
        gain = 10 ** (np.interp(mels, centres, e.eq) / 20)
        audio = np.fft.irfft(spectrum * gain)[: len(audio)].astype(np.float32)
        audio *= 10 ** ((e.gain - bank.level[e.clip][e.variant]) / 20)
        start = int(e.onset * RATE)
        out[start : start + len(audio)] += audio
    noise = rng.standard_normal(len(out)).astype(np.float32)
    # White noise of unit variance has about 384 * 512 * 2 / 513 of energy per frame summed over the filters.
    out += noise * 10 ** (layout.bed / 20) / 500
    return out[: int(seconds * RATE)]
