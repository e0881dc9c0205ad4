"""How fast PyTorch decodes at a model's size: python pytorch.py MODEL [--windows 1,12,30] [--tokens 16] [--prompt 40]

MODEL is a converted model; only its config.json is read, weights are random. Two ways, one JSON object:
* published: as the original implementation answers. float32, self-attention cached, but the keys and values of the audio
  projected anew in every block at every token (its helpers.py, `MaskedCrossAttention.forward`);
* cached: the same network in bfloat16 with the audio's keys and values cached.
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

TOKENS_PER_WINDOW = 64


class Decoder:
    """Gated cross-attention blocks before the layers of Qwen2, one token at a time."""

    def __init__(self, config: dict, windows: int, positions: int, device: str, dtype: torch.dtype, keep: bool):
        self.text, self.cross = config["text"], config["cross_attention"]
        self.device, self.dtype, self.keep = device, dtype, keep
        text, cross, width = self.text, self.cross, config["audio_transformer"]["d_model"]
        self.head = text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"]
        hidden, inner = text["hidden_size"], cross["num_heads"] * cross["head_dim"]
        queries, keys = text["num_attention_heads"] * self.head, text["num_key_value_heads"] * self.head
        self.audio = self.random(windows * TOKENS_PER_WINDOW, width)
        self.layers = []
        for index in range(text["num_hidden_layers"]):
            layer = {
                "qkv": self.random(queries + 2 * keys, hidden), "bias": self.random(queries + 2 * keys), "o": self.random(hidden, queries),
                "gate": self.random(text["intermediate_size"], hidden), "up": self.random(text["intermediate_size"], hidden),
                "down": self.random(hidden, text["intermediate_size"]), "norms": self.random(2, hidden),
                "cache": torch.zeros(2, text["num_key_value_heads"], positions, self.head, device=device, dtype=dtype),
            }  # fmt: skip
            if (index + 1) % cross["every_n_layers"] == 0:
                block = {
                    "q": self.random(inner, hidden), "kv": self.random(2 * inner, width), "o": self.random(hidden, inner),
                    "norms": self.random(4, hidden), "ff1": self.random(cross["ff_inner"], hidden),
                    "ff2": self.random(hidden, cross["ff_inner"]), "gates": self.random(2),
                }  # fmt: skip
                layer["block"] = block
                block["audio_kv"] = self.project(block) if keep else None
            self.layers.append(layer)
        self.embedding, self.norm = self.random(text["vocab_size"], hidden), self.random(hidden)
        self.angles = self.rotations(positions)

    def random(self, *shape: int) -> Tensor:
        return torch.randn(shape, device=self.device, dtype=self.dtype) * shape[-1] ** -0.5

    def rotations(self, positions: int) -> tuple[Tensor, Tensor]:
        frequencies = self.text["rope_theta"] ** (-torch.arange(0, self.head, 2, device=self.device).float() / self.head)
        angles = (torch.arange(positions, device=self.device)[:, None] * frequencies).repeat(1, 2)
        return angles.cos().to(self.dtype), angles.sin().to(self.dtype)

    def project(self, block: dict) -> Tensor:
        """Keys and values of the audio, [2, 1, heads, T, head]."""
        heads = self.cross["num_heads"]
        return F.linear(self.audio, block["kv"]).view(len(self.audio), 2, heads, -1).permute(1, 2, 0, 3)[:, None]

    def listen(self, x: Tensor, block: dict) -> Tensor:
        """The gated block before a layer; x [rows, H]."""
        norms, rows = block["norms"], len(x)
        q = F.linear(F.layer_norm(x, x.shape[-1:], norms[0], norms[1]), block["q"]).view(1, rows, self.cross["num_heads"], -1)
        k, v = block["audio_kv"] if self.keep else self.project(block)
        heard = F.scaled_dot_product_attention(q.transpose(1, 2), k, v).transpose(1, 2).reshape(rows, -1)
        x = x + block["gates"][0].tanh() * F.linear(heard, block["o"])
        inner = F.gelu(F.linear(F.layer_norm(x, x.shape[-1:], norms[2], norms[3]), block["ff1"]))
        return x + block["gates"][1].tanh() * F.linear(inner, block["ff2"])

    def attend(self, x: Tensor, layer: dict, start: int) -> Tensor:
        rows, kv_heads = len(x), self.text["num_key_value_heads"]
        qkv = F.linear(F.rms_norm(x, x.shape[-1:], layer["norms"][0]), layer["qkv"], layer["bias"]).view(rows, -1, self.head)
        q, k, v = qkv.split((qkv.shape[1] - 2 * kv_heads, kv_heads, kv_heads), 1)
        cos, sin = (part[start : start + rows, None] for part in self.angles)
        q, k = (y * cos + torch.cat(((-y.chunk(2, -1)[1]), y.chunk(2, -1)[0]), -1) * sin for y in (q, k))
        cache = layer["cache"]
        cache[:, :, start : start + rows] = torch.stack((k, v)).transpose(1, 2)
        keys, values = cache[:, None, :, : start + rows].repeat_interleave(q.shape[1] // kv_heads, 2)
        seen = F.scaled_dot_product_attention(q.transpose(0, 1)[None], keys, values, is_causal=rows > 1)
        return x + F.linear(seen[0].transpose(0, 1).reshape(rows, -1), layer["o"])

    def forward(self, ids: Tensor, start: int) -> Tensor:
        """The most likely token after `ids`, which stand at `start`."""
        x = self.embedding[ids]
        for layer in self.layers:
            if "block" in layer:
                x = self.listen(x, layer["block"])
            x = self.attend(x, layer, start)
            y = F.rms_norm(x, x.shape[-1:], layer["norms"][1])
            x = x + F.linear(F.silu(F.linear(y, layer["gate"])) * F.linear(y, layer["up"]), layer["down"])
        return F.linear(F.rms_norm(x[-1:], x.shape[-1:], self.norm), self.embedding).argmax(-1)


@torch.no_grad()
def tokens_per_second(decoder: Decoder, prompt: int, tokens: int) -> float:
    """Decoding alone, after a first answer that does not count."""
    wait = torch.cuda.synchronize if decoder.device == "cuda" else lambda: None
    for _ in range(2):
        token = decoder.forward(torch.arange(prompt, device=decoder.device) % decoder.text["vocab_size"], 0)
        wait()
        start = time.perf_counter()
        for step in range(tokens):
            token = decoder.forward(token, prompt + step)
        wait()
        seconds = time.perf_counter() - start
    return tokens / seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--windows", default="1,12,30")
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--prompt", type=int, default=40)
    args = parser.parse_args()
    config = json.loads((args.model / "config.json").read_text())
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = False
    report = {"device": name, "torch": torch.__version__, "tokens_per_second": {}}
    for way, dtype, keep in (("published", torch.float32, False), ("cached", torch.bfloat16, True)):
        for windows in map(int, args.windows.split(",")):
            decoder = Decoder(config, windows, args.prompt + args.tokens, device, dtype, keep)
            speed = tokens_per_second(decoder, args.prompt, args.tokens)
            report["tokens_per_second"].setdefault(way, {})[windows] = speed
            del decoder
    print(json.dumps(report))


if __name__ == "__main__":
    main()
