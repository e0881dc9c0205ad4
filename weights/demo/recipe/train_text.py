"""Stages 2 to 4: question answering on one window, long audio, and a last stretch with rounded weights.

    python train_text.py WORK --minutes 20 [--steps N]

The encoder is frozen: its tokens of a pool of windows are computed once. Reads WORK/encoder.pt and
WORK/lang_encoder, writes WORK/model.pt.
"""

import argparse
import contextlib
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import scenes
from inventory import CLASSES, NAMES
from model import AudioFlamingo2, Config, Htsat
from optim import Schedule
from quantise import Quantised
from questions import Heard, Question, ask
from scenes import STEPS, Layout, MelBank
from text import Text
from train_encoder import distort, measures

QUESTIONS = 6  # per recording
LONG = 0.5  # share of batches about long recordings
NOISE = 0.2  # of the cached tokens' own deviation: a pool of windows is small, and its tokens alone would be learnt by heart
RENEW_EVERY, RENEWED = 300, 480  # steps, and windows of the pool that others replace then
CHOICE = 0.35  # share of batches that hold multiple choice alone: their prompts are three times as long
PLACES = 16  # parts of a recording that the memory must tell apart
RANKS = 5  # sounds before or after one that it must count
LONGEST = 12  # windows of a training recording
WEIGHT = {
    "yes or no": 2.0, "before or after": 2.5, "first or last": 3.0, "what follows": 2.0, "count": 1.6,
    "start, middle or end": 2.2, "when": 3.0, "how many sounds": 1.5, "describe": 0.6, "family": 0.4, "speaking": 0.5,
    "which of two": 4.0, "louder": 4.0, "rising or falling": 5.0,
}  # fmt: skip


@dataclass
class Window:
    """Cached encoder tokens [64, D] with what can be heard, and how far the pitch of each step moved [32], where it is known."""

    tokens: Tensor
    heard: list[Heard]
    moved: Tensor = field(default_factory=lambda: torch.full((32,), torch.nan))


def heard(layout: Layout, offset: float = 0.0) -> list[Heard]:
    events = sorted(layout.events, key=lambda e: e.onset)
    return [Heard(e.cls, offset + e.onset, offset + e.end, e.loud, scenes.LOW_TO_HIGH.index(e.variant)) for e in events]


def pool_layout(bank: MelBank, rng: np.random.Generator) -> Layout:
    kind = rng.random()
    if kind < 0.06:
        return scenes.with_bed(rng, Layout())
    if kind < 0.26:
        return scenes.single(bank, rng, True)
    if kind < 0.39:
        return scenes.repeats(bank, rng, True)
    if kind < 0.53:
        return scenes.glide(bank, rng, True)
    if kind < 0.58:
        return scenes.overlay(bank, rng, True)
    return scenes.sequence(bank, rng, int(rng.choice((2, 2, 3, 3, 4, 5))), True)


def pitch_moves(mel: Tensor) -> Tensor:
    """Centre of the spectrum [B, 32] beside that of the three seconds before; nan where nothing sounds now or then."""
    values, weights = measures(mel)
    centre, sounding = values[..., 1], weights[..., 1]
    past = F.pad(torch.stack([centre * sounding, sounding], 1), (10, 0)).unfold(2, 9, 1)[:, :, :STEPS].sum(-1)
    moves = centre - past[:, 0] / past[:, 1]
    return torch.where((sounding > 0) & (past[:, 1] > 0), moves, torch.nan)


@torch.no_grad()
def build_pool(encoder: Htsat, bank: MelBank, rng: np.random.Generator, size: int, distorted: bool) -> tuple[list[Window], Tensor]:
    """`size` windows and their frame targets [size, 32, classes + 1]; empty windows are of any loudness.

    Distorted as in the encoder's training, what it learnt from sounds less certain to it: so do sources that it never met.
    """
    windows, targets = [], []
    for _ in range(0, size, 8):
        layouts = [pool_layout(bank, rng) for _ in range(8)]
        mels = [bank.render(x, rng) - (0 if x.events else rng.uniform(0, 70)) for x in layouts]
        mel = torch.from_numpy(np.stack(mels).clip(-100).astype(np.float32))
        mel = distort(mel, rng) if distorted else mel
        windows += [Window(t.half(), heard(x), m) for t, x, m in zip(encoder(mel), layouts, pitch_moves(mel))]
        targets += [torch.from_numpy(scenes.frame_targets(x)[0]) for x in layouts]
    return windows, torch.stack(targets)


