"""The closed world of the demo model: which classes it knows and where each one is heard.

A class is named by the noun that answers "what is this sound?". General MIDI programs and sound-effect
presets are given as (bank, program); `pitches` is the MIDI range a player of the instrument would use.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class SoundClass:
    """One answerable sound: its noun, its family and the soundfont presets that produce it."""

    name: str
    family: str
    presets: tuple[tuple[int, int], ...] = ()
    pitches: tuple[int, int] = (60, 60)


def _gm(*programs: int) -> tuple[tuple[int, int], ...]:
    return tuple((0, program) for program in programs)


CLASSES = (
    SoundClass("piano", "instrument", _gm(0, 1, 3), (36, 88)),
    SoundClass("harpsichord", "instrument", _gm(6), (40, 84)),
    SoundClass("xylophone", "instrument", _gm(12, 13), (60, 90)),
    SoundClass("bell", "instrument", _gm(14), (55, 79)),
    SoundClass("organ", "instrument", _gm(16, 17, 19), (40, 84)),
    SoundClass("accordion", "instrument", _gm(21, 23), (50, 82)),
    SoundClass("harmonica", "instrument", _gm(22), (60, 86)),
    SoundClass("acoustic guitar", "instrument", _gm(24, 25), (40, 76)),
    SoundClass("electric guitar", "instrument", _gm(27, 29, 30), (40, 76)),
    SoundClass("bass guitar", "instrument", _gm(33, 34, 35), (28, 50)),
    SoundClass("banjo", "instrument", _gm(105), (48, 79)),
    SoundClass("violin", "instrument", _gm(40), (58, 90)),
    SoundClass("cello", "instrument", _gm(42), (36, 64)),
    SoundClass("harp", "instrument", _gm(46), (40, 88)),
    SoundClass("choir", "instrument", _gm(52, 53), (48, 76)),
    SoundClass("trumpet", "instrument", _gm(56), (55, 82)),
    SoundClass("trombone", "instrument", _gm(57), (40, 68)),
    SoundClass("tuba", "instrument", _gm(58), (28, 52)),
    SoundClass("saxophone", "instrument", _gm(64, 65, 66, 67), (46, 78)),
    SoundClass("clarinet", "instrument", _gm(71), (50, 84)),
    SoundClass("flute", "instrument", _gm(72, 73, 74), (62, 94)),
    SoundClass("drum", "instrument"),
    SoundClass("cymbal", "instrument"),
    SoundClass("dog", "animal", ((1, 123),), (54, 66)),
    SoundClass("cow", "animal"),
    SoundClass("sheep", "animal"),
    SoundClass("horse", "animal", ((2, 123),), (54, 66)),
    SoundClass("pig", "animal"),
    SoundClass("chicken", "animal"),
    SoundClass("duck", "animal"),
    SoundClass("bird", "animal", ((0, 123), (3, 123)), (52, 68)),
    SoundClass("insect", "animal"),
    SoundClass("rain", "nature", ((1, 122),), (54, 66)),
    SoundClass("thunder", "nature", ((2, 122),), (54, 66)),
    SoundClass("wind", "nature", ((3, 122),), (54, 66)),
    SoundClass("water", "nature", ((4, 122), (5, 122), (0, 122)), (54, 66)),
    SoundClass("fire", "nature"),
    SoundClass("speech", "human"),
    SoundClass("laughing", "human", ((1, 126),), (54, 66)),
    SoundClass("applause", "human", ((0, 126),), (54, 66)),
    SoundClass("car", "machine", ((1, 125), (2, 125), (3, 125)), (54, 66)),
    SoundClass("siren", "machine", ((5, 125),), (54, 66)),
    SoundClass("train", "machine", ((6, 125),), (54, 66)),
    SoundClass("airplane", "machine", ((7, 125),), (54, 66)),
    SoundClass("helicopter", "machine", ((0, 125),), (54, 66)),
    SoundClass("telephone", "machine", ((0, 124), (1, 124)), (54, 66)),
    SoundClass("hammer", "machine"),
    SoundClass("saw", "machine"),
    SoundClass("explosion", "machine", ((0, 127), (3, 127)), (48, 66)),
)

NAMES = tuple(c.name for c in CLASSES)
INDEX = {name: i for i, name in enumerate(NAMES)}
FAMILY = tuple(c.family for c in CLASSES)
FAMILIES = ("instrument", "animal", "nature", "human", "machine")

# Keys of a General MIDI drum kit (channel 10).
DRUM_KEYS = (35, 36, 38, 40, 41, 43, 45, 47, 48, 50)
CYMBAL_KEYS = (42, 44, 46, 49, 51, 52, 55, 57, 59)

# Sustained sounds cannot be counted; these have a clear beginning each time they occur.
COUNTABLE = frozenset({
    "piano", "xylophone", "bell", "acoustic guitar", "trumpet", "violin", "flute", "saxophone", "drum",
    "dog", "cow", "sheep", "horse", "chicken", "duck", "explosion",
})


# Sounds with a pitch of their own: played higher or lower they are the same instrument.
PITCHED = frozenset(c.name for c in CLASSES if c.family == "instrument") - {"drum", "cymbal"}


def article(name: str) -> str:
    """The noun with its article: "a dog", "an owl", and bare mass nouns ("rain")."""
    if name in {"rain", "thunder", "wind", "water", "fire", "speech", "laughing", "applause"}:
        return name
    return ("an " if name[0] in "aeiou" else "a ") + name
