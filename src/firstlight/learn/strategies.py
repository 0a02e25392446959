"""Strategies of transfer: which tensors of a network move, in which order, how fast and how freely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor, nn

from firstlight.errors import UnknownNameError

Strategy = Literal[
    "output",
    "last-two",
    "recurrent-and-output",
    "full",
    "head-first",
    "layer-wise",
    "l2-sp",
    "adapters",
    "bias-norm",
    "auto",
]
STRATEGIES: tuple[str, ...] = get_args(Strategy)

# Layers that move, by the first part of a tensor's name; the names are the same in every preset.
_MOVING: dict[str, tuple[str, ...]] = {
    "output": ("output",),
    "last-two": ("latent", "output"),
    "recurrent-and-output": ("recurrent", "latent", "output"),  # what arXiv:2502.18558 calls "GRU and output"
}
# How far below the head a layer lies: the exponent of its rate in "layer-wise".
_DEPTH = {"output": 0, "latent": 1, "metadata": 1, "merge": 1, "host": 1, "dense": 1, "recurrent": 2}
_DEEPEST = 4


@dataclass(frozen=True)
class Phase:
    """A stretch of training: what moves, for which share of the epochs, at which multiple of the rate.

    Attributes
    ----------
    moving : str
        What `freeze` lets move.
    share, rate : float
    decay : float
        Factor on the rate from each layer to the one below it.
    rank : int
        Rank of the updates of matrices below the head; 0 leaves them free.
    pull : float
        Strength of the pull back to the base where the recipe states none.
    """

    moving: str
    share: float = 1.0
    rate: float = 1.0
    decay: float = 1.0
    rank: int = 0
    pull: float = 0.0


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
    if strategy == "layer-wise":  # arXiv:1801.06146
        return (Phase("full", decay=0.4),)
    if strategy == "l2-sp":  # arXiv:1802.01483
        return (Phase("full", pull=0.01),)
    if strategy == "adapters":  # low-rank updates, arXiv:2106.09685; they need the higher rate
        return (Phase("adapters", rank=4, rate=3.0),)
    return (Phase("full" if strategy == "auto" else strategy),)  # "auto" decides where it starts and ends


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
