"""An independent implementation of the scoring rules; writes what af2-eval must compute, for made-up predictions.

    pip install pycocoevalcap && python3 make.py > expected.json      # needs Java, for Stanford's tokenizer in that package

Choices, labels and captions are random with a fixed seed. Rules are written with Python's own means (regular expressions, Counter, exact
fractions), not after the Rust code. Only tokens come from elsewhere: from the tokenizer itself.
"""

import json
import math
import random
import re
import subprocess
import tempfile
from collections import Counter
from fractions import Fraction
from pathlib import Path

R = random.Random(20250303)
NOUNS = "dog cat man woman siren engine bird rain guitar drum piano crowd train bell".split()
VERBS = "barking passing speaking singing humming ringing playing falling".split()
LETTERS = "ABCDE"


def phrase():
    noun, verb = R.choice(NOUNS), R.choice(VERBS)
    return R.choice([noun, f"a {noun}", f"{noun.title()} {verb}", f"The {noun} is {verb}", f"{verb} {noun}", f"{noun} and {R.choice(NOUNS)}"])


def word_set(text):
    return set(re.findall(r"\w+", text.lower()))


def string_match(prediction, answer, options):
    said, right = word_set(prediction), word_set(answer)
    wrong = set().union(*(word_set(o) - right for o in options if word_set(o) != right))
    return bool(said) and right <= said and not said & wrong


def option_letter(prediction, options):
    if prediction.strip().lower() in [o.strip().lower() for o in options]:
        return None
    found = re.match(r"\s*(?:\(([a-z])\)|([a-z])\)|([a-z])\.(?=\s|$)|([a-z])\s*$)", prediction, re.I)
    index = "abcdefghijklmnopqrstuvwxyz".index(next(g for g in found.groups() if g).lower()) if found else None
    return index if index is not None and index < len(options) else None


def muchomusic(prediction, options):
    answer = re.sub(r"(?s).*The correct answer is:", "", prediction).strip()
    letters = sorted(set(answer) & set("ABCD"))
    if len(letters) == 1:
        return "ABCD".index(letters[0])
    return next((i for i, o in enumerate(options) if o.lower().strip() in answer.lower()), None)


def air_bench(prediction):
    text = prediction.strip().replace("\n", "")
    if text in ("", "None"):
        return None
    found = re.match(r"[A-D]", text) or re.search(r"[A-D](?=.\Z)", text)
    return "ABCD".index(found[0]) if found else None


def reasoning(prediction, reference):
    said = re.findall(r"(?is)<conclusion>(.*?)(?:</conclusion>|\Z)", prediction)
    said = (said[-1] if said else prediction).strip()
    right = re.fullmatch(r"\((.)\) (.*)", reference)
    leading = option_letter(said, [""] * 26)
    inside = {x.lower() for x in re.findall(r"\(([A-Za-z])\)", said)}
    if leading is None and len(inside) == 1:
        leading = ord(inside.pop()) - ord("a")
    if leading is not None:
        return leading == ord(right[1].lower()) - ord("a")
    return re.sub(r"\.$", "", said.lower()).strip() == right[2].lower()


def lmms(prediction):
    for c in ",.!?;:'":
        prediction = prediction.strip(c)
    text = f" {prediction} "
    for form in ("({})", " {} ", "{}."):
        found = [x for x in "ABCD" if form.format(x) in text]
        if found:
            return "ABCD".index(max(found, key=lambda x: text.rfind(f" {x} ")))
    return None


def choices():
    for number in range(240):
        options = []
        while len(options) < R.choice([2, 4, 4, 4, 5]):
            option = phrase()
            options += [option] * (option not in options)
        right, said = R.randrange(len(options)), R.randrange(len(options))
        said = right if R.random() < 0.6 else said
        text, letter = options[said], LETTERS[said]
        prediction = R.choice([
            text, text.lower() + ".", f"({letter}) {text}", f"({letter}) {text}".lower(), f"The answer is {text}", letter, letter.lower(),
            f"{letter}. {text}", f"{letter.lower()}) {text}", f"The correct answer is: ({letter}) {text}", f"The answer is {letter}.",
            f"<SUMMARY>(a)</SUMMARY><CONCLUSION>({letter}) {text}</CONCLUSION>", f"<conclusion>I hear {text}, so ({letter.lower()})", "",
            "None", f"{text} or {options[right]}", "a sound", " ".join(R.sample(NOUNS, 3)), f"({letter}) or (A)", f"{letter}é 犬",
        ])
        letter = option_letter(prediction, options)
        mapped = prediction if letter is None else options[letter]
        yield {
            "options": options, "answer": options[right], "prediction": prediction,
            "raw": string_match(prediction, options[right], options), "mapped": string_match(mapped, options[right], options),
            "letter": letter, "muchomusic": muchomusic(prediction, options), "air_bench": air_bench(prediction),
            "reasoning": reasoning(prediction, f"({LETTERS[right]}) {options[right]}"), "lmms": lmms(prediction),
        }


def labels():
    names = ["dog bark", "car_horn", "siren", "street_music", "Jackhammer", "drilling"]
    plain = lambda text: re.sub(r"\.$", "", text.replace("_", " ").strip().lower()).strip()
    has = lambda text, label: re.search(rf"(?<!\w){re.escape(plain(label))}(?!\w)", plain(text)) is not None
    for _ in range(60):
        label, other = R.choice(names), R.choice(names)
        said = R.choice([label, other, plain(label) + ".", f"this is a {plain(label)}", f"{label} and {other}", f"{label}s", label.upper(), ""])
        found = [name for name in names if has(said, name)]
        yield {"names": names, "label": label, "prediction": said, "exact": plain(said) == plain(label), "contained": found == [label]}


