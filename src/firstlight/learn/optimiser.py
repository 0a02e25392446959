"""What an optimiser moves in a phase of training: tensors, or low-rank updates of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from firstlight.learn.recipe import Phase, Recipe

# Layers that move, by the first part of a tensor's name; the names are the same in every preset.
_MOVING: dict[str, tuple[str, ...]] = {
    "output": ("output",),
    "last-two": ("latent", "output"),
    "recurrent-and-output": ("recurrent", "latent", "output"),  # what arXiv:2502.18558 calls "GRU and output"
}
# How far below the head a layer lies: the exponent of its rate in "layer-wise".
_DEPTH = {"output": 0, "latent": 1, "metadata": 1, "merge": 1, "host": 1, "dense": 1, "recurrent": 2}
_DEEPEST = 4


def freeze(network: nn.Module, moving: str) -> dict[str, Tensor]:
    """The tensors that move, by name; all others are frozen and come out of training bit-identical."""
    trained = {}
    for name, tensor in network.named_parameters():
        tensor.requires_grad_(moves(moving, name, tensor.dim()))
        if tensor.requires_grad:
            trained[name] = tensor
    return trained


def moves(moving: str, name: str, axes: int) -> bool:
    """Whether a tensor of this name and number of axes moves."""
    layer = name.split(".")[0]
    if moving == "full" or layer == "output":
        return True
    if moving == "adapters":
        return axes == 2
    if moving == "bias-norm":  # arXiv:2106.10199
        return layer == "norm" or "bias" in name
    return layer in _MOVING[moving]


def depth(name: str) -> int:
    """Layers between a tensor and the head: 0 for the head itself."""
    layer, _, rest = name.partition(".")
    if layer == "recurrent":  # the second of two GRU layers lies above the first
        return _DEPTH[layer] + (0 if rest.endswith("_l1") else 1)
    return _DEPTH.get(layer, _DEEPEST)


@dataclass(frozen=True, eq=False)
class Optimiser:
    """What moves in a phase of training, and AdamW that moves it.

    Attributes
    ----------
    moving : dict of str to Tensor
        Of the network.
    adam : Optimizer
    low_rank : LowRank or None
        Where some of them move by their factors.
    """

    moving: dict[str, Tensor]
    adam: torch.optim.Optimizer
    low_rank: LowRank | None = None

    @classmethod
    def of(cls, network: nn.Module, phase: Phase, recipe: Recipe, *, seed: int) -> Optimiser:
        """Everything that a phase needs; what does not move in it is frozen."""
        moving = free = freeze(network, phase.moving)
        low_rank = None
        if phase.rank:
            matrices = {n: t for n, t in moving.items() if t.dim() == 2 and depth(n)}
            low_rank = LowRank.of(matrices, phase.rank, seed)
            free = {n: t for n, t in moving.items() if n not in matrices} | low_rank.factors
        groups: dict[float, list[Tensor]] = {}
        for name, tensor in free.items():
            groups.setdefault(phase.decay ** depth(name), []).append(tensor)
        given = [{"params": tensors, "scale": scale} for scale, tensors in groups.items()]
        adam = torch.optim.AdamW(given, lr=recipe.rate, weight_decay=recipe.weight_decay)
        return cls(moving, adam, low_rank)

    @property
    def tensors(self) -> list[Tensor]:
        """What the optimiser moves."""
        return [tensor for group in self.adam.param_groups for tensor in group["params"]]

    def set_rate(self, rate: float) -> None:
        """Set the rate of the head; that of lower layers follows."""
        for group in self.adam.param_groups:
            group["lr"] = rate * group["scale"]

    def state(self) -> dict[str, Any]:
        """What `resume` needs beside the network."""
        return {
            "optimiser": self.adam.state_dict(),
            "factors": {} if self.low_rank is None else self.low_rank.factors,
        }

    def resume(self, saved: Mapping[str, Any], start: Mapping[str, Tensor]) -> None:
        """Go on from an earlier `state`, in a run whose network started at `start`."""
        self.adam.load_state_dict(saved["optimiser"])
        if self.low_rank is not None:
            self.low_rank.load(saved["factors"], start)

    def step(self, gradient_norm: float) -> None:
        """One step by the gradients that stand in the tensors."""
        if self.low_rank is not None:
            self.low_rank.backward()
        torch.nn.utils.clip_grad_norm_(self.tensors, gradient_norm)
        self.adam.step()
        if self.low_rank is not None:
            self.low_rank.fold()


@dataclass(frozen=True, eq=False)
class LowRank:
    """Low-rank updates of some matrices: few numbers move, and they are folded into the matrices at once.

    The network itself knows nothing of it: before each step its matrices are base + B A, so that what is
    validated, saved and exported is an ordinary network (LoRA, arXiv:2106.09685).

    Attributes
    ----------
    matrices, start : dict of str to Tensor [a, b]
        Of the network, and as they were.
    down, up : dict of str to Tensor, [r, b] and [a, r]
        Their product is what is added.
    """

    matrices: Mapping[str, Tensor]
    start: Mapping[str, Tensor]
    down: Mapping[str, Tensor]
    up: Mapping[str, Tensor]

    @classmethod
    def of(cls, matrices: Mapping[str, Tensor], rank: int, seed: int) -> LowRank:
        """Factors that add nothing yet: `down` is drawn, `up` is 0."""
        generator = torch.Generator().manual_seed(seed)
        down, up = {}, {}
        for name, matrix in matrices.items():
            a, b = matrix.shape
            r = min(rank, a, b)
            drawn = torch.randn(r, b, generator=generator) / math.sqrt(b)
            down[name] = drawn.to(matrix.device).requires_grad_()
            up[name] = torch.zeros(a, r, device=matrix.device).requires_grad_()
        return cls(matrices, {name: one.detach().clone() for name, one in matrices.items()}, down, up)

    @property
    def factors(self) -> dict[str, Tensor]:
        """What an optimiser moves, by name."""
        return {f"{name}.down": one for name, one in self.down.items()} | {
            f"{name}.up": one for name, one in self.up.items()
        }

    def backward(self) -> None:
        """Give the factors their gradients, by those of the matrices."""
        for name, matrix in self.matrices.items():
            if matrix.grad is not None:
                self.down[name].grad = self.up[name].detach().T @ matrix.grad
                self.up[name].grad = matrix.grad @ self.down[name].detach().T
                matrix.grad = None

    def fold(self) -> None:
        """Put base + up down into the network's matrices."""
        with torch.no_grad():
            for name, matrix in self.matrices.items():
                matrix.copy_(self.start[name] + self.up[name] @ self.down[name])

    def load(self, factors: Mapping[str, Tensor], start: Mapping[str, Tensor]) -> None:
        """Go on with the factors of an earlier run, whose matrices started at `start`."""
        with torch.no_grad():
            for name, tensor in self.factors.items():
                tensor.copy_(factors[name])
            for name, tensor in self.start.items():
                tensor.copy_(start[name])