def compose(pool: list[Window], rng: np.random.Generator, count: int) -> Window:
    """A recording of `count` windows with at most five sounds, all distinct and well apart."""
    order, chosen, seen, total = rng.permutation(len(pool)), [], set(), 0
    quiet = rng.integers(0, count) if count > 1 else 0
    for i in order:
        if len(chosen) == count:
            break
        w = pool[i]
        classes = [h.cls for h in w.heard]
        fits = len(set(classes)) == len(classes) and not seen & set(classes) and total + len(classes) <= 5
        wanted = not classes if quiet > 0 and len(chosen) >= count - quiet else bool(classes) or total >= 4
        if fits and (wanted or total + 1 > 4):
            chosen.append(w)
            seen |= set(classes)
            total += len(classes)
    while len(chosen) < count:
        chosen.append(next(pool[i] for i in order if not pool[i].heard))
    chosen = [chosen[k] for k in rng.permutation(count)]
    moved = [replace(h, onset=h.onset + 10 * k, end=h.end + 10 * k) for k, w in enumerate(chosen) for h in w.heard]
    return Window(torch.cat([w.tokens for w in chosen]), moved, torch.cat([w.moved for w in chosen]))


def select(rng: np.random.Generator, found: list[Question], count: int) -> list[Question]:
    weights = np.array([WEIGHT.get(q.kind, 1.0) for q in found])
    return [found[i] for i in rng.choice(len(found), count, p=weights / weights.sum(), replace=len(found) < count)]


def draw_questions(rng: np.random.Generator, windows: list[Window]) -> list[tuple[Window, list[Question]]]:
    """Windows with questions about them: either only multiple choice or none of it, so that little is padded."""
    choice = rng.random() < CHOICE
    pairs = []
    for w in windows:
        found = [q for _ in range(1 + choice) for q in ask(rng, w.heard, len(w.tokens) / 6.4)]
        found = [q for q in found if (q.kind == "multiple choice") == choice]
        if found:
            pairs.append((w, found if choice else select(rng, found, QUESTIONS)))
    return pairs


def pack(text: Text, questions: list[list[Question]]) -> tuple[Tensor, Tensor]:
    """ids and targets [B, K, L]; targets are -100 outside the answers and shifted by one."""
    rows = [[(text.prompt(q.text), text.answer(q.answer)) for q in asked] for asked in questions]
    length = max(len(p) + len(a) for row in rows for p, a in row)
    ids = torch.full((len(rows), len(rows[0]), length), text.pad)
    targets = torch.full_like(ids, -100)
    for b, row in enumerate(rows):
        for k, (p, a) in enumerate(row):
            ids[b, k, : len(p) + len(a)] = torch.tensor(p + a)
            targets[b, k, len(p) - 1 : len(p) + len(a) - 1] = torch.tensor(a)
    return ids, targets


def exact(model: AudioFlamingo2, text: Text, window: Window, questions: list[Question]) -> list[bool]:
    """Whether the greedy answer to each question would be word for word the true one."""
    with torch.no_grad():
        ids, targets = pack(text, [questions])
        best = model.logits(model.decoder(ids, model.memory(window.tokens.float()[None])))[0].argmax(-1)
    return ((best == targets[0]) | (targets[0] < 0)).all(-1).tolist()


def noisy(windows: list[Window]) -> Tensor:
    """Their tokens [B, T, D] as a training step sees them."""
    tokens = torch.stack([w.tokens for w in windows]).float()
    return tokens + NOISE * tokens.std() * torch.randn_like(tokens)


