"""Strategies of transfer: which tensors of a network move, in which order and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor, nn

from firstlight.errors import UnknownNameError

Strategy = Literal["output", "last-two", "recurrent-and-output", "full", "head-first"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)

# Layers that move, by the first part of a tensor's name; the names are the same in every preset.
_MOVING: dict[str, tuple[str, ...] | None] = {
    "output": ("output",),
    "last-two": ("latent", "output"),
    "recurrent-and-output": ("recurrent", "latent", "output"),  # what arXiv:2502.18558 calls "GRU and output"
    "full": None,
}


@dataclass(frozen=True)
class Phase:
    """A stretch of training: what moves, for which share of the epochs, at which multiple of the rate."""

    moving: str
    share: float = 1.0
    rate: float = 1.0


def phases(strategy: str, *, head_share: float = 0.3, later_rate: float = 0.3) -> tuple[Phase, ...]:
    """The phases of a strategy; "head-first" (LP-FT, arXiv:2202.10054) has two, the others one.

    Raises
    ------
    UnknownNameError
        For a strategy that nobody knows.
    """
    if strategy not in STRATEGIES:
        raise UnknownNameError("strategy", strategy, STRATEGIES)
    if strategy == "head-first":
        return Phase("output", head_share), Phase("full", 1 - head_share, later_rate)
    return (Phase(strategy),)


def freeze(network: nn.Module, moving: str) -> dict[str, Tensor]:
    """The tensors that move, by name; all others are frozen and come out of training bit-identical."""
    layers = _MOVING[moving]
    trained = {}
    for name, tensor in network.named_parameters():
        tensor.requires_grad_(layers is None or name.split(".")[0] in layers)
        if tensor.requires_grad:
            trained[name] = tensor
    return trained
