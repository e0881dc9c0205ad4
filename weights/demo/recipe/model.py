"""Audio Flamingo 2 in PyTorch: the published architecture, with the published parameter names.

The attribute names are the checkpoint's names, so `state_dict()` of `AudioFlamingo2` is a release checkpoint.
Shapes: n windows, T = 64 n audio tokens of width D, B recordings with K questions of L tokens of width H.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """Dimensions; the widths every matrix reduces over are multiples of 32."""

    embed: int = 32
    depths: tuple[int, ...] = (1, 1, 4, 2)
    heads: tuple[int, ...] = (1, 2, 4, 8)
    at_layers: int = 1
    at_heads: int = 4
    at_inner: int = 256
    hidden: int = 128
    layers: int = 4
    q_heads: int = 4
    kv_heads: int = 2
    ffn: int = 384
    xattn_heads: int = 2
    xattn_mult: int = 2
    vocab: int = 1024
    every: int = 1
    rope_theta: float = 1e6
    eps: float = 1e-6

    @property
    def width(self) -> int:
        return 8 * self.embed

    def to_dict(self) -> dict:
        return asdict(self)


def bicubic_taps() -> tuple[Tensor, Tensor]:
    """Indices and weights [1024, 4] of the corner-aligned bicubic stretch from 1001 to 1024 frames."""
    source = torch.arange(1024, dtype=torch.float32) * (torch.tensor(1000.0) / torch.tensor(1023.0))
    base = source.floor()
    t, a = source - base, -0.75

    def near(x: Tensor) -> Tensor:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    weights = torch.stack((far(t + 1), near(t), near(1 - t), far(2 - t)), 1)
    return (base.long()[:, None] + torch.arange(-1, 3)).clamp(0, 1000), weights


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Rotary embedding of the leading 2·angles.shape[-1] dimensions, paired by halves; x is [..., length, dim]."""
    half = angles.shape[-1]
    a, b, rest = x.split((half, half, x.shape[-1] - 2 * half), -1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat((a * cos - b * sin, b * cos + a * sin, rest), -1)


class WindowAttention(nn.Module):
    """Attention inside 8×8 windows with a learnt bias per relative position."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.randn(225, heads) * 0.02)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        y, x = torch.arange(64) // 8, torch.arange(64) % 8
        index = (y[:, None] - y + 7) * 15 + (x[:, None] - x + 7)
        self.register_buffer("index", index.flatten(), persistent=False)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x [windows, 64, C]; mask [windows per image, 64, 64] or None."""
        count, _, dim = x.shape
        q, k, v = self.qkv(x).view(count, 64, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.index].view(64, 64, -1).permute(2, 0, 1)[None]
        if mask is not None:
            bias = (bias + mask[:, None]).repeat(count // len(mask), 1, 1, 1)
        logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2) + bias
        out = logits.softmax(-1) @ v
        return self.proj(out.transpose(1, 2).reshape(count, 64, dim))


class Mlp(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    def __init__(self, dim: int, heads: int, side: int, shifted: bool):
        super().__init__()
        self.side, self.shift = side, 4 if shifted and side > 8 else 0
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn, self.mlp = WindowAttention(dim, heads), Mlp(dim)
        if self.shift:
            label = torch.zeros(side)
            label[side - 8 : side - 4], label[side - 4 :] = 1, 2
            region = self.partition((3 * label[:, None] + label)[None, :, :, None])[..., 0]
            mask = (region[:, None] != region[:, :, None]) * -100.0
            self.register_buffer("mask", mask, persistent=False)

    def partition(self, x: Tensor) -> Tensor:
        n, side, _, dim = x.shape
        return x.view(n, side // 8, 8, side // 8, 8, dim).transpose(2, 3).reshape(-1, 64, dim)

    def forward(self, x: Tensor) -> Tensor:
        """x [n, side·side, C]."""
        n, _, dim = x.shape
        grid = self.norm1(x).view(n, self.side, self.side, dim)
        if self.shift:
            grid = grid.roll((-self.shift, -self.shift), (1, 2))
        out = self.attn(self.partition(grid), self.mask if self.shift else None)
        cells = self.side // 8
        grid = out.view(n, cells, cells, 8, 8, dim).transpose(2, 3).reshape(n, self.side, self.side, dim)
        if self.shift:
            grid = grid.roll((self.shift, self.shift), (1, 2))
        x = x + grid.reshape(x.shape)
        return x + self.mlp(self.norm2(x))


class Merging(nn.Module):
    """Joins 2×2 tokens, the row offset varying first."""

    def __init__(self, dim: int):
        super().__init__()
        self.norm, self.reduction = nn.LayerNorm(4 * dim), nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor, side: int) -> Tensor:
        n, _, dim = x.shape
        grid = x.view(n, side // 2, 2, side // 2, 2, dim).permute(0, 1, 3, 4, 2, 5)
        return self.reduction(self.norm(grid.reshape(n, -1, 4 * dim)))


class Stage(nn.Module):
    def __init__(self, dim: int, depth: int, heads: int, side: int, last: bool):
        super().__init__()
        self.side = side
        self.blocks = nn.ModuleList(SwinBlock(dim, heads, side, b % 2 == 1) for b in range(depth))
        self.downsample = None if last else Merging(dim)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x, self.side)


class PatchEmbed(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.proj, self.norm = nn.Conv2d(1, dim, 4, 4), nn.LayerNorm(dim)

    def forward(self, image: Tensor) -> Tensor:
        """[n, 256, 256] to [n, 4096, E]; the convolution as a matmul over unfolded patches."""
        n = len(image)
        patches = image.view(n, 64, 4, 64, 4).transpose(2, 3).reshape(n, 4096, 16)
        return self.norm(F.linear(patches, self.proj.weight.flatten(1), self.proj.bias))


class Htsat(nn.Module):
    """Log-mel [n, 1001, 64] to 64 tokens per window [n, 64, D]: 32 steps of the lower half, then the upper half."""

    def __init__(self, c: Config):
        super().__init__()
        self.bn0 = nn.BatchNorm1d(64)
        self.patch_embed = PatchEmbed(c.embed)
        self.layers = nn.ModuleList(
            Stage(c.embed << s, c.depths[s], c.heads[s], 64 >> s, s == 3) for s in range(4)
        )
        self.norm = nn.LayerNorm(c.width)
        index, weight = bicubic_taps()
        self.register_buffer("tap_index", index, persistent=False)
        self.register_buffer("tap_weight", weight, persistent=False)

    def image(self, mel: Tensor) -> Tensor:
        """Normalise each mel bin by the stored statistics, stretch to 1024 frames, fold to 256×256."""
        bn = self.bn0
        scale = bn.weight * (bn.running_var + bn.eps).rsqrt()
        x = (mel - bn.running_mean) * scale + bn.bias
        x = sum(x[:, self.tap_index[:, k]] * self.tap_weight[:, k, None] for k in range(4))
        return x.view(-1, 4, 256, 64).transpose(2, 3).reshape(-1, 256, 256)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.patch_embed(self.image(mel))
        for stage in self.layers:
            x = stage(x)
        x = self.norm(x)
        return x.view(len(x), 4, 2, 8, -1).transpose(1, 2).reshape(len(x), 64, -1)


class AudioAttention(nn.Module):
    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.w_qs, self.w_ks, self.w_vs, self.fc = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        self.layer_norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        b, t, d = x.shape
        q, k, v = (w(x).view(b, t, self.heads, -1).transpose(1, 2) for w in (self.w_qs, self.w_ks, self.w_vs))
        out = F.scaled_dot_product_attention(rotate(q, angles), rotate(k, angles), v)
        return self.layer_norm(self.fc(out.transpose(1, 2).reshape(b, t, d)) + x)


class AudioFeedForward(nn.Module):
    def __init__(self, dim: int, inner: int):
        super().__init__()
        self.w_1, self.w_2 = nn.Linear(dim, inner), nn.Linear(inner, dim)
        self.layer_norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer_norm(self.w_2(F.relu(self.w_1(x))) + x)


class AudioLayer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.slf_attn = AudioAttention(c.width, c.at_heads)
        self.pos_ffn = AudioFeedForward(c.width, c.at_inner)

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        return self.pos_ffn(self.slf_attn(x, angles))


class Positions(nn.Module):
    def __init__(self, head: int):
        super().__init__()
        size = max(head // 2, 32)
        self.register_buffer("inv_freq", 4096.0 ** (-torch.arange(0, size, 2).float() / size))

    def forward(self, length: int) -> Tensor:
        return torch.arange(length, device=self.inv_freq.device)[:, None] * self.inv_freq


class AudioTransformer(nn.Module):
    """Post-norm layers with rotary positions over the tokens of all windows [B, T, D]."""

    def __init__(self, c: Config):
        super().__init__()
        self.position_enc = Positions(c.width // c.at_heads)
        self.layer_norm = nn.LayerNorm(c.width, eps=1e-6)
        self.layer_stack = nn.ModuleList(AudioLayer(c) for _ in range(c.at_layers))

    def forward(self, x: Tensor) -> Tensor:
        angles = self.position_enc(x.shape[1])
        x = self.layer_norm(x * x.shape[-1] ** 0.5)
        for layer in self.layer_stack:
            x = layer(x, angles)
        return x


class CrossAttention(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        inner = 64 * c.xattn_heads
        self.norm = nn.LayerNorm(c.hidden)
        self.to_q, self.to_kv = nn.Linear(c.hidden, inner, bias=False), nn.Linear(c.width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, c.hidden, bias=False)

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:
        """x [B, N, H] with all questions of a recording side by side; audio [B, T, D]."""
        b, n, _ = x.shape
        q = self.to_q(self.norm(x)).view(b, n, -1, 64).transpose(1, 2)
        k, v = (y.view(b, -1, q.shape[1], 64).transpose(1, 2) for y in self.to_kv(audio).chunk(2, -1))
        return self.to_out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, -1))


class GatedCrossAttention(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.attn = CrossAttention(c)
        inner = c.xattn_mult * c.hidden
        self.ff = nn.Sequential(
            nn.LayerNorm(c.hidden), nn.Linear(c.hidden, inner, bias=False), nn.GELU(), nn.Linear(inner, c.hidden, bias=False)
        )
        self.attn_gate, self.ff_gate = nn.Parameter(torch.tensor([0.8])), nn.Parameter(torch.tensor([0.8]))

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:
        x = x + self.attn_gate.tanh() * self.attn(x, audio)
        return x + self.ff_gate.tanh() * self.ff(x)


class SelfAttention(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.head = c.hidden // c.q_heads
        self.group = c.q_heads // c.kv_heads
        self.q_proj, self.o_proj = nn.Linear(c.hidden, c.hidden), nn.Linear(c.hidden, c.hidden, bias=False)
        self.k_proj, self.v_proj = (nn.Linear(c.hidden, c.kv_heads * self.head) for _ in range(2))

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        b, n, _ = x.shape
        q, k, v = (p(x).view(b, n, -1, self.head).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        k, v = (rotate(k, angles).repeat_interleave(self.group, 1), v.repeat_interleave(self.group, 1))
        out = F.scaled_dot_product_attention(rotate(q, angles), k, v, is_causal=True)
        return self.o_proj(out.transpose(1, 2).reshape(b, n, -1))


class SwiGlu(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.gate_proj, self.up_proj = (nn.Linear(c.hidden, c.ffn, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(c.ffn, c.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Qwen2Layer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.self_attn, self.mlp = SelfAttention(c), SwiGlu(c)
        self.input_layernorm = nn.RMSNorm(c.hidden, eps=c.eps)
        self.post_attention_layernorm = nn.RMSNorm(c.hidden, eps=c.eps)

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), angles)
        return x + self.mlp(self.post_attention_layernorm(x))


class FlamingoLayer(nn.Module):
    def __init__(self, c: Config, index: int):
        super().__init__()
        self.gated_cross_attn_layer_sound = GatedCrossAttention(c) if (index + 1) % c.every == 0 else None
        self.decoder_layer = Qwen2Layer(c)

    def forward(self, x: Tensor, audio: Tensor, angles: Tensor) -> Tensor:
        """x [B, K, L, H]."""
        b, k, n, h = x.shape
        if self.gated_cross_attn_layer_sound is not None:
            x = self.gated_cross_attn_layer_sound(x.reshape(b, k * n, h), audio)
        return self.decoder_layer(x.reshape(b * k, n, h), angles).view(b, k, n, h)


class Decoder(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        self.embed_tokens = nn.Embedding(c.vocab, c.hidden)
        self.layers = nn.ModuleList(FlamingoLayer(c, i) for i in range(c.layers))
        self.norm = nn.RMSNorm(c.hidden, eps=c.eps)

    def forward(self, ids: Tensor, audio: Tensor) -> Tensor:
        """ids [B, K, L], audio [B, T, D] to normalised hidden states [B, K, L, H]."""
        size = self.c.hidden // self.c.q_heads
        frequencies = self.c.rope_theta ** (-torch.arange(0, size, 2, device=ids.device).float() / size)
        angles = torch.arange(ids.shape[-1], device=ids.device)[:, None] * frequencies
        x = self.embed_tokens(ids)
        for layer in self.layers:
            x = layer(x, audio, angles)
        return self.norm(x)


class AudioFlamingo2(nn.Module):
    """The whole model; the head is the embedding."""

    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        self.clap = nn.ModuleDict({"nvclap": Htsat(c)})
        self.audio_transformer_clap = AudioTransformer(c)
        self.lang_encoder = nn.ModuleDict({"model": Decoder(c)})
        self.apply(self._init)

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5 * 0.7)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.1)

    @property
    def encoder(self) -> Htsat:
        return self.clap["nvclap"]

    @property
    def decoder(self) -> Decoder:
        return self.lang_encoder["model"]

    def memory(self, tokens: Tensor) -> Tensor:
        """Encoder tokens [B, T, D] of all windows to the memory that the text reads."""
        return self.audio_transformer_clap(tokens)

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden @ self.decoder.embed_tokens.weight.T

    @torch.no_grad()
    def answer(self, memory: Tensor, prompts: list[list[int]], stop: int, longest: int = 48) -> list[list[int]]:
        """Greedy answers to several prompts about one recording [1, T, D]; the stop token is not returned."""
        texts, open_ = [list(p) for p in prompts], set(range(len(prompts)))
        for _ in range(longest):
            order = sorted(open_)
            width = max(len(texts[i]) for i in order)
            ids = torch.tensor([texts[i] + [0] * (width - len(texts[i])) for i in order])
            hidden = self.decoder(ids[None], memory)[0]
            last = torch.stack([hidden[row, len(texts[i]) - 1] for row, i in enumerate(order)])
            for i, token in zip(order, self.logits(last).argmax(-1).tolist()):
                texts[i].append(token)
                if token == stop:
                    open_.discard(i)
            if not open_:
                break
        return [[t for t in text[len(p) :] if t != stop] for text, p in zip(texts, prompts)]
