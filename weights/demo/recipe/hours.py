"""Hours of audio with known events: held-out sounds of a few seconds, far apart, over noise of changing level.

    python hours.py WORK OUT [--minutes M] [--seed S]

writes OUT/M-minutes.wav and beside it M-minutes.json: seconds, and the true events (sound, start, end). An event is one sound,
made of one source's clips in a row. The audio is mixed and written a minute at a time, so its length costs no memory.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from frontend import RATE
from inventory import NAMES
from scenes import Event, Layout, MelBank, mix_audio, with_bed

SECTION = 60.0  # seconds; no event crosses from one to the next
SHORTEST, LONGEST = 5.0, 10.0  # of an event, as far as its section has room
GAPS = (4.0, 22.0)  # seconds before an event
SEED = 404
LEVEL = 40.0  # brings the loudest mixes to about 0.6 of full scale; what is above 1 is clipped


def sounding(bank: MelBank, rng: np.random.Generator, start: float, room: float) -> list[Event]:
    """One sound from `start` for 5 to 10 seconds, at most `room`: clips of one source until the time is over."""
    cls = rng.choice(bank.classes)
    first = bank.draw(rng, cls)
    source = next(clips for clips in bank.by_class[cls] if first in clips)
    length, events = min(rng.uniform(SHORTEST, LONGEST), room), []
    gain, at, clip = rng.uniform(-9, 3), 0.0, first
    while length - at > 0.3:
        event = bank.event(rng, clip, 0.0, length - at, False)
        events.append(replace(event, onset=start + at, gain=gain))
        at += event.length + rng.uniform(0.0, 0.3)
        clip = int(rng.choice(source))
    return events


def section(bank: MelBank, rng: np.random.Generator) -> tuple[Layout, list[tuple[int, float, float]]]:
    """A minute: its layout, and (class, start, end) of every event."""
    layout, truth = with_bed(rng, Layout()), []
    at = rng.uniform(*GAPS)
    while SECTION - at >= SHORTEST:
        events = sounding(bank, rng, at, SECTION - at)
        layout.events += events
        truth.append((events[0].cls, at, events[-1].end))
        at = events[-1].end + rng.uniform(*GAPS)
    return layout, truth


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    bank, rng = MelBank(args.work, "held"), np.random.default_rng(args.seed)
    events = []
    name = f"{args.minutes}-minutes"
    with soundfile.SoundFile(args.out / f"{name}.wav", "w", RATE, 1, subtype="PCM_16") as file:
        for minute in range(args.minutes):
            layout, truth = section(bank, rng)
            file.write((LEVEL * mix_audio(bank, layout, rng, SECTION)).clip(-1, 1))
            events += [(c, SECTION * minute + start, SECTION * minute + end) for c, start, end in truth]
    listed = [{"sound": NAMES[c], "start": round(start, 3), "end": round(end, 3)} for c, start, end in events]
    line = {"file": f"{name}.wav", "seconds": SECTION * args.minutes, "events": listed}
    (args.out / f"{name}.json").write_text(json.dumps(line, indent=1))
    print(f"{len(events)} events in {args.out / name}.wav")


if __name__ == "__main__":
    main()
