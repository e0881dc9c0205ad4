"""The storage formats of the shipped model: groups of 32 along the input axis, one f16 scale per group.

Training rounds the weights the way the converter does and passes gradients straight through to the exact ones.
"""

import torch
from torch import Tensor, nn

GROUP = 32
LANDINGS = (-8.0, -7.7, -7.4, 7.0, 6.7, 7.3, -7.0, -8.4)  # where the largest magnitude of a group may land


def _codes(groups: Tensor, scale: Tensor) -> Tensor:
    return torch.where(scale == 0, 0.0, groups / scale).round().clamp(-8, 7)


def q4(weight: Tensor) -> Tensor:
    """Codes -8..7 times the scale of smallest squared error among the landings, each fitted once."""
    groups = weight.reshape(-1, GROUP)
    largest = groups.gather(1, groups.abs().argmax(1, keepdim=True))
    best, least = torch.zeros_like(groups), torch.full_like(largest, torch.inf)
    for landing in LANDINGS:
        codes = _codes(groups, largest / landing)
        norm = codes.square().sum(1, keepdim=True)
        scale = torch.where(norm > 0, (codes * groups).sum(1, keepdim=True) / norm, 0.0).half().float()
        rounded = scale * _codes(groups, scale)
        error = (groups - rounded).square().sum(1, keepdim=True)
        best, least = torch.where(error < least, rounded, best), torch.minimum(error, least)
    return best.view_as(weight)


def q8(weight: Tensor) -> Tensor:
    """Codes -127..127; the largest magnitude lands on 127."""
    groups = weight.reshape(-1, GROUP)
    scale = (groups.abs().amax(1, keepdim=True) / 127).half().float()
    return torch.where(scale == 0, 0.0, scale * (groups / scale).round().clamp(-127, 127)).view_as(weight)


class Quantised:
    """Within the context the matrices of the modules hold rounded values; afterwards the exact ones again."""

    def __init__(self, four: list[nn.Module], eight: list[nn.Module]):
        self.plan = [(p, rule) for modules, rule in ((four, q4), (eight, q8)) for m in modules
                     for p in m.parameters() if p.ndim == 2 and p.shape[1] % GROUP == 0 and p.shape[0] > 8]  # fmt: skip

    @torch.no_grad()
    def __enter__(self) -> None:
        self.exact = [p.detach().clone() for p, _ in self.plan]
        for p, rule in self.plan:
            p.copy_(rule(p))

    @torch.no_grad()
    def __exit__(self, *_: object) -> None:
        for (p, _), exact in zip(self.plan, self.exact):
            p.copy_(exact)
