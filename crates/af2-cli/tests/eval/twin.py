"""An independent twin of `af2 eval`: data sets in the published layouts, answers, and the figures that the published rules give.

It shares no code with the crate, and works from what the rules say. Regenerate the fixture with
`python3 crates/af2-cli/tests/eval/twin.py > crates/af2-cli/tests/eval/expected.json`.
"""

import csv
import io
import json
import random
from collections import defaultdict

from rules import (
    LABELS,
    MMAU,
    air_bench,
    air_bench_mapped,
    any_reference,
    cider,
    clotho_aqa,
    cmm,
    conclusion,
    exact,
    muchomusic,
    muchomusic_mapped,
    rouge,
    same_text,
    string_match_mapped,
    tokens,
    vocal_sound,
    yes_no,
)

RANDOM = random.Random(17)
NOUNS = "dog cat horse cow truck rain wind piano organ flute siren bell".split()


# --- data sets ---------------------------------------------------------------------------------------------------------------------------


def table(header, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(([header] if header else []) + rows)
    return text.getvalue()


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def item(id, options, answers, groups):
    return {"id": id, "options": options, "answers": answers, "groups": groups}


def phrases(count):
    """Options of two words, in which the article is the trap."""
    return [f"a {noun}" if i % 2 else f"the {noun}" for i, noun in enumerate(RANDOM.sample(NOUNS, count))]


def sayings(item):
    """An answer in one of the forms that models give."""
    options, answer = item["options"], item["answers"][0]
    wrong = RANDOM.choice([option for option in options if option != answer] or ["nothing"])
    right = RANDOM.random() < 0.6
    text = answer if right else wrong
    letter = chr(ord("a") + options.index(text)) if text in options else "z"
    forms = [text, f"({letter}) {text}", f"({letter.upper()}) {text}", f"the answer is {text}", f"{letter})", letter.upper(), f"{letter}.",
             f"The correct answer is: ({letter.upper()}) {text}", f"{text.upper()}.", "something else", "Drums", ""]
    return RANDOM.choice(forms)


CASES = []


def case(benchmark, files, items, rules, predictions=None, mean_over=None, captions=None, more=None):
    predictions = predictions or [(item["id"], sayings(item)) for item in items]
    by_id = dict(predictions)
    figures = {}
    for name, rule in rules.items():
        groups = defaultdict(lambda: [0, 0, 0, 0])
        for item in items:
            if item["id"] not in by_id:
                continue
            right, counted, unanswered = rule(item, by_id[item["id"]])
            for key in [("all", "")] + item["groups"]:
                count = groups["=".join(key)]
                count[0] += right and counted
                count[1] += counted
                count[2] += unanswered
                count[3] += not counted
        figures[name] = dict(groups)
        if mean_over:
            shares = [right / n for key, (right, n, _, _) in groups.items() if key.startswith(mean_over + "=") and n]
            figures[name]["mean"] = sum(shares) / len(shares)
    answers = lines([{"id": id, "prediction": text} for id, text in predictions])
    CASES.append({"benchmark": benchmark, "files": files, "answers": answers, "items": len(items),
                  "answered": len(by_id), "figures": figures, "captions": captions, **(more or {})})


def mmau():
    items, rows = [], []
    for i in range(30):
        options = phrases(RANDOM.choice([2, 4, 4, 4, 5]))
        if i == 7:
            options[1] = "the the " + options[0].split()[1]
            options[0] = "the " + options[0].split()[1]
        task, difficulty = RANDOM.choice(["sound", "music", "speech"]), RANDOM.choice(["easy", "Medium", "hard"])
        answer = options[0] if i == 7 else RANDOM.choice(options)
        rows.append({"id": f"id-{i}", "audio_id": f"./test-mini-audios/id-{i}.wav", "question": f"What is number {i}?", "choices": options,
                     "answer": answer, "dataset": "made", "task": task, "split": "test-mini", "category": "x", "sub-category": "y",
                     "difficulty": difficulty})
        items.append(item(f"id-{i}", options, [answer], [("task", task), ("difficulty", difficulty.lower())]))
    predictions = [(i["id"], sayings(i)) for i in items[:-2]]  # two were not answered, and are left out
    case("mmau", {"mmau-test-mini.json": json.dumps(rows)}, items, MMAU, predictions, "task", more={"ambiguous": 1})


def mmar():
    items, rows = [], []
    for i in range(16):
        options, modality = phrases(4), RANDOM.choice(["sound", "mix-sound-speech"])
        answer = RANDOM.choice(options)
        rows.append({"id": str(i), "audio_path": f"./audio/{i}.wav", "question": f"Which is {i}?", "choices": options, "answer": answer,
                     "modality": modality, "category": "Signal", "sub-category": "z", "language": "en"})
        items.append(item(str(i), options, [answer], [("modality", modality), ("category", "Signal")]))
    case("mmar", {"MMAR-meta.jsonl": lines(rows)}, items, MMAU)


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def muchomusic_set():
    items, rows = [], []
    for i in range(20):
        options, question = [word.capitalize() for word in RANDOM.sample(NOUNS + ["Drums", "Bass"], 4)], f"Who plays {i}?"
        source = RANDOM.choice(["sdd", "musiccaps"])
        identifier = f"{i}.json" if source == "sdd" else f"[abc{i}]-[0-10]_{i}.json"
        rows.append([question, source, identifier, "rock", "['melody', 'harmony']", "[]"] + options)
        order = sorted(options, key=lambda option: fnv(f"{question}\n{option}"))
        groups = [("data set", source), ("genre", "rock"), ("reasoning", "melody"), ("reasoning", "harmony")]
        items.append(item(str(i + 1), order, [options[0]], groups))
    header = ["question", "dataset", "dataset_identifier", "genre", "music_reasoning", "music_knowledge", "correct_answer",
              "distractor_1_answer", "distractor_2_answer", "distractor_3_answer"]
    case("muchomusic", {"muchomusic.csv": table(header, rows)}, items, {"script": muchomusic, "mapped": muchomusic_mapped})


def air():
    items, rows = [], []
    for i in range(24):
        options, task = RANDOM.sample(NOUNS, 4), RANDOM.choice(["Sound_AQA", "Music_AQA"])
        answer = RANDOM.choice(options)
        rows.append({"uniq_id": i, "task_name": task, "dataset_name": "made", "path": f"{i}.wav", "question": f"Is it {i}?",
                     **{f"choice_{letter}": option for letter, option in zip("abcd", options)}, "answer_gt": answer})
        part = f"{task}_made"
        items.append(item(f"{part}/{i}", options, [answer], [("part", part), ("task", task)]))
    rules = {"script, letters": air_bench, "mapped": air_bench_mapped}
    case("air-bench", {"Foundation_meta.json": json.dumps(rows)}, items, rules, mean_over="part")


def manifest(name, entries):
    data = {str(i): {"name": f"{i}.wav", "prompt": prompt, "output": output, "duration": 5.0} for i, (prompt, output) in enumerate(entries)}
    return json.dumps({"split": "test", "split_path": "clips", "flamingo_task": name, "total_num": len(data), "data": data})


def reasoning():
    files, items = {}, []
    for part in ["AQA_MCQ", "Classification_mini"]:
        entries = []
        for i in range(10):
            options = RANDOM.sample(NOUNS, 4)
            at = RANDOM.randrange(4)
            listed = " ".join(f"({letter}) {option}." for letter, option in zip("ABCD", options))
            entries.append((f"Where is it? {listed} Output the answer with tags.", f"({'ABCD'[at]}) {options[at]}"))
            items.append(item(f"{part}#{i}", [], [entries[-1][1]], [("part", part)]))
        files[f"{part}.json"] = manifest(part, entries)
    said = []
    for one in items:
        reference = one["answers"][0].lower()
        said.append((one["id"], RANDOM.choice([f"<SUMMARY>x</SUMMARY> <CONCLUSION>{reference}</CONCLUSION>", reference, reference[4:] + ".",
                                               "<conclusion>(a) nothing</conclusion>", "who knows"])))
    case("af-reasoning", files, items, {"conclusion": conclusion}, said, "part")


def clotho_aqa_set():
    items, rows, said = [], [], []
    for i in range(16):
        kind = i % 4
        answers = [["yes"] * 3, ["yes", "no", "no"], ["dog", "cat", "dog"], ["two", "two", "3"]][kind]
        subset = [["unanimous"], ["yes or no, disputed"], ["non-binary"], ["non-binary", "numerical"]][kind]
        question = f"Is it {i}?"
        rows += [[f"{i}.wav", question, answer, "yes"] for answer in answers]
        items.append(item(f"{i}.wav: {question}", [], answers, [("subset", name) for name in subset]))
        said.append((items[-1]["id"], RANDOM.choice(["Yes.", "no", "dog", "Cat!", "3", "two", "a dog"])))
    header = ["file_name", "QuestionText", "answer", "confidence"]
    case("clotho-aqa", {"clotho_aqa_test.csv": table(header, rows)}, items, {"annotators": clotho_aqa}, said)


def cmm_set():
    items, rows, said = [], [], []
    for i in range(20):
        audio, answer = i % 5 != 4, RANDOM.choice(["yes", "no"])
        category, level = RANDOM.choice(["audio-language", "language_dominance"]), RANDOM.choice(["object-level", "event-level"])
        rows.append({"category": "c", "sub_category": category, "modality": "audio" if audio else "visual", "granularity": level,
                     "video_path": None, "audio_path": f"./raw/{i}.wav" if audio else None, "answer": answer,
                     "question": f"Did you hear {i} in the audio? Answer with yes or no."})
        if audio:
            groups = [("answer", answer), ("sub-category", category), ("granularity", level)]
            items.append(item(str(i + 1), ["yes", "no"], [answer], groups))
            said.append((str(i + 1), RANDOM.choice(["Yes, it is", "no", "Noise is heard", "It is, yes", "No."])))
    rules = {"script, five characters": cmm, "first word": yes_no}
    case("cmm", {"all_data_final_reorg.json": json.dumps(rows)}, items, rules, said)


def entailment():
    for benchmark, name in [("entailment-clotho", "clotho_entailment_evaluation"), ("entailment-audiocaps", "audiocaps_entailment_test")]:
        labels, items, rows = ["entailment", "neutral", "contradiction"], [], []
        for i in range(5):
            rows.append(["", "made", f"{i}.wav", "['a', 'b']", f"A dog {i}.", f"A cat {i}.", f"No dog {i}.", ""])
            items += [item(f"{i + 1}/{label}", labels, [label], [("class", label)]) for label in labels]
        header = ["Prompt", "Dataset", "Audio file", "Caption", "Entailment", "Neutral", "Contradiction", "Full response"]
        case(benchmark, {f"{name}.csv": table(header, rows)}, items, {**LABELS, "string match, mapped": string_match_mapped})


def classes(benchmark, labels, names, files=None, more_rules=None, mean_over=None):
    """`names`: (id, label, labels, more groups)."""
    items = [item(id, labels or own, [answer], [("label", answer)] + groups) for id, answer, own, groups in names]
    case(benchmark, files or {}, items, {**LABELS, **(more_rules or {})}, mean_over=mean_over)
    CASES[-1]["audio"] = sorted({one["id"] for one in items}) if not files or benchmark == "vocalsound" else []


def classification():
    genres = "blues classical country disco hiphop jazz metal pop reggae rock".split()
    classes("gtzan", genres, [(f"genres/{g}/{g}.0000{n}.wav", g, None, []) for g in genres for n in range(2)])
    scenes = ("bus cafe car crowdedindoor elevator kitchen park residentialarea restaurant restroom street subway subwaystation").split()
    classes("cochlscene", scenes, [(f"Test/{s.upper()}/{s}_user_{n}.wav", s, None, []) for s in scenes for n in range(1)])
    rows, names = [], []
    categories = ["dog", "rain", "sea_waves", "crying_baby", "clock_tick"]
    for i in range(15):
        category = categories[i % 5]
        rows.append([f"1-{i}-A-0.wav", "1", str(i % 5), category, "True", str(i), "A"])
        names.append((f"audio/1-{i}-A-0.wav", category.replace("_", " "), None, []))
    header = ["filename", "fold", "target", "category", "esc10", "src_file", "take"]
    spaced = sorted(category.replace("_", " ") for category in categories)
    classes("esc50", spaced, names, {"meta/esc50.csv": table(header, rows)})
    sounds = ["cough", "breath", "screaming", "laugh", "sneeze", "yawn", "crying"]
    rows = [[f"{i}.wav", "0", "1", "2", sounds[i % 7].capitalize(), "5", "6", "7"] for i in range(14)]
    header = ["Filename", "Duration", "Author", "Title", "Classname", "Source", "License", "Url"]
    names = [(f"test/{i}.wav", sounds[i % 7], None, []) for i in range(14)]
    classes("nonspeech7k", sounds, names, {"metadata of test set.csv": table(header, rows)})
    labels = ["laughter", "sigh", "cough", "throat clearing", "sneeze", "sniff"]
    names = [(f"data_44k/f000{n}_0_{l.replace(' ', '')}.wav", l, None, []) for n in range(2) for l in labels]
    files = {"meta/te_meta.csv": table(None, [["f0000", "f", "20"], ["f0001", "m", "30"]])}
    classes("vocalsound", labels, names, files, {"lmms-eval": vocal_sound})
    urban = ["air conditioner", "car horn", "children playing", "dog bark", "drilling", "engine idling", "gun shot", "jackhammer", "siren",
             "street music"]
    rows = [[f"{i}-3-0-0.wav", i, 0, 4, 1, i % 3 + 1, i, urban[i].replace(" ", "_")] for i in range(10)]
    header = ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]
    names = [(f"audio/fold{i % 3 + 1}/{i}-3-0-0.wav", urban[i], None, []) for i in range(10)]
    classes("urbansound8k", urban, names, {"metadata/UrbanSound8K.csv": table(header, rows)})
    families = ["bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "synth lead", "vocal"]
    sources, notes, names = ["acoustic", "electronic", "synthetic"], {}, []
    for i in range(11):
        family, source = families[i], sources[i % 3]
        note = f"note_{i:03}"
        notes[note] = {"instrument_family_str": family.replace(" ", "_"), "instrument_source_str": source, "pitch": 60, "velocity": 75}
        names.append((f"{note}/instrument", family, families, [("question", "instrument")]))
        names.append((f"{note}/source", source, sources, [("question", "source")]))
    classes("nsynth", None, names, {"nsynth-test/examples.json": json.dumps(notes)}, mean_over="question")
    instruments = ["clarinet", "flute", "distorted electric guitar", "trumpet", "violin", "piano", "female singer", "tenor saxophone"]
    rows = [["test" if i < 12 else "training", instruments[i % 8], i % 8, 0, f"uuid{i}"] for i in range(16)]
    names = [(f"audio/Medley-solos-DB_test-{i % 8}_uuid{i}.wav", instruments[i % 8], None, []) for i in range(12)]
    header = ["subset", "instrument", "instrument_id", "song_id", "uuid4"]
    classes("medley-solos-db", instruments, names, {"Medley-solos-DB_metadata.csv": table(header, rows)})
    emotions = {"ANG": "angry", "DIS": "disgusted", "FEA": "fearful", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
    names = [(f"AudioWAV/100{n}_DFA_{code}_XX.wav", emotion, None, []) for n in range(2) for code, emotion in emotions.items()]
    classes("crema-d", list(emotions.values()), names)
    emotions = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgusted", "surprised"]
    names = [(f"audio/Actor_01/03-01-0{i + 1}-01-02-01-01.wav", emotion, None, []) for i, emotion in enumerate(emotions)]
    classes("ravdess", emotions, names)


def caption():
    verbs = "barks rings plays passes blows".split()
    return f"a {RANDOM.choice(NOUNS)} {RANDOM.choice(verbs)} while the {RANDOM.choice(NOUNS)} {RANDOM.choice(verbs)} loudly"


def captions():
    sets = {"audiocaps": [], "clotho": [], "musiccaps": []}
    for name, rows in sets.items():
        rows += [(f"clip{i}", [caption() for _ in range(1 if name == "musiccaps" else 5)]) for i in range(12)]
    audiocaps = [[i * 5 + n, clip, 30, text] for i, (clip, all_of) in enumerate(sets["audiocaps"]) for n, text in enumerate(all_of)]
    files = {
        "audiocaps": {"test.csv": table(["audiocap_id", "youtube_id", "start_time", "caption"], audiocaps)},
        "clotho": {"clotho_captions_evaluation.csv": table(
            ["file_name"] + [f"caption_{n}" for n in range(1, 6)], [[f"{clip}.wav"] + all_of for clip, all_of in sets["clotho"]])},
        "musiccaps": {"musiccaps-public.csv": table(
            ["ytid", "start_s", "end_s", "audioset_positive_labels", "aspect_list", "caption", "author_id", "is_balanced_subset",
             "is_audioset_eval"], [[clip, 30, 40, "", "", all_of[0], 1, "False", "True"] for clip, all_of in sets["musiccaps"]]
            + [["other", 0, 10, "", "", "not in the set", 1, "False", "False"]])},
    }
    for name, rows in sets.items():
        id = lambda clip: f"{clip}.wav" if name == "clotho" else clip
        said = [(id(clip), RANDOM.choice([all_of[0], caption(), " ".join(all_of[0].split()[:4])])) for clip, all_of in rows]
        clips = [(tokens(text), [tokens(reference) for reference in all_of]) for (_, text), (_, all_of) in zip(said, rows)]
        expected = {"n": len(rows), "documents": len(rows), "cider_d": cider(clips), "rouge_l": rouge(clips)}
        case(name, files[name], [item(id(clip), [], all_of, []) for clip, all_of in rows], {}, said, captions=expected)


def manifests():
    entries = [(f"this is sound {i} of", RANDOM.choice(["a dog", "the cat", "rain"])) for i in range(10)]
    items = [item(f"Made-Task/test#{i}", [], [output], [("task", "Made-Task")]) for i, (_, output) in enumerate(entries)]
    said = [(one["id"], RANDOM.choice(["a dog.", "the cat", "Rain", "a"])) for one in items]
    files = {"Made-Task/test.json": manifest("Made-Task", entries)}
    case("manifest", files, items, {"exact": exact, "any reference": any_reference}, said)
    # The same answers as an inference.jsonl of the original: by file and prompt.
    rows = [{"path": f"/data/clips/{i}.wav", "prompt": f"<audio>{prompt}", "output": said[i][1]} for i, (prompt, _) in enumerate(entries)]
    CASES.append({**CASES[-1], "answers": lines(rows)})


def scenes():
    rows, items = [], []
    for i in range(6):
        kind = ["single", "long"][i % 2]
        nouns = [NOUNS[i], NOUNS[i + 1]]
        questions = [{"kind": "identify", "question": "what is this sound?", "answer": f"it is a {nouns[0]}", "about": nouns[0], "reference": None},
                     {"kind": "yes or no", "question": f"is there a {nouns[1]}?", "answer": "no", "about": None, "reference": "no"}]
        rows.append({"file": f"{i}.wav", "set": "new mixes", "kind": kind, "seconds": 10.0, "events": [], "questions": questions})
        prefix = "long: " if kind == "long" else ""
        items += [item(f"{i}.wav#{n}", [], [q["answer"]], [("new mixes", prefix + q["kind"])]) for n, q in enumerate(questions)]
    said = [(one["id"], RANDOM.choice([one["answers"][0], "yes", "it is"])) for one in items]
    case("demo", {"questions.jsonl": lines(rows)}, items, {"same text": same_text}, said, more={"controls": 12})


mmau()
mmar()
muchomusic_set()
air()
reasoning()
clotho_aqa_set()
cmm_set()
entailment()
classification()
captions()
manifests()
scenes()
print("[\n" + ",\n".join(json.dumps(case) for case in CASES) + "\n]")
