"""Writes WORK/model.pt as a release directory: python export.py WORK OUT

The layout is the published one: safe_ckpt/metadata.json and chunks of float32 tensors under the published names,
configs/inference.yaml, and lang_encoder/ with the base configuration and the tokenizer without the added tokens.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import AudioFlamingo2, Config
from text import Text

YAML = """\
clap_config:
  method: nvclap-large
  audio_embed_dim: {width}
  checkpoint: clap_ckpt/epoch_16.pt
  window_length: 10.0
  window_overlap: 0.0
  max_num_window: 12
  max_num_fewshot: 1
  finetune: true
model_config:
  cache_dir: .cache
  lang_encoder_path: lang_encoder
  tokenizer_path: lang_encoder
  cross_attn_every_n_layers: {every}
  audio_transformer_kwargs:
    n_head: {at_heads}
    n_layers: {at_layers}
    d_inner: {at_inner}
    max_num_media: 128
    max_window_per_audio: 1
    common_encoder_embed_dim: {width}
"""


def base_config(c: Config, text: Text) -> dict:
    return {
        "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": text.end, "eos_token_id": text.end,
        "hidden_act": "silu", "hidden_size": c.hidden, "initializer_range": 0.02, "intermediate_size": c.ffn,
        "max_position_embeddings": 2048, "max_window_layers": c.layers, "model_type": "qwen2",
        "num_attention_heads": c.q_heads, "num_hidden_layers": c.layers, "num_key_value_heads": c.kv_heads,
        "rms_norm_eps": c.eps, "rope_scaling": None, "rope_theta": c.rope_theta, "sliding_window": None,
        "tie_word_embeddings": True, "torch_dtype": "float32", "transformers_version": "4.46.3", "use_cache": True,
        "use_sliding_window": False, "vocab_size": c.vocab,
    }  # fmt: skip


def read_release(folder: Path) -> tuple[AudioFlamingo2, Text]:
    """The exported model, every dimension taken from the release files."""
    from safetensors.torch import load_file

    chunks = json.loads((folder / "safe_ckpt/metadata.json").read_text())
    weights = {k: v for chunk in chunks for k, v in load_file(folder / f"safe_ckpt/{chunk}.safetensors").items()}
    config = json.loads((folder / "recipe.json").read_text())
    text = Text(folder / "lang_encoder/tokenizer.json")
    model = AudioFlamingo2(Config(**{k: tuple(v) if isinstance(v, list) else v for k, v in config.items()})).eval()
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not missing and not unexpected, (missing, unexpected)
    return model, text


def main(work: Path, out: Path) -> None:
    saved = torch.load(work / "model.pt")
    c = Config(**saved["config"])
    text = Text(work / "lang_encoder/tokenizer.json")
    weights = {k: v.contiguous() for k, v in saved["model"].items()}
    for folder in ("safe_ckpt", "configs"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    chunks = {"chunk_0": "clap.", "chunk_1": "audio_transformer_clap.", "chunk_2": "lang_encoder."}
    table = {}
    for chunk, prefix in chunks.items():
        part = {k: v for k, v in weights.items() if k.startswith(prefix)}
        save_file(part, out / f"safe_ckpt/{chunk}.safetensors", {"format": "pt"})
        table[chunk] = sorted(part)
        print(f"{prefix} {sum(v.numel() for v in part.values()) / 1e6:.2f} M parameters")
    (out / "safe_ckpt/metadata.json").write_text(json.dumps(table, indent=1))
    (out / "configs/inference.yaml").write_text(YAML.format(width=c.width, **c.to_dict()))
    shutil.copytree(work / "lang_encoder", out / "lang_encoder", dirs_exist_ok=True)
    (out / "lang_encoder/config.json").write_text(json.dumps(base_config(c, text), indent=2))
    generation = {"_from_model_config": True, "bos_token_id": text.end, "eos_token_id": text.end, "transformers_version": "4.46.3"}
    (out / "lang_encoder/generation_config.json").write_text(json.dumps(generation, indent=2))
    (out / "recipe.json").write_text(json.dumps(c.to_dict(), indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
