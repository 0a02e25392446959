"""Heads matched by class name: which classes a fine-tuned network has, and where their rows start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from firstlight.facts import class_tree


def merged_classes(base: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """The base's classes, finer ones replaced by the label that covers them, then the labels that are new.

    Examples
    --------
    >>> merged_classes(["AGN", "SN Ia", "SN Ia-91bg-like", "TDE"], ["SN Ia", "Kilonova"])
    ('AGN', 'SN Ia', 'TDE', 'Kilonova')
    """
    tree = class_tree()
    covered = []
    for name in base:
        place = tree.nearest_of(name, labels)
        covered.append(tree.canonical(labels[place]) if place >= 0 else tree.canonical(name))
    return tuple(dict.fromkeys([*covered, *(tree.canonical(name) for name in labels)]))


def head_mixture(old: Sequence[str], new: Sequence[str]) -> np.ndarray:  # float64 [new, old]
    """The weights with which rows of an old head start the rows of a new one; each row sums to 1.

    A new class starts from the mean of the old classes that it covers; one that covers none from its nearest
    relatives: the mean of the old classes at or under its nearest ancestor that has any; a stranger to the
    whole tree from the mean of all.

    Examples
    --------
    >>> head_mixture(["SN Ib", "SN Ic", "TDE"], ["SN Ib/c", "TDE"]).tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """
    tree = class_tree()
    mixture = tree.collapse_matrix(old, new).T.copy()
    for row, name in enumerate(new):
        if not mixture[row].any():
            for ancestor in (name, *tree.ancestors(name)):
                kin = np.array([tree.is_a(other, ancestor) for other in old], float)
                if kin.any():
                    mixture[row] = kin
                    break
            else:
                mixture[row] = 1.0
    return np.asarray(mixture / mixture.sum(axis=1, keepdims=True))


def match_head(weight: Tensor, bias: Tensor, old: Sequence[str], new: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The output layer's weight [C, E] and bias [C] for the new classes, from that of the old ones."""
    mixture = torch.from_numpy(head_mixture(old, new)).to(weight.dtype)
    # Rows with one source are copied, not multiplied, so that a kept class stays the same to the last bit.
    single = mixture.max(dim=1).values == 1
    source = mixture.argmax(dim=1)
    rows = torch.where(single[:, None], weight[source], mixture @ weight)
    return rows, torch.where(single, bias[source], mixture @ bias)