class MemoryHead(nn.Module):
    """What the memory is asked for besides the answers; used in training only.

    Of every token its place in the recording, coarse and as a number, and its window: rotary positions are relative, and nothing
    but a loss on the place itself makes the memory say it. Of the tokens of a sound how many came before it, how many follow, and how
    its pitch moved. Answers depend on all of these, but teach them slowly.
    """

    def __init__(self, width: int):
        super().__init__()
        self.part, self.window, self.place = nn.Linear(width, PLACES), nn.Linear(width, LONGEST), nn.Linear(width, 1)
        self.before, self.after, self.moved = nn.Linear(width, RANKS), nn.Linear(width, RANKS), nn.Linear(width, 1)

    def place_loss(self, memory: Tensor) -> Tensor:
        """memory [B, T, D] of whole windows: 32 steps of the lower half, then of the upper half."""
        count = memory.shape[1] // 64
        window = torch.arange(count).repeat_interleave(64)
        at = (window + torch.arange(64).remainder(32).add(0.5).div(32).repeat(count)) / count
        part = (at * PLACES).long().repeat(len(memory))
        flat = memory.flatten(0, 1)
        loss = F.cross_entropy(self.part(flat), part)
        loss = loss + 10 * F.mse_loss(self.place(flat)[:, 0], at.repeat(len(memory)))
        return loss + F.cross_entropy(self.window(flat), window.repeat(len(memory))) if count > 1 else loss

    def order_loss(self, memory: Tensor, windows: list[Window]) -> Tensor:
        """memory [B, T, D] of these windows."""
        before, after = (torch.stack(ranks) for ranks in zip(*(order_of(w) for w in windows)))
        loss = memory.new_zeros(())
        for head, ranks in ((self.before, before), (self.after, after)):
            sounding = ranks >= 0
            if sounding.any():
                loss = loss + F.cross_entropy(head(memory[sounding]), ranks[sounding])
        moved = torch.stack([w.moved for w in windows]).unflatten(1, (-1, 1, 32)).expand(-1, -1, 2, -1).flatten(1)
        known = ~moved.isnan()
        if known.any():
            loss = loss + 3 * F.smooth_l1_loss(self.moved(memory[known])[:, 0], moved[known], beta=0.2)
        return loss


