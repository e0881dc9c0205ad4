"""Muon for matrices, AdamW for the rest (Jordan et al. 2024: orthogonalised momentum needs fewer samples)."""

import torch
from torch import Tensor, nn


def _orthogonalise(g: Tensor) -> Tensor:
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = g.shape[0] > g.shape[1]
    x = g.T if wide else g
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        s = x @ x.T
        x = a * x + (b * s + c * s @ s) @ x
    return x.T if wide else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum whose update is the nearest orthogonal matrix."""

    def __init__(self, params: list[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.1):
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = _orthogonalise(p.grad.lerp(buffer, group["momentum"]))
                p.mul_(1 - group["lr"] * group["decay"])
                p.add_(update, alpha=-group["lr"] * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)


class Schedule:
    """Both optimisers with one learning-rate curve: short warm-up, then linear to zero."""

    def __init__(self, modules: list[nn.Module], muon: float = 0.02, adam: float = 2e-3):
        params = [p for m in modules for p in m.parameters() if p.requires_grad]
        tables = {id(m.weight) for mod in modules for m in mod.modules() if isinstance(m, nn.Embedding)}
        matrices = [p for p in params if p.ndim == 2 and min(p.shape) >= 32 and id(p) not in tables]
        chosen = {id(p) for p in matrices}
        others = [p for p in params if id(p) not in chosen]
        self.params = params
        self.optimisers = [Muon(matrices, muon), torch.optim.AdamW(others, adam, (0.9, 0.98), weight_decay=0.0)]
        self.rates = (muon, adam)

    def step(self, progress: float) -> None:
        """Applies the gradients; `progress` runs from 0 to 1."""
        nn.utils.clip_grad_norm_(self.params, 2.0)
        factor = min(1.0, progress / 0.02 + 0.05) * min(1.0, (1 - progress) / 0.6 + 0.01)
        for optimiser, rate in zip(self.optimisers, self.rates):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
