"""The published scoring rules, from their descriptions: (right, counted, unanswered); and the metrics of captions."""

import math
import re
from collections import Counter


def words(text):
    return set(re.findall(r"\w+", text.lower()))


def string_match(item, said):
    answer, said = words(item["answers"][0]), words(said)
    wrong = set()
    for option in item["options"]:
        if words(option) != answer:
            wrong |= words(option)
    return bool(said) and answer <= said and not said & (wrong - answer), True, False


def by_letter(item, said):
    text = said.strip()
    if any(text.lower() == option.strip().lower() for option in item["options"]):
        return None
    found = re.match(r"^\(([a-zA-Z])\)|^([a-zA-Z])[).]|^([a-zA-Z])$", text)
    if not found:
        return None
    index = ord(next(group for group in found.groups() if group).lower()) - ord("a")
    return index if index < len(item["options"]) else None


def mapped(item, said):
    index = by_letter(item, said)
    return said if index is None else item["options"][index]


def string_match_mapped(item, said):
    return string_match(item, mapped(item, said))


def option_index(item, said):
    index = by_letter(item, said)
    if index is not None:
        return index
    plain = lambda text: text.strip().lower().rstrip(".")
    return next((i for i, option in enumerate(item["options"]) if plain(option) == plain(said)), None)


def named(item, index):
    if index is None:
        return False, True, True
    right = index < len(item["options"]) and item["options"][index] == item["answers"][0]
    return right, True, False


def muchomusic_index(item, said):
    rest = said.split("The correct answer is:")[-1]
    letters = [letter for letter in "ABCD" if letter in rest]
    if len(letters) == 1:
        return "ABCD".index(letters[0])
    return next((i for i, option in enumerate(item["options"]) if option.lower() in rest.lower()), None)


def muchomusic(item, said):
    return named(item, muchomusic_index(item, said))


def muchomusic_mapped(item, said):
    index = option_index(item, said)
    return named(item, muchomusic_index(item, said) if index is None else index)


def air_bench(item, said):
    said = said.strip()
    for place in (0, -2):
        if len(said) >= abs(place) and said[place : place + 1 or None] and said[place] in "ABCD":
            return item["options"]["ABCD".index(said[place])] == item["answers"][0], True, False
    return False, False, False


def air_bench_mapped(item, said):
    return named(item, option_index(item, said))


def conclusion(item, said):
    found = re.findall(r"<conclusion>(.*?)</conclusion>", said, re.I | re.S)
    said = (found[-1] if found else said).strip().lower()
    letter = lambda text: (re.match(r"^\(([a-z])\)", text) or [None, None])[1]
    reference = item["answers"][0].lower()
    if letter(said) and letter(reference):
        return letter(said) == letter(reference), True, False
    plain = lambda text: re.sub(r"^\([a-z]\)\s*", "", text).rstrip(".")
    return plain(said) == plain(reference), True, False


def cmm(item, said):
    return item["answers"][0] in said.strip().lower()[:5], True, False


def yes_no(item, said):
    first = (re.findall(r"\w+", said.lower()) or [""])[0]
    return first == item["answers"][0], True, first not in ("yes", "no")


def label(text):
    return text.replace("_", " ").strip().lower().removesuffix(".").strip()


def exact(item, said):
    return label(mapped(item, said)) == label(item["answers"][0]), True, False


def contained(item, said):
    said, right = " ".join(re.findall(r"\w+", label(mapped(item, said)))), label(item["answers"][0])
    holds = lambda text, part: f" {part} " in f" {text} "
    others = [label(option) for option in item["options"] if not holds(right, label(option))]
    return holds(said, right) and not any(holds(said, other) for other in others), True, False


def clotho_aqa(item, said):
    plain = lambda text: re.sub(r"[^\w\s]", "", text).strip().lower()
    same = sum(plain(answer) == plain(said) for answer in item["answers"])
    binary = all(plain(answer) in ("yes", "no") for answer in item["answers"])
    return same >= (len(item["answers"]) // 2 + 1 if binary else 1), True, False


def any_reference(item, said):
    return any(label(answer) == label(said) for answer in item["answers"]), True, False


def vocal_sound(item, said):
    classes = ["Laughter", "Sniff", "Throat", "Cough", "Sigh", "Sneeze"]
    found = next((name for name in classes if name.lower() in said.lower()), None)
    if found is None:
        return False, True, True
    return item["answers"][0].startswith(found.lower()), True, False


def same_text(item, said):
    return said == item["answers"][0], True, False


MMAU = {"string match": string_match, "string match, mapped": string_match_mapped}
LABELS = {"exact": exact, "contained": contained}


# --- captions ----------------------------------------------------------------------------------------------------------------------------


def tokens(text):
    return re.findall(r"[a-z]+", text.lower())


def grams(text, n):
    return Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1))


def cider(clips):
    df = Counter()
    for _, references in clips:
        df.update({gram for reference in references for n in range(1, 5) for gram in grams(reference, n)})
    weight = lambda counts: {g: c * (math.log(len(clips)) - math.log(max(1, df[g]))) for g, c in counts.items()}
    norm = lambda vector: math.sqrt(sum(value * value for value in vector.values()))
    scores = []
    for said, references in clips:
        total = 0.0
        for reference in references:
            delta = sum(grams(said, 2).values()) - sum(grams(reference, 2).values())
            for n in range(1, 5):
                a, b = weight(grams(said, n)), weight(grams(reference, n))
                dot = sum(min(value, b[g]) * b[g] for g, value in a.items() if g in b)
                if norm(a) and norm(b):
                    total += dot / (norm(a) * norm(b)) * math.exp(-(delta**2) / 72) / 4
        scores.append(10 * total / len(references))
    return sum(scores) / len(scores)


def lcs(a, b):
    row = [0] * (len(b) + 1)
    for x in a:
        before = row[:]
        for j, y in enumerate(b):
            row[j + 1] = before[j] + 1 if x == y else max(row[j], before[j + 1])
    return row[-1]


def rouge(clips):
    scores = []
    for said, references in clips:
        precision = max(lcs(said, r) / len(said) for r in references)
        recall = max(lcs(said, r) / len(r) for r in references)
        scores.append((1 + 1.44) * precision * recall / (recall + 1.44 * precision) if precision and recall else 0.0)
    return sum(scores) / len(scores)
