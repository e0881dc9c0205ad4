"""Waveform to log-mel, as the original implementation does it: 16 kHz, 1024/160, 64 HTK mels 50-8000 Hz, in dB."""

import math

import torch

RATE = 16000
WINDOW = 10 * RATE
FRAMES = 1001
MELS = 64


def mel_filters() -> torch.Tensor:
    """Triangular filters [513, 64] on the HTK scale, without area normalisation."""
    low, high = (2595 * math.log10(1 + f / 700) for f in (50.0, 8000.0))
    points = 700 * (10 ** (torch.linspace(low, high, MELS + 2, dtype=torch.float64) / 2595) - 1)
    bins = torch.arange(513, dtype=torch.float64)[:, None] * (RATE / 1024)
    rising = (bins - points[:-2]) / (points[1:-1] - points[:-2])
    falling = (points[2:] - bins) / (points[2:] - points[1:-1])
    return torch.minimum(rising, falling).clamp(min=0).float()


_FILTERS = mel_filters()
_HANN = torch.hann_window(1024, periodic=True)


def mel_power(audio: torch.Tensor) -> torch.Tensor:
    """[n, samples] to mel energies [n, frames, 64]; frame t is centred on sample 160 t."""
    padded = torch.nn.functional.pad(audio[:, None], (512, 512), mode="reflect")[:, 0]
    spectrum = torch.fft.rfft(padded.unfold(-1, 1024, 160) * _HANN)
    return spectrum.abs().square() @ _FILTERS


def to_db(power: torch.Tensor) -> torch.Tensor:
    return 10 * power.clamp(min=1e-10).log10()


def windows(audio: torch.Tensor) -> torch.Tensor:
    """[samples] of any level to peak-normalised 16-bit windows [n, 160000], n at most 12."""
    audio = audio[: 12 * WINDOW].double()
    peak = audio.abs().max().clamp(min=1e-12)
    count = max(1, -(-len(audio) // WINDOW))
    codes = (audio / peak * 32767).trunc()
    padded = torch.nn.functional.pad(codes, (0, count * WINDOW - len(audio)))
    return (padded / 32767).float().view(count, WINDOW)


def log_mel(audio: torch.Tensor) -> torch.Tensor:
    """[samples] to [n, 1001, 64] dB."""
    return to_db(mel_power(windows(audio)))
