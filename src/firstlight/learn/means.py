"""What an optimiser moves in a phase of training: tensors of the network, or factors of updates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from firstlight.learn import strategies
from firstlight.learn.adapters import LowRank
from firstlight.learn.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Means:
    """What moves in a phase, and what moves it.

    Attributes
    ----------
    moving : dict of str to Tensor
        Of the network.
    low : LowRank or None
        Where some of them move by their factors.
    optimiser : Optimizer
    """

    moving: dict[str, Tensor]
    low: LowRank | None
    optimiser: torch.optim.Optimizer

    @classmethod
    def of(
        cls,
        network: nn.Module,
        phase: strategies.Phase,
        recipe: Recipe,
        *,
        seed: int,
        device: str,
    ) -> Means:
        """Everything that a phase needs; what does not move in it is frozen."""
        moving = free = strategies.freeze(network, phase.moving)
        low = None
        if phase.rank:
            matrices = {n: t for n, t in moving.items() if t.dim() == 2 and strategies.depth(n)}
            low = LowRank.of(matrices, phase.rank, seed)
            free = {n: t for n, t in moving.items() if n not in matrices} | low.factors
        groups: dict[float, list[Tensor]] = {}
        for name, tensor in free.items():
            groups.setdefault(phase.decay ** strategies.depth(name), []).append(tensor)
        given = [{"params": tensors, "scale": scale} for scale, tensors in groups.items()]
        optimiser = torch.optim.AdamW(given, lr=recipe.rate, weight_decay=recipe.weight_decay)
        return cls(moving, low, optimiser)

    @property
    def tensors(self) -> list[Tensor]:
        """What the optimiser moves."""
        return [tensor for group in self.optimiser.param_groups for tensor in group["params"]]

    def set_rate(self, rate: float) -> None:
        """Set the rate of the head; that of lower layers follows."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["scale"]

    def state(self) -> dict[str, Any]:
        """What `resume` needs beside the network."""
        return {
            "optimiser": self.optimiser.state_dict(),
            "factors": {} if self.low is None else self.low.factors,
        }

    def resume(self, saved: Mapping[str, Any], start: Mapping[str, Tensor]) -> None:
        """Go on from an earlier `state`, in a run whose network started at `start`."""
        self.optimiser.load_state_dict(saved["optimiser"])
        if self.low is not None:
            self.low.load(saved["factors"], start)

    def step(self, gradient_norm: float) -> None:
        """One step by the gradients that stand in the tensors."""
        if self.low is not None:
            self.low.backward()
        torch.nn.utils.clip_grad_norm_(self.tensors, gradient_norm)
        self.optimiser.step()
        if self.low is not None:
            self.low.fold()
