"""Questions with true answers about a recording whose events are known.

Every type is drawn with its counterpart (present and absent, before and after, each count, each letter), so the
text alone gives chance. Questions are lower case, as the prompt of Audio Flamingo 2 makes them.
"""

from dataclasses import dataclass

import numpy as np

from inventory import COUNTABLE, FAMILIES, FAMILY, NAMES, PITCHED, article

NUMBERS = ("zero", "one", "two", "three", "four", "five")
PARTS = ("at the start", "in the middle", "at the end")
FAMILY_ANSWER = {f: f"it is {'an' if f[0] in 'ai' else 'a'} {f} sound" for f in FAMILIES}


@dataclass(frozen=True)
class Heard:
    """An event as the text sees it: class, seconds from the start of the recording, dB, and how high it is played."""

    cls: int
    onset: float
    end: float
    loud: float
    pitch: int


@dataclass(frozen=True)
class Question:
    """`about` is the class whose sound decides the answer, where it is one that can be heard."""

    kind: str
    text: str
    answer: str
    about: int | None = None


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _it_is(cls: int) -> str:
    return f"it is {article(NAMES[cls])}"


def _absent(rng: np.random.Generator, present: set[int], like: int | None, count: int) -> list[int]:
    """Classes that do not occur; half of them from the family of `like`."""
    pool = [c for c in range(len(NAMES)) if c not in present]
    kin = [c for c in pool if like is not None and FAMILY[c] == FAMILY[like]]
    out: list[int] = []
    while len(out) < count:
        source = kin if kin and rng.random() < 0.5 else pool
        choice = int(rng.choice(source))
        if choice not in out:
            out.append(choice)
    return out


def _the(cls: int) -> str:
    return f"the {NAMES[cls]}"


