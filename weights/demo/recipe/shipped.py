"""Reads a converted model folder (config.json, tokenizer.json, 4-bit shards) back into PyTorch, as the engine sees it."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from export import read_release
from model import AudioFlamingo2, Config
from text import Text


def unpack(data: Tensor, scales: Tensor, scheme: str) -> Tensor:
    """Codes times scales: at 8 bits one per 32 columns; at 4 bits one per row and one per 16 columns, which is in the bytes after it.

    In a 4-bit word, byte b holds columns b and b + 4.
    """
    if scheme == "q8":
        return data.float() * scales.float().repeat_interleave(32, 1)
    words = data.view(data.shape[0], -1, 4)
    codes = torch.cat((words & 15, words >> 4), -1).flatten(1).float() - 8
    row = scales[:, :4].contiguous().view(torch.float32)
    groups = scales[:, 4 : 4 + codes.shape[1] // 16].contiguous().view(torch.int8)
    return codes * groups.float().repeat_interleave(16, 1) * row


def read_weights(folder: Path) -> dict[str, Tensor]:
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    stored = {k: v for shard in index["shards"] for k, v in load_file(folder / shard).items()}
    packed = index.get("quantization", {})
    scales = {entry.get("scales") for entry in packed.values()}
    out = {}
    for name, tensor in stored.items():
        scheme = packed.get(name, {}).get("scheme")
        if scheme in ("q4", "q8"):
            out[name] = unpack(tensor, stored[packed[name]["scales"]], scheme)
        elif name not in scales:
            out[name] = tensor.float()
    return out


def dimensions(config: dict) -> Config:
    e, a, x, t = (config[part] for part in ("encoder", "audio_transformer", "cross_attention", "text"))
    return Config(
        e["embed_dim"], tuple(e["depths"]), tuple(e["num_heads"]), a["n_layers"], a["n_head"], a["d_inner"],
        t["hidden_size"], t["num_hidden_layers"], t["num_attention_heads"], t["num_key_value_heads"],
        t["intermediate_size"], x["num_heads"], x["ff_inner"] // t["hidden_size"], t["vocab_size"],
        x["every_n_layers"], t["rope_theta"], t["rms_norm_eps"],
    )  # fmt: skip


def read(folder: Path) -> tuple[AudioFlamingo2, Text]:
    """A release directory at full precision, or a converted model with its rounded weights."""
    if (folder / "safe_ckpt").exists():
        return read_release(folder)
    c = dimensions(json.loads((folder / "config.json").read_text()))
    model = AudioFlamingo2(c).eval()
    weights = read_weights(folder)
    shapes = {k: v.shape for k, v in model.state_dict().items()}
    weights = {k: v.reshape(shapes[k]) if k in shapes else v for k, v in weights.items()}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and all("running" in k or "inv_freq" in k or "tracked" in k for k in missing), (missing, unexpected)
    return model, Text(folder / "tokenizer.json")
