"""The storage formats of the shipped model: 8 bits with one f16 scale per 32 columns; 4 bits with one signed 8-bit scale per
16 columns and one f32 scale per row.

Training rounds the weights the way the converter does and passes gradients straight through to the exact ones.
"""

import torch
from torch import Tensor, nn

COLUMNS = 32  # packed matrices have whole blocks of so many
FOUR_BIT_GROUP = 16
LANDINGS = (-9.4, -8.6, -8.1, -7.7, -7.3, -6.8, 7.6, 7.0)  # where the largest magnitude of a group may land


def _codes(groups: Tensor, scale: Tensor) -> Tensor:
    return torch.where(scale == 0, 0.0, groups / scale).round().clamp(-8, 7)


def _projections(groups: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    return (codes * groups).sum(-1, keepdim=True), codes.square().sum(-1, keepdim=True)


def q4(weight: Tensor) -> Tensor:
    """Codes -8..7 times group scale times row scale, searched as the converter does.

    What it returns converts to itself, but for one group in some thousands: one whose scale is a small part of its row's largest.
    """
    groups = weight.reshape(weight.shape[0], -1, FOUR_BIT_GROUP)
    largest = groups.gather(-1, groups.abs().argmax(-1, keepdim=True))
    scale, explained = torch.zeros_like(largest), torch.zeros_like(largest)
    for landing in LANDINGS:
        dot, norm = _projections(groups, _codes(groups, largest / landing))
        energy = torch.where(norm > 0, dot * dot / norm, 0.0)
        scale = torch.where(energy > explained, dot / norm, scale)
        explained = torch.maximum(explained, energy)
    dot, norm = _projections(groups, _codes(groups, scale))
    scale = torch.where(norm > 0, dot / norm, scale)
    row = scale.abs().amax(1, keepdim=True) / 127
    scale = torch.where(row == 0, 0.0, (scale / row).round()) * row
    return (scale * _codes(groups, scale)).view_as(weight)


def q8(weight: Tensor) -> Tensor:
    """Codes -127..127; the largest magnitude lands on 127."""
    groups = weight.reshape(-1, COLUMNS)
    scale = (groups.abs().amax(1, keepdim=True) / 127).half().float()
    return torch.where(scale == 0, 0.0, scale * (groups / scale).round().clamp(-127, 127)).view_as(weight)


class Quantised:
    """Within the context the matrices of the modules hold rounded values; afterwards the exact ones again."""

    def __init__(self, four: list[nn.Module], eight: list[nn.Module]):
        self.plan = [(p, rule) for modules, rule in ((four, q4), (eight, q8)) for m in modules
                     for p in m.parameters() if p.ndim == 2 and p.shape[1] % COLUMNS == 0 and p.shape[0] > 8]  # fmt: skip

    @torch.no_grad()
    def __enter__(self) -> None:
        self.exact = [p.detach().clone() for p, _ in self.plan]
        for p, rule in self.plan:
            p.copy_(rule(p))

    @torch.no_grad()
    def __exit__(self, *_: object) -> None:
        for (p, _), exact in zip(self.plan, self.exact):
            p.copy_(exact)