def counts():
    for _ in range(40):
        total = R.choice([1, 7, 20, 333, 1000])
        right = R.randint(0, total)
        lost, won = R.randint(0, 40), R.randint(0, 40)
        n, z, p = total, 1.959963984540054, right / total
        middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        tail = sum(math.comb(lost + won, k) for k in range(min(lost, won) + 1))
        yield {
            "right": right, "total": total, "low": max(0.0, (middle - spread) / (1 + z * z / n)),
            "high": min(1.0, (middle + spread) / (1 + z * z / n)), "lost": lost, "won": won,
            "mcnemar": float(min(Fraction(1), Fraction(2 * tail, 2 ** (lost + won)))),
        }


HARD = """A man's dog (barks) "loudly" -- it can't stop... don't [you] think?
It's 3.5 km/h at 10:30 a.m. and 1,000 cars; he said 'hello' and the dogs' bowl
A high-pitched beep – two low‑frequency hums…|Birds chirp.Then wind blows {softly}|Dr. Who vs. St. James
wind blowing in the U.S. The crowd cheers. Plan b.|café naïve Größe 犬の声 ♪ la la ♪|x_y a/b c@d.org|    |A|. . .
It was a low hum. I.|'Stop'"""


def captions():
    base = "a the dog barks loudly while birds sing and man speaks near an engine that hums in the distance then rain falls".split()
    for _ in range(60):
        start = R.randrange(len(base) - 7)
        seed = base[start:start + R.randint(4, 9)]
        vary = lambda: [R.choice(base) if R.random() < 0.3 else word for word in seed]
        say = lambda words: (" ".join(words).capitalize() + R.choice([".", "", " !", ", it's loud."])).replace("and", R.choice(["and", "and,"]))
        candidate = " ".join(vary()[:R.randint(0, 9)])
        yield {"candidate": candidate, "references": [say(vary()) for _ in range(R.choice([1, 3, 5]))]}


def tokenized(texts):
    import pycocoevalcap.tokenizer.ptbtokenizer as ptb
    jar = Path(ptb.__file__).with_name(ptb.STANFORD_CORENLP_3_4_1_JAR)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(texts))
        file.flush()
        command = ["java", "-Dfile.encoding=UTF-8", "-cp", str(jar), "edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase"]
        lines = subprocess.run([*command, file.name], capture_output=True, check=True).stdout.decode().split("\n")
    return [[w for w in line.rstrip().split(" ") if w and w not in ptb.PUNCTUATIONS] for line in lines[:len(texts)]]


def grams(tokens, n):
    return Counter(zip(*(tokens[i:] for i in range(n))))


def cider_d(clips):
    seen = Counter(g for _, refs in clips for g in {g for r in refs for n in (1, 2, 3, 4) for g in grams(r, n)})
    weights = lambda tokens, n: {g: c * (math.log(len(clips)) - math.log(max(1, seen[g]))) for g, c in grams(tokens, n).items()}
    norm = lambda w: math.sqrt(sum(x * x for x in w.values()))
    scores = []
    for candidate, refs in clips:
        total = 0
        for ref in refs:
            delta = max(0, len(candidate) - 1) - max(0, len(ref) - 1)
            for n in (1, 2, 3, 4):
                c, r = weights(candidate, n), weights(ref, n)
                value = sum(min(c[g], r.get(g, 0)) * r.get(g, 0) for g in c)
                total += value / (norm(c) * norm(r) or 1) * math.exp(-delta * delta / 72) / 4
        scores.append(10 * total / len(refs))
    return scores


def bleu(clips):
    length = sum(len(c) for c, _ in clips)
    closest = sum(min((abs(len(r) - len(c)), len(r)) for r in refs)[1] for c, refs in clips)
    logs, scores = 0, []
    for n in (1, 2, 3, 4):
        matched = sum(sum((grams(c, n) & _union(grams(r, n) for r in refs)).values()) for c, refs in clips)
        logs += math.log(matched / sum(max(0, len(c) + 1 - n) for c, _ in clips))
        scores.append(math.exp(logs / n + min(0, 1 - closest / length)))
    return scores


def _union(counters):
    most = Counter()
    for counter in counters:
        most |= counter
    return most


def rouge_l(candidate, refs):
    def common(a, b):
        table = {}
        for i in range(len(a) + 1):
            for j in range(len(b) + 1):
                table[i, j] = 0 if not i or not j else table[i - 1, j - 1] + 1 if a[i - 1] == b[j - 1] else max(table[i - 1, j], table[i, j - 1])
        return table[len(a), len(b)]
    if not candidate:
        return 0.0
    p = max(common(candidate, r) / len(candidate) for r in refs)
    q = max(common(candidate, r) / len(r) for r in refs)
    return (1 + 1.44) * p * q / (q + 1.44 * p) if p and q else 0.0


def main():
    hard = re.split(r"[|\n]", HARD)
    sets = list(captions())
    flat = [text for item in sets for text in [item["candidate"], *item["references"]]]
    tokens = iter(tokenized(hard + flat))
    hard = [{"caption": caption, "tokens": next(tokens)} for caption in hard]
    clips = [(next(tokens), [next(tokens) for _ in item["references"]]) for item in sets]
    for item, score, clip in zip(sets, cider_d(clips), clips):
        item.update(cider_d=score, rouge_l=rouge_l(*clip))
    result = {"choices": list(choices()), "labels": list(labels()), "counts": list(counts()), "tokens": hard, "captions": sets, "bleu": bleu(clips)}
    lines = lambda value: "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in value) + "\n]"
    print("{" + ",\n".join(f'"{key}": {lines(value)}' for key, value in result.items()) + "}")


main()