def order_of(window: Window) -> tuple[Tensor, Tensor]:
    """How many sounds came before, and how many follow, that of each token [T]; -1 where nothing sounds."""
    count = len(window.tokens) // 64
    before, after = (torch.full((count, 2, 32), -1) for _ in range(2))
    for i, h in enumerate(window.heard):
        for step in range(int(h.onset * 3.2), min(32 * count, max(int(h.onset * 3.2) + 1, round(h.end * 3.2)))):
            before[step // 32, :, step % 32] = min(i, RANKS - 1)
            after[step // 32, :, step % 32] = min(len(window.heard) - 1 - i, RANKS - 1)
    return before.flatten(), after.flatten()


@torch.no_grad()
def start_from_detector(model: AudioFlamingo2, text: Text, pool: list[Window], targets: Tensor) -> None:
    """Starts one cross-attention head of two layers as a class detector.

    A ridge regression from audio memory to frame labels gives a class code per token. The head's keys and values
    are that code, its query at a noun is the noun's class, and its output is the noun's embedding.
    """
    for layer in model.audio_transformer_clap.layer_stack:
        layer.slf_attn.fc.weight.mul_(0.1)
        layer.pos_ffn.w_2.weight.mul_(0.1)
    memory = torch.cat([model.memory(torch.stack([w.tokens.float() for w in pool[i : i + 64]])) for i in range(0, 1024, 64)])
    x = memory.flatten(0, 1)
    y = targets[: len(memory), :, :-1].repeat(1, 2, 1).flatten(0, 1)
    x0, y0 = x - x.mean(0), y - y.mean(0)
    code = torch.linalg.solve(x0.T @ x0 + 30 * torch.eye(x.shape[1]), x0.T @ y0).T  # [classes, D]
    nouns = model.decoder.embed_tokens.weight[[text.noun(n) for n in NAMES]]
    query = torch.linalg.pinv(F.layer_norm(nouns, nouns.shape[1:])).T  # [classes, H]
    count, inner = len(CLASSES), 64 * model.c.xattn_heads
    for layer in (0, 2):
        attn = model.decoder.layers[layer].gated_cross_attn_layer_sound.attn
        for weight in (attn.to_q.weight[:64], attn.to_kv.weight[:64], attn.to_kv.weight[inner : inner + 64]):
            weight.zero_()
        attn.to_kv.weight[:count] = 6 * code
        attn.to_kv.weight[inner : inner + count] = 6 * code
        attn.to_q.weight[:count] = 12 * query
        attn.to_out.weight[:, :64] = 0
        attn.to_out.weight[:, :count] = nouns.T * 0.4


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--resume", action="store_true", help="go on from WORK/model.pt")
    parser.add_argument("--pool", type=int, default=3200)
    parser.add_argument("--seed", type=int, default=2, help="another one gives other windows: those of a run are soon known by heart")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(2)
    rng = np.random.default_rng(args.seed)
    text = Text(args.work / "lang_encoder/tokenizer.json")
    model = AudioFlamingo2(Config(vocab=text.size))
    model.encoder.load_state_dict(torch.load(args.work / "encoder.pt")["encoder"])
    began = time.time()
    bank = MelBank(args.work, "train")
    pool, targets = build_pool(model.encoder, bank, rng, args.pool, True)
    held, _ = build_pool(model.encoder, MelBank(args.work, "held"), np.random.default_rng(9), 160, False)
    print(f"pool of {len(pool)} windows after {(time.time() - began) / 60:.1f} minutes", flush=True)
    if args.resume:
        saved = torch.load(args.work / "model.pt")["model"]
        kept = {name: value for name, value in saved.items() if not name.startswith("clap.")}  # the pool's encoder stays
        model.load_state_dict(kept, strict=False)
    else:
        start_from_detector(model, text, pool, targets)
    rate = 0.75 if args.resume else 1.0
    head = MemoryHead(model.c.width)
    schedule = Schedule([model.audio_transformer_clap, model.decoder, head], muon=0.01 * rate, adam=2e-3 * rate)
    rounded = Quantised([model.decoder], [model.audio_transformer_clap])
    singles = [w for w in pool if len(w.heard) <= 2]
    once = [w for w in held if len(w.heard) <= 2]
    long_held = [compose(once, np.random.default_rng(i), 4 + i % 9) for i in range(48)]
    asked = [("", w, ask(np.random.default_rng(i), w.heard)) for i, w in enumerate(held)]
    asked += [("long: ", w, ask(np.random.default_rng(i), w.heard, len(w.tokens) / 6.4)) for i, w in enumerate(long_held)]
    began = shown = time.time()
    running = placing = ordering = 0.0
    for step in range(args.steps):
        progress = max(step / args.steps, (time.time() - began) / 60 / args.minutes)
        if progress >= 1:
            break
        if step % RENEW_EVERY == RENEW_EVERY - 1:
            fresh, _ = build_pool(model.encoder, bank, rng, RENEWED, True)
            for i, window in zip(rng.choice(len(pool), RENEWED, replace=False), fresh):
                pool[i] = window
            singles = [w for w in pool if len(w.heard) <= 2]
        long = (args.resume or progress > 0.25) and rng.random() < LONG
        if long:
            count = int(rng.choice((2, 3, 4, 6, 8, LONGEST), p=(0.25, 0.2, 0.2, 0.15, 0.1, 0.1)))
            windows = [compose(singles, rng, count) for _ in range(max(2, 16 // count))]
        else:
            windows = [pool[i] for i in rng.integers(len(pool), size=12)]
        pairs = draw_questions(rng, windows)
        ids, labels = pack(text, [questions for _, questions in pairs])
        with rounded if progress > 0.75 else contextlib.nullcontext():
            memory = model.memory(noisy([w for w, _ in pairs]))
            hidden = model.decoder(ids, memory)
            answers = labels >= 0
            loss = F.cross_entropy(model.logits(hidden[answers]), labels[answers])
            ordered = head.order_loss(memory, [w for w, _ in pairs])
            if not long:
                windows = [compose(singles, rng, int(rng.integers(2, LONGEST + 1)))]
                memory = model.memory(noisy(windows))
            placed = head.place_loss(memory)
            (loss + 0.3 * placed + 0.3 * ordered).backward()
        schedule.step(progress)
        running = loss.item() if not running else 0.99 * running + 0.01 * loss.item()
        ordering = ordered.item() if not ordering else 0.98 * ordering + 0.02 * ordered.item()
        placing = placed.item() if not placing else 0.98 * placing + 0.02 * placed.item()
        if time.time() - shown > 150:
            shown = time.time()
            tally: dict[str, list[bool]] = {}
            with rounded:
                for prefix, w, questions in asked:
                    for q, right in zip(questions, exact(model, text, w, questions) if questions else []):
                        tally.setdefault(prefix + q.kind, []).append(right)
            scores = " ".join(f"{kind}={np.mean(v):.2f}" for kind, v in sorted(tally.items()))
            print(f"step {step} {progress:.3f} loss {running:.3f} place {placing:.2f} order {ordering:.2f} held: {scores}", flush=True)
            torch.save({"config": model.c.to_dict(), "model": model.state_dict()}, args.work / "model.pt")
    torch.save({"config": model.c.to_dict(), "model": model.state_dict(), "steps": step}, args.work / "model.pt")
    print(f"{step} steps in {(time.time() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