def identify(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    classes = {h.cls for h in heard}
    if len(classes) != 1:
        return None
    cls = heard[0].cls
    stems = ["what is this sound?", "what do you hear?", "which sound is this?"]
    if FAMILY[cls] == "instrument":
        stems += ["which instrument is playing?"]
    if FAMILY[cls] == "animal":
        stems += ["which animal is this?"]
    return Question("identify", _pick(rng, tuple(stems)), _it_is(cls), cls)


def family(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    families = {FAMILY[h.cls] for h in heard}
    if len(families) != 1:
        return None
    stems = ("what kind of sound is this?", "which kind of sound do you hear?")
    return Question("family", _pick(rng, stems), FAMILY_ANSWER[FAMILY[heard[0].cls]])


def multiple_choice(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    if not heard:
        return None
    present = {h.cls for h in heard}
    if len(present) == 1:
        cls, stem = heard[0].cls, _pick(rng, ("what is this sound?", "which of these sounds do you hear?"))
    else:
        cls, stem = int(rng.choice(sorted(present))), "which of these sounds do you hear?"
    options = [cls, *_absent(rng, present, cls, 3)]
    order = rng.permutation(4)
    letters = {options[k]: "ABCD"[i] for i, k in enumerate(order)}
    texts = [f"({letters[options[k]].lower()}) {article(NAMES[options[k]])}" for k in order]
    joined = " " + " ".join(texts) if rng.random() < 0.5 else "\n" + "\n".join(texts)
    return Question("multiple choice", stem + joined, f"({letters[cls]}) {article(NAMES[cls])}", cls)


def presence(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    present = {h.cls for h in heard}
    if not present:
        return None
    yes = rng.random() < 0.5
    anchor = int(rng.choice(sorted(present)))
    cls = anchor if yes else _absent(rng, present, anchor, 1)[0]
    stems = (f"is there {article(NAMES[cls])}?", f"do you hear {article(NAMES[cls])}?")
    return Question("yes or no", _pick(rng, stems), "yes" if yes else "no", cls if yes else None)


def speaking(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    yes = any(NAMES[h.cls] == "speech" for h in heard)
    if not heard or (not yes and rng.random() > 0.045):
        return None
    return Question("speaking", _pick(rng, ("is someone speaking?", "do you hear a voice?")), "yes" if yes else "no")


def count(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    classes = {h.cls for h in heard}
    if len(classes) != 1 or NAMES[heard[0].cls] not in COUNTABLE or len(heard) > 5:
        return None
    name = _the(heard[0].cls)
    stems = (f"how many times does {name} occur?", f"how often do you hear {name}?", "how many times does the sound occur?")
    return Question("count", _pick(rng, stems), NUMBERS[len(heard)])


def _ordered(heard: list[Heard], gap: float = 0.3) -> bool:
    """Several distinct sounds whose onsets are clearly apart."""
    distinct = len({h.cls for h in heard}) == len(heard) >= 2
    return distinct and all(b.onset - a.onset > gap for a, b in zip(heard, heard[1:]))


def ends(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    if not _ordered(heard):
        return None
    first = rng.random() < 0.5
    word = "first" if first else "last"
    stems = (f"which sound comes {word}?", f"what do you hear {word}?")
    cls = heard[0 if first else -1].cls
    return Question("first or last", _pick(rng, stems), _it_is(cls), cls)


def neighbour(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    if not _ordered(heard):
        return None
    i = int(rng.integers(len(heard) - 1))
    if rng.random() < 0.5:
        return Question("what follows", f"what comes right after {_the(heard[i].cls)}?", _it_is(heard[i + 1].cls))
    return Question("what follows", f"what comes right before {_the(heard[i + 1].cls)}?", _it_is(heard[i].cls))


def order(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    if not _ordered(heard):
        return None
    i, j = sorted(int(k) for k in rng.choice(len(heard), 2, replace=False))
    yes, before = rng.random() < 0.5, rng.random() < 0.5
    a, b = (i, j) if yes == before else (j, i)
    word = "before" if before else "after"
    if rng.random() < 0.5:
        return Question("before or after", f"does {_the(heard[a].cls)} come {word} {_the(heard[b].cls)}?", "yes" if yes else "no")
    text = f"does {_the(heard[a].cls)} come before or after {_the(heard[b].cls)}?"
    return Question("before or after", text, f"{'before' if a < b else 'after'} {_the(heard[b].cls)}")


def earlier(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    """Which of two named sounds comes first, or last."""
    if not _ordered(heard):
        return None
    pair = [heard[int(k)] for k in rng.permutation(len(heard))[:2]]
    first = rng.random() < 0.5
    text = f"which comes {'first' if first else 'last'}, {_the(pair[0].cls)} or {_the(pair[1].cls)}?"
    cls = (min if first else max)(pair, key=lambda h: h.onset).cls
    return Question("which of two", text, _it_is(cls), cls)


def louder(rng: np.random.Generator, heard: list[Heard], seconds: float) -> Question | None:
    """Which of two named sounds is louder, or softer; windows of a long recording are not of one loudness."""
    if seconds > 10 or not _ordered(heard):
        return None
    pairs = [(a, b) for a in heard for b in heard if abs(a.loud - b.loud) >= 6]
    if not pairs:
        return None
    pair = pairs[int(rng.integers(len(pairs)))]
    more = rng.random() < 0.5
    text = f"which is {'louder' if more else 'softer'}, {_the(pair[0].cls)} or {_the(pair[1].cls)}?"
    return Question("louder", text, _it_is((max if more else min)(pair, key=lambda h: h.loud).cls))


def pitch_direction(heard: list[Heard]) -> int | None:
    """1, -1 or 0 where one pitched sound, played at least three times, goes up, down or neither."""
    if len({h.cls for h in heard}) != 1 or len(heard) < 3 or NAMES[heard[0].cls] not in PITCHED:
        return None
    steps = {int(np.sign(b.pitch - a.pitch)) for a, b in zip(heard, heard[1:])}
    return steps.pop() if len(steps) == 1 else None


def direction(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    """Whether a sound that is played again and again goes up, down or neither."""
    way = pitch_direction(heard)
    if way is None:
        return None
    stems = ("does the pitch rise, fall or stay the same?", "is the melody rising, falling or staying the same?")
    return Question("rising or falling", _pick(rng, stems), ("it stays the same", "it rises", "it falls")[way])


def position(rng: np.random.Generator, heard: list[Heard], seconds: float) -> Question | None:
    """Start, middle or end of the recording; only where the onset leaves no doubt."""
    if not heard or len({h.cls for h in heard}) != len(heard):
        return None
    h = heard[int(rng.integers(len(heard)))]
    centre = (h.onset + h.end) / 2 / seconds
    part = next((p for p, (a, b) in enumerate(((0, 0.28), (0.38, 0.62), (0.72, 1.01))) if a <= centre <= b), None)
    if part is None:
        return None
    noun = _the(h.cls) if len(heard) > 1 or rng.random() < 0.5 else "the sound"
    return Question("start, middle or end", f"is {noun} at the start, in the middle or at the end?", PARTS[part], h.cls)


def when(rng: np.random.Generator, heard: list[Heard], seconds: float) -> Question | None:
    if seconds <= 10 or not heard or len({h.cls for h in heard}) != len(heard):
        return None
    h = heard[int(rng.integers(len(heard)))]
    answer = f"after about {int(h.onset // 10) * 10} seconds"
    return Question("when", f"when does {_the(h.cls)} occur?", answer, h.cls)


def distinct(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    number = len({h.cls for h in heard})
    if not 1 <= number <= 5:
        return None
    return Question("how many sounds", "how many different sounds are there?", NUMBERS[number])


def describe(rng: np.random.Generator, heard: list[Heard]) -> Question | None:
    if not heard or len(heard) > 4 or (len(heard) > 1 and not _ordered(heard)):
        return None
    stems = ("describe the sounds in order.", "caption the input audio.", "describe the audio.")
    return Question("describe", _pick(rng, stems), ", then ".join(article(NAMES[h.cls]) for h in heard))


def ask(rng: np.random.Generator, heard: list[Heard], seconds: float = 10.0) -> list[Question]:
    """One question of every type that applies; yes/no and multiple choice twice."""
    makers = (identify, family, multiple_choice, multiple_choice, presence, presence, speaking, count)
    makers += (ends, neighbour, order, earlier, distinct, direction, describe)
    found = [make(rng, heard) for make in makers]
    found += [position(rng, heard, seconds), when(rng, heard, seconds), louder(rng, heard, seconds)]
    return [q for q in found if q is not None]
