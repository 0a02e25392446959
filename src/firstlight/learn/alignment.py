"""Embeddings that look alike in two surveys, or simulation and sky: by unlabelled light curves, or by class.

A critic learns to tell unlabelled light curves from labelled ones by their embedding, and its gradient
reaches the network reversed (arXiv:1505.07818). Beside it, embeddings of one class may be drawn together
across surveys (arXiv:2004.11362; both together for light curves: arXiv:2510.12958).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from firstlight.learn.batches import Batch, Examples, pad

WIDTH = 32
TEMPERATURE = 0.2


class _Reversed(torch.autograd.Function):  # type: ignore[misc]  # torch is Any to mypy
    """The same numbers forwards; backwards the gradient with its sign turned."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


@dataclass(frozen=True, eq=False)
class Critic:
    """Who tells unlabelled light curves from labelled ones.

    Attributes
    ----------
    head : Module
        From an embedding to a logit.
    unlabelled : Examples
    strength : float
        Of the reversed gradient.
    """

    head: nn.Module
    unlabelled: Examples
    strength: float

    @classmethod
    def of(cls, unlabelled: Examples, embedding: int, strength: float, seed: int, device: str) -> Critic:
        """A fresh critic of embeddings of this width."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = nn.Sequential(nn.Linear(embedding, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))
        return cls(head.to(device), unlabelled, strength)

    def draw(self, count: int, rng: np.random.Generator, device: str) -> Batch:
        """As many unlabelled light curves as there are, at most `count`."""
        size = min(count, len(self.unlabelled))
        return pad(self.unlabelled, rng.choice(len(self.unlabelled), size, replace=False), device)

    def loss(self, labelled: Tensor, rows: Tensor, unlabelled: Tensor, other_rows: Tensor) -> Tensor:
        """Cross-entropy of the critic, whose gradient reaches the embeddings reversed.

        Parameters
        ----------
        labelled, unlabelled : float [B, T, E]
        rows, other_rows : float [B, T]
            What each row counts within its light curve (`losses.row_weights`).
        """
        total = labelled.new_zeros(())
        for truth, embedding, weight in ((1.0, labelled, rows), (0.0, unlabelled, other_rows)):
            logits = self.head(_Reversed.apply(embedding, self.strength)).squeeze(-1)  # (B, T)
            each = functional.binary_cross_entropy_with_logits(
                logits, torch.full_like(logits, truth), reduction="none"
            )
            total = total + 0.5 * (each * weight).sum() / len(embedding)
        return total


def contrast(embedding: Tensor, target: Tensor) -> Tensor:
    """Supervised contrastive loss of embeddings [B, E] with classes [B]; 0 where no class comes twice."""
    unit = functional.normalize(embedding, dim=-1)
    near = unit @ unit.T / TEMPERATURE  # (B, B)
    itself = torch.eye(len(target), dtype=torch.bool, device=target.device)
    log_shares = functional.log_softmax(near.masked_fill(itself, -1e9), dim=-1)
    same = (target[:, None] == target) & ~itself
    count = same.sum(dim=1)
    loss = -(log_shares * same).sum(dim=1) / count.clamp_min(1)
    return loss.sum() / (count > 0).sum().clamp_min(1)


def last_rows(values: Tensor, issued: Tensor) -> Tensor:
    """The values [B, E] at the last issued row of each light curve, of values [B, T, E]."""
    step = torch.arange(issued.shape[1], device=issued.device)
    last = (issued * step).argmax(dim=1)
    return values[torch.arange(len(last), device=last.device), last]
