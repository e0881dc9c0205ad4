"""Writes a GGUF file with random Q4_0 weights and the dimensions of a converted model's text decoder.

usage: gguf_model.py MODEL_DIR OUT.gguf     (needs the packages gguf and numpy)
"""

import json
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, TokenType

BLOCK = 32  # weights of a Q4_0 block: a half-precision scale and 16 bytes


def q4_0(rng, rows, cols):
    blocks = np.empty((rows, cols // BLOCK, 18), np.uint8)
    blocks[:, :, :2] = np.frombuffer(np.float16(0.01).tobytes(), np.uint8)
    blocks[:, :, 2:] = rng.integers(0, 256, (rows, cols // BLOCK, 16), np.uint8)
    return blocks.reshape(rows, -1)


def main(model, out):
    text = json.loads((Path(model) / "config.json").read_text())["text"]
    width, inner, vocab = text["hidden_size"], text["intermediate_size"], text["vocab_size"]
    queries = text["num_attention_heads"] * text["head_dim"]
    keys = text["num_key_value_heads"] * text["head_dim"]
    writer, rng = GGUFWriter(out, "qwen2"), np.random.default_rng(1)
    writer.add_context_length(4096)
    writer.add_embedding_length(width)
    writer.add_block_count(text["num_hidden_layers"])
    writer.add_feed_forward_length(inner)
    writer.add_head_count(text["num_attention_heads"])
    writer.add_head_count_kv(text["num_key_value_heads"])
    writer.add_rope_freq_base(text["rope_theta"])
    writer.add_layer_norm_rms_eps(text["rms_norm_eps"])
    writer.add_file_type(2)  # mostly Q4_0
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([f"t{token}" for token in range(vocab)])
    # Texts are cut at tokens of this kind before anything is merged, so that "t1t2" is tokens 1 and 2.
    writer.add_token_types([TokenType.USER_DEFINED] * 100 + [TokenType.NORMAL] * (vocab - 100))
    writer.add_token_merges(["t 0"])
    writer.add_eos_token_id(vocab - 1)

    def matrix(name, rows, cols):
        writer.add_tensor(f"{name}.weight", q4_0(rng, rows, cols), raw_dtype=GGMLQuantizationType.Q4_0)

    def vector(name, size, value):
        writer.add_tensor(name, np.full(size, value, np.float32))

    matrix("token_embd", vocab, width)
    vector("output_norm.weight", width, 1)
    for layer in range(text["num_hidden_layers"]):
        at = f"blk.{layer}"
        vector(f"{at}.attn_norm.weight", width, 1)
        vector(f"{at}.ffn_norm.weight", width, 1)
        for name, rows in [("q", queries), ("k", keys), ("v", keys)]:
            matrix(f"{at}.attn_{name}", rows, width)
            vector(f"{at}.attn_{name}.bias", rows, 0)
        matrix(f"{at}.attn_output", width, queries)
        matrix(f"{at}.ffn_gate", inner, width)
        matrix(f"{at}.ffn_up", inner, width)
        matrix(f"{at}.ffn_down", width, inner)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
