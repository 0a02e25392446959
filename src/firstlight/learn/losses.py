"""The loss: weighted cross-entropy at every observation, in which every object counts once."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional


def class_weights(target: NDArray[np.int64], classes: int, power: float) -> NDArray[np.float64]:
    """Weights [C] proportional to n_c ** -power, of mean 1 over these objects; 0 for a class without any.

    Only the labels given are counted: weights from labels beyond the budget are a leak. Power 1 balances the
    classes fully, at the price of useless probabilities; 0.5 is the usual compromise.
    """
    counts = np.bincount(target[target >= 0], minlength=classes).astype(np.float64)
    weights = np.where(counts > 0, np.maximum(counts, 1.0) ** -power, 0.0)
    mean = float((weights * counts).sum() / max(counts.sum(), 1.0))
    return weights / mean if mean > 0 else weights


def row_weights(issued: Tensor, *, prefixes: bool, power: float) -> Tensor:
    """What each row [B, T] counts within its light curve: each light curve's rows sum to 1.

    Parameters
    ----------
    issued : bool [B, T]
        Rows at which a probability is given.
    prefixes : bool
        Every row counts, as (position / length) ** power; else the last one only.
    """
    position = issued.cumsum(dim=1)  # 1, 2, ... over the issued rows
    length = position[:, -1:].clamp_min(1)
    if not prefixes:
        return (issued & (position == length)).float()
    weight = (position / length) ** power * issued
    return weight / weight.sum(dim=1, keepdim=True).clamp_min(1e-12)


def cross_entropy(
    logits: Tensor, target: Tensor, weight: Tensor, rows: Tensor, *, smoothing: float = 0.0
) -> Tensor:
    """Mean over the batch of weight times cross-entropy.

    Parameters
    ----------
    logits : float [B, T, C]
    target : int64 [B]
    weight : float [B]
        What each light curve counts.
    rows : float [B, T]
        What each row counts within it (`row_weights`).
    smoothing : float
        Share of the label spread evenly over all classes.
    """
    log_shares = functional.log_softmax(logits, dim=-1)  # (B, T, C)
    index = target[:, None, None].expand(-1, logits.shape[1], 1)
    loss = -log_shares.gather(-1, index).squeeze(-1)  # (B, T)
    if smoothing:
        loss = (1 - smoothing) * loss - smoothing * log_shares.mean(dim=-1)
    return (loss * rows).sum(dim=1).mul(weight).sum() / max(len(target), 1)


def pull(parameters: list[Tensor], start: list[Tensor]) -> Tensor:
    """Half the squared distance from where the parameters started (L2-SP, arXiv:1802.01483)."""
    return 0.5 * torch.stack([(p - s).square().sum() for p, s in zip(parameters, start, strict=True)]).sum()
