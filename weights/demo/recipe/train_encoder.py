"""Stage 1: the encoder learns to name what sounds in every third of a second.

    python train_encoder.py WORK --minutes 40 [--steps N]

Writes WORK/encoder.pt (averaged weights, head, step) every few minutes. The learning rate falls with the
larger of the spent share of steps and of minutes, so a slower machine still ends well.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inventory import CLASSES
from model import AudioFlamingo2, Config, Htsat
from optim import Schedule
from scenes import STEPS, MelBank, draw, frame_targets, sequence


class FrameHead(nn.Module):
    """What each time step's lower and upper token are asked for in training: class, onset, place, level and pitch.

    The encoder has no absolute positions: asking each token for its own place in the window makes it carry one.
    Level and pitch do not help naming either: asking for them keeps what "louder" and "rising" are about.
    """

    def __init__(self, width: int):
        super().__init__()
        self.out = nn.Linear(2 * width, len(CLASSES) + 2)
        self.place = nn.Linear(2 * width, STEPS)
        self.measure = nn.Linear(2 * width, 2)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        both = torch.cat(tokens.chunk(2, 1), -1)
        y = self.out(both)
        return y[..., :-1], y[..., -1], self.place(both), self.measure(both)


def measures(mel: Tensor) -> tuple[Tensor, Tensor]:
    """Level (10 dB, from the loudest step) and centre of the spectrum (8 mel bins) of each step [B, 32, 2], and their weights.

    The centre counts only where something sounds.
    """
    power = F.adaptive_avg_pool1d(10 ** (mel.transpose(1, 2) / 10), STEPS)
    total = power.sum(1)
    level = torch.log10(total / total.amax(1, keepdim=True)).clamp(-4)
    centre = (power * torch.arange(64.0)[:, None]).sum(1) / total / 8 - 2
    return torch.stack([level, centre], -1), torch.stack([torch.ones_like(level), (level > -2).float()], -1)


def batch(bank: MelBank, rng: np.random.Generator, size: int, dense: float) -> tuple[Tensor, Tensor, Tensor]:
    layouts = [draw(bank, rng, dense) for _ in range(size)]
    mel = np.stack([bank.render(x, rng) for x in layouts])
    active, onsets = zip(*(frame_targets(x) for x in layouts))
    return torch.from_numpy(mel), torch.from_numpy(np.stack(active)), torch.from_numpy(np.stack(onsets))


def distort(mel: Tensor, rng: np.random.Generator) -> Tensor:
    """Per window: a warp of the mel axis, another dynamic range, and in half of them one erased band."""
    out = torch.empty_like(mel)
    for source, target in zip(mel, out):
        at = torch.arange(64.0).mul(rng.uniform(0.93, 1.07)).add(rng.uniform(-1.5, 1.5)).clamp(0, 62.999)
        base = at.long()
        target.copy_(source[:, base].lerp(source[:, base + 1], at - base))
        target.sub_(target.max()).mul_(rng.uniform(0.85, 1.15)).add_(source.max()).clamp_(min=-100)
        if rng.random() < 0.5:
            band, low = rng.integers(1, 9), rng.integers(0, 55)
            target[:, low : low + band] = target.min()
    return out


class Average:
    """The mean of the weights over about `span` steps: what is evaluated and kept."""

    def __init__(self, modules: list[nn.Module], span: int = 150):
        self.live = [p for m in modules for p in m.parameters()]
        self.mean = [p.detach().clone() for p in self.live]
        self.span, self.steps = span, 0

    @torch.no_grad()
    def update(self) -> None:
        self.steps += 1
        torch._foreach_lerp_(self.mean, self.live, 1 / min(self.steps, self.span))

    @torch.no_grad()
    def swap(self) -> None:
        """Exchanges live and mean weights."""
        for live, mean in zip(self.live, self.mean):
            live.data, mean.data = mean.data, live.data


@torch.no_grad()
def evaluate(encoder: Htsat, head: FrameHead, bank: MelBank, windows: int = 48) -> float:
    """Share of events named right (summed scores over the event) in unaugmented windows of six sounds."""
    rng = np.random.default_rng(77)
    layouts = [sequence(bank, rng, 6, augment=False) for _ in range(windows)]
    mel = torch.from_numpy(np.stack([bank.render(x, rng) for x in layouts]))
    scores = torch.cat([head(encoder(m))[0].log_softmax(-1) for m in mel.split(8)])[..., :-1]
    right = total = 0
    for layout, score in zip(layouts, scores):
        for e in layout.events:
            span = slice(int(e.onset * 3.2), max(int(e.onset * 3.2) + 1, int(np.ceil(e.end * 3.2))))
            right += int(score[span].sum(0).argmax()) == e.cls
            total += 1
    return right / total


def save(work: Path, encoder: Htsat, head: FrameHead, step: int) -> None:
    torch.save({"encoder": encoder.state_dict(), "head": head.state_dict(), "step": step}, work / "encoder.pt")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--resume", action="store_true", help="start from the weights in WORK/encoder.pt")
    parser.add_argument("--batch", type=int, default=12)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    rng = np.random.default_rng(2 if args.resume else 1)
    bank, held = MelBank(args.work, "train"), MelBank(args.work, "held", speeds=1)
    model = AudioFlamingo2(Config())
    encoder, head = model.encoder, FrameHead(model.c.width)
    mel, _, _ = batch(bank, rng, 96, 0.5)
    if args.resume:
        saved = torch.load(args.work / "encoder.pt")
        encoder.load_state_dict(saved["encoder"])
        shapes = {name: value.shape for name, value in head.state_dict().items()}
        fitting = {name: value for name, value in saved["head"].items() if shapes.get(name) == value.shape}
        head.load_state_dict(fitting, strict=False)  # another list of classes starts with a fresh output
    else:
        encoder.bn0.running_mean.copy_(mel.mean((0, 1)))
        encoder.bn0.running_var.copy_(mel.var((0, 1)))
    schedule, average = Schedule([encoder, head]), Average([encoder, head])
    began, shown, running = time.time(), time.time(), 0.0
    for step in range(args.steps):
        progress = max(step / args.steps, (time.time() - began) / 60 / args.minutes)
        if progress >= 1:
            break
        mel, active, onsets = batch(bank, rng, args.batch, 0.75)
        mel = distort(mel, rng)
        logits, onset, place, measure = head(encoder(mel))
        frames = F.cross_entropy(logits.flatten(0, 1), active.flatten(0, 1), label_smoothing=0.02)
        loss = frames + 0.3 * F.binary_cross_entropy_with_logits(onset, onsets, pos_weight=torch.tensor(3.0))
        places = F.cross_entropy(place.flatten(0, 1), torch.arange(STEPS).repeat(len(place)))
        wanted, weight = measures(mel)
        measured = (F.smooth_l1_loss(measure, wanted, reduction="none", beta=0.2) * weight).mean()
        loss = loss + 0.15 * places + 0.5 * measured
        loss.backward()
        schedule.step(progress)
        average.update()
        running = frames.item() if not running else 0.98 * running + 0.02 * frames.item()
        if time.time() - shown > 180:
            shown = time.time()
            average.swap()
            scores = evaluate(encoder, head, bank), evaluate(encoder, head, held)
            print(f"step {step} {progress:.3f} loss {running:.3f} place {places.item():.2f} measure {measured.item():.3f} train {scores[0]:.3f} held {scores[1]:.3f}", flush=True)
            save(args.work, encoder, head, step)
            average.swap()
    average.swap()
    save(args.work, encoder, head, step)
    print(f"{step} steps of {args.batch} windows in {(time.time() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
