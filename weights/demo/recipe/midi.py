"""Standard MIDI files for rendering a soundfont: one slot of SLOT seconds per item, so the render is cut by index."""

import random
import struct

SLOT = 4.0
TICKS_PER_SECOND = 960
SCALE = (0, 2, 4, 5, 7, 9, 11)


def _varlen(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | (value & 0x7F))
    return bytes(reversed(out))


def note_item(rng: random.Random, low: int, high: int) -> list[tuple[float, float, int, int]]:
    """One held note: (onset s, length s, key, velocity)."""
    return [(0.0, rng.uniform(0.5, 2.4), rng.randint(low, high), rng.randint(60, 120))]


def phrase_item(rng: random.Random, low: int, high: int) -> list[tuple[float, float, int, int]]:
    """A short tune of 3 to 7 notes in one key, sometimes with a third below."""
    root, degree, step = rng.randint(low, max(low, high - 12)), rng.randint(0, 6), rng.uniform(0.2, 0.55)
    double = rng.random() < 0.3
    notes = []
    for i in range(min(rng.randint(3, 7), int(2.7 / step))):
        degree = max(0, min(9, degree + rng.choice((-2, -1, -1, 1, 1, 2))))
        key = min(root + 12 * (degree // 7) + SCALE[degree % 7], high)
        velocity = rng.randint(70, 115)
        notes.append((i * step, step * rng.uniform(0.6, 1.1), key, velocity))
        if double:
            notes.append((i * step, step * 0.9, max(key - rng.choice((3, 4)), 0), velocity - 10))
    return notes


def beat_item(rng: random.Random, keys: tuple[int, ...]) -> list[tuple[float, float, int, int]]:
    """One to eight strokes on a few keys of a drum kit."""
    chosen, step = rng.sample(keys, min(3, len(keys))), rng.uniform(0.12, 0.5)
    count = rng.choice((1, 1, 2, 4, 6, 8))
    return [(i * step, 0.3, rng.choice(chosen), rng.randint(70, 120)) for i in range(count) if i * step < 2.8]


def write(path: str, items: list[tuple[int, int, int, list]]) -> None:
    """`items`: (channel, bank, program, notes); item k starts at k * SLOT seconds."""
    events = []
    for k, (channel, bank, program, notes) in enumerate(items):
        start = int(k * SLOT * TICKS_PER_SECOND)
        if channel != 9:
            events.append((start, 0, bytes((0xB0 | channel, 0, bank))))
        events.append((start, 1, bytes((0xC0 | channel, program))))
        for onset, length, key, velocity in notes:
            on = start + 48 + int(onset * TICKS_PER_SECOND)
            off = on + max(1, int(length * TICKS_PER_SECOND))
            events.append((on, 3, bytes((0x90 | channel, key, velocity))))
            events.append((off, 2, bytes((0x80 | channel, key, 0))))
    track, clock = bytearray(), 0
    for tick, _, data in sorted(events):
        track += _varlen(tick - clock) + data
        clock = tick
    track += _varlen(TICKS_PER_SECOND * 4) + b"\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_PER_SECOND // 2)  # 120 bpm
    with open(path, "wb") as file:
        file.write(header + b"MTrk" + struct.pack(">I", len(track)) + bytes(track))
