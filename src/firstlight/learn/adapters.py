"""Low-rank updates of a network's matrices: few numbers move, and they are folded into the matrices at once.

The network itself knows nothing of it: before each step its matrices are base + B A, so that what is
validated, saved and exported is an ordinary network (LoRA, arXiv:2106.09685).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class LowRank:
    """The factors of the updates of some matrices.

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
