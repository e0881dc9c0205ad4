"""Checks front end and model against the reference fixtures: python verify.py FIXTURES (the folder with tiny-a)."""

import json
import sys
from pathlib import Path

import soundfile
import torch
from safetensors.torch import load_file

from frontend import log_mel
from model import AudioFlamingo2, Config

TOLERANCE = {"log-mel above -40 dB": 5e-3, "encoder tokens": 1e-4, "memory": 2e-4, "logits": 1e-3}


def main(fixtures: Path) -> None:
    root = fixtures / "tiny-a/safe_ckpt"
    weights = {}
    for chunk in json.loads((root / "metadata.json").read_text()):
        weights |= load_file(root / f"{chunk}.safetensors")
    c = Config(16, (2, 2, 2, 2), (1, 2, 4, 8), 2, 2, 256, 128, 3, 4, 2, 352, 8, 4, 609)
    model = AudioFlamingo2(c).eval()
    missing = model.load_state_dict(weights, strict=False).missing_keys
    assert not missing, missing
    case = load_file(fixtures / "golden/tiny-a/speech_16k_mono.wav__p0.safetensors")
    audio, _ = soundfile.read(fixtures / "inputs/speech_16k_mono.wav")
    mel = log_mel(torch.from_numpy(audio))
    loud = case["logmel"] > -40
    with torch.no_grad():
        tokens = model.encoder(mel).view(1, -1, c.width)
        memory = model.memory(tokens)
        logits = model.logits(model.decoder(case["prompt_ids"].long().view(1, 1, -1), memory))[0]
    pairs = {
        "log-mel above -40 dB": (mel[loud], case["logmel"][loud]),
        "encoder tokens": (tokens, case["encoder_tokens"].view_as(tokens)),
        "memory": (memory, case["audio_transformer_out"].view_as(memory)),
        "logits": (logits, case["logits"].view_as(logits)),
    }
    for name, (ours, golden) in pairs.items():
        error = (ours - golden).abs().max().item()
        print(f"{name}: largest difference {error:.2e}")
        assert error < TOLERANCE[name], name


if __name__ == "__main__":
    main(Path(sys.argv[1]))
