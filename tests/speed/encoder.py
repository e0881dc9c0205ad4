"""How long PyTorch takes for a window of audio at a model's size: python encoder.py MODEL THREADS

MODEL is a converted model; only its config.json is read, weights are random, in float32. One JSON object: seconds of a window, and the
multiply-accumulates of its matrices. Work and order are those of the engines: log-mel, image, HTSAT with shifted windows, audio transformer, keys
and values of every cross-attention block. HTSAT as in the original's `HTSAT_Swin_Transformer`, attention as PyTorch offers it.
"""

import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLES, WINDOW, TOKENS = 160_000, 8, 64
HTSAT_EPS, TRANSFORMER_EPS = 1e-5, 1e-6


class Linear(nn.Linear):
    """Counts the multiply-accumulates of all calls."""

    total = 0

    def forward(self, x: Tensor) -> Tensor:
        Linear.total += x.numel() * self.out_features
        return super().forward(x)


class Attention(nn.Module):
    """Attention inside windows of 8 × 8 tokens with relative position bias."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, Linear(width, 3 * width), Linear(width, width)
        self.table = nn.Parameter(torch.randn((2 * WINDOW - 1) ** 2, heads))
        y, x = (torch.arange(WINDOW**2).div(WINDOW, rounding_mode="floor"), torch.arange(WINDOW**2) % WINDOW)
        apart = [axis[:, None] - axis[None] + WINDOW - 1 for axis in (y, x)]
        self.place = apart[0] * (2 * WINDOW - 1) + apart[1]

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        windows, tokens, width = x.shape
        q, k, v = self.qkv(x).view(windows, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        bias = self.table[self.place].permute(2, 0, 1)[None]
        bias = bias if mask is None else bias + mask[:, None]
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.proj(attended.transpose(1, 2).reshape(windows, tokens, width))


class Block(nn.Module):
    def __init__(self, side: int, width: int, heads: int, inner: int, shift: int):
        super().__init__()
        self.side, self.shift, self.attention = side, shift, Attention(width, heads)
        self.norm1, self.norm2 = nn.LayerNorm(width, HTSAT_EPS), nn.LayerNorm(width, HTSAT_EPS)
        self.fc1, self.fc2 = Linear(width, inner), Linear(inner, width)
        self.mask = shift_mask(side, shift) if shift else None

    def forward(self, x: Tensor) -> Tensor:
        side, width, per_side = self.side, x.shape[-1], self.side // WINDOW
        y = torch.roll(self.norm1(x).view(side, side, width), (-self.shift, -self.shift), (0, 1)) if self.shift else self.norm1(x)
        y = y.view(per_side, WINDOW, per_side, WINDOW, width).transpose(1, 2).reshape(-1, WINDOW**2, width)
        y = self.attention(y, self.mask).view(per_side, per_side, WINDOW, WINDOW, width).transpose(1, 2).reshape(side, side, width)
        y = torch.roll(y, (self.shift, self.shift), (0, 1)) if self.shift else y
        x = x + y.view(side * side, width)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


def shift_mask(side: int, shift: int) -> Tensor:
    """-100 between tokens that were no neighbours before the roll."""
    label = (torch.arange(side) >= side - WINDOW).int() + (torch.arange(side) >= side - shift).int()
    region = (3 * label[:, None] + label[None]).view(side // WINDOW, WINDOW, side // WINDOW, WINDOW).transpose(1, 2).reshape(-1, WINDOW**2)
    return torch.where(region[:, :, None] == region[:, None], 0.0, -100.0)


class Merging(nn.Module):
    def __init__(self, side: int, width: int):
        super().__init__()
        self.side, self.norm, self.reduction = side, nn.LayerNorm(4 * width, HTSAT_EPS), Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(self.side, self.side, -1)
        x = torch.cat([x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]], -1)
        return self.reduction(self.norm(x.view(self.side**2 // 4, -1)))


class AudioLayer(nn.Module):
    """A post-norm layer whose heads are half rotated."""

    def __init__(self, width: int, heads: int, inner: int):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.fc = (Linear(width, width, bias=False) for _ in range(4))
        self.w_1, self.w_2 = Linear(width, inner), Linear(inner, width)
        self.norm1, self.norm2 = nn.LayerNorm(width, TRANSFORMER_EPS), nn.LayerNorm(width, TRANSFORMER_EPS)
        rotated = width // heads // 2
        angles = torch.arange(TOKENS)[:, None] * 4096 ** (-torch.arange(0, rotated, 2) / rotated)
        self.cos, self.sin, self.rotated = angles.repeat(1, 2).cos(), angles.repeat(1, 2).sin(), rotated

    def rotate(self, x: Tensor) -> Tensor:
        a, rest = x[..., : self.rotated], x[..., self.rotated :]
        low, high = a.chunk(2, -1)
        return torch.cat((a * self.cos + torch.cat((-high, low), -1) * self.sin, rest), -1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (linear(x).view(len(x), self.heads, -1).transpose(0, 1) for linear in (self.q, self.k, self.v))
        attended = F.scaled_dot_product_attention(self.rotate(q)[None], self.rotate(k)[None], v[None])[0]
        x = self.norm1(self.fc(attended.transpose(0, 1).reshape(x.shape)) + x)
        return self.norm2(self.w_2(F.relu(self.w_1(x))) + x)


class Listener(nn.Module):
    """From samples to the keys and values of every cross-attention block."""

    def __init__(self, config: dict):
        super().__init__()
        encoder, audio, cross = config["encoder"], config["audio_transformer"], config["cross_attention"]
        width, side = encoder["embed_dim"], 64
        self.register_buffer("hann", torch.hann_window(1024))
        self.register_buffer("mels", torch.rand(513, 64))
        self.bn = nn.BatchNorm1d(64)
        self.embed, self.embed_norm = nn.Conv2d(1, width, 4, 4), nn.LayerNorm(width, HTSAT_EPS)
        layers: list[nn.Module] = []
        for stage, (depth, heads, inner) in enumerate(zip(encoder["depths"], encoder["num_heads"], encoder["mlp_dims"], strict=True)):
            shifts = [WINDOW // 2 if block % 2 and side > WINDOW else 0 for block in range(depth)]
            layers += [Block(side, width, heads, inner, shift) for shift in shifts]
            if stage + 1 < len(encoder["depths"]):
                layers.append(Merging(side, width))
                side, width = side // 2, 2 * width
        self.swin, self.norm = nn.Sequential(*layers), nn.LayerNorm(width, HTSAT_EPS)
        self.audio_norm = nn.LayerNorm(width, TRANSFORMER_EPS)
        self.audio = nn.Sequential(*(AudioLayer(width, audio["n_head"], audio["d_inner"]) for _ in range(audio["n_layers"])))
        blocks = config["text"]["num_hidden_layers"] // cross["every_n_layers"]
        kv = 2 * cross["num_heads"] * cross["head_dim"]
        self.kv = nn.ModuleList(Linear(width, kv, bias=False) for _ in range(blocks))

    def forward(self, samples: Tensor) -> list[Tensor]:
        spectrum = torch.stft(samples, 1024, 160, window=self.hann, return_complex=True).abs() ** 2
        mel = 10 * torch.log10((spectrum.T @ self.mels).clamp(min=1e-10))
        stretched = F.interpolate(self.bn(mel)[None, None], (1024, 64), mode="bicubic", align_corners=True)[0, 0]
        image = stretched.view(4, 256, 64).transpose(1, 2).reshape(1, 1, 256, 256)
        x = self.embed_norm(self.embed(image)[0].flatten(1).T)
        x = self.norm(self.swin(x))
        x = x.view(4, 2, 8, -1).transpose(0, 1).reshape(TOKENS, -1)
        x = self.audio(self.audio_norm(x * x.shape[-1] ** 0.5))
        return [kv(x) for kv in self.kv]


@torch.no_grad()
def main() -> None:
    config = json.loads((Path(sys.argv[1]) / "config.json").read_text())
    torch.set_num_threads(int(sys.argv[2]))
    listener = Listener(config).eval()
    seconds = []
    for _ in range(3):
        Linear.total = 0
        start, cpu = time.perf_counter(), time.process_time()
        listener(torch.randn(SAMPLES))
        seconds.append((time.perf_counter() - start, time.process_time() - cpu))
    window, cpu = (min(values) for values in zip(*seconds[1:], strict=True))
    print(json.dumps({"torch": torch.__version__, "window": window, "window_cpu": cpu, "macs": Linear.total}))


if __name__ == "__main__":
    main()
