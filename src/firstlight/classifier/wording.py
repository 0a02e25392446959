"""A choice of objects in words: what they may be, what of it has few labels, and what they are unlike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from firstlight.classifier.acquisition import Choice, wanted

SURE = 0.8  # above this probability one class alone is named
NAMED = 0.15  # at least this probable, and a third of the first: named too
UNLIKE = 2 / 3  # diversity of twice the usual distance


def reasons(
    choice: Choice,
    probabilities: NDArray[np.floating],
    classes: Sequence[str],
    counts: NDArray[np.float64],
    *,
    compared: bool,
) -> list[str]:
    """One line an object chosen, e.g. ``"SLSN-I or TDE; few labels of either; unlike what is labelled"``.

    Parameters
    ----------
    choice : Choice
    probabilities : array [n, C]
        Of all objects that could be chosen.
    classes : sequence of str
    counts : float64 [C]
        Labels of each class.
    compared : bool
        Whether there were labelled light curves to be unlike to.
    """
    need = wanted(counts)
    scarce = (need > np.median(need)) | (counts == 0)
    lines: list[str] = []
    for index, diversity in zip(choice.chosen, choice.diversity, strict=True):
        may_be = _named(np.asarray(probabilities[index], np.float64))
        words = [_what([classes[k] for k in may_be], float(probabilities[index, may_be[0]]))]
        words += _labels([classes[k] for k in may_be], scarce[may_be], counts[may_be])
        if diversity >= UNLIKE and (compared or lines):
            words.append("unlike what is labelled" if compared else "unlike those above")
        lines.append("; ".join(words))
    return lines


def _named(p: NDArray[np.float64]) -> NDArray[np.int64]:
    """The classes to name, most probable first; at most three."""
    order = np.argsort(-p, kind="stable")[:3]
    if p[order[0]] >= SURE:
        return order[:1]
    least = max(NAMED, p[order[0]] / 3)
    return np.asarray(order[(p[order] >= least) | (np.arange(len(order)) == 0)])


def _what(names: Sequence[str], first: float) -> str:
    if len(names) > 1:
        return f"{', '.join(names[:-1])} or {names[-1]}"
    return f"{'probably' if first >= SURE else 'perhaps'} {names[0]}"


def _labels(names: Sequence[str], scarce: NDArray[np.bool_], counts: NDArray[np.float64]) -> list[str]:
    """What is to be said about the labels of the classes named: nothing where there are many."""
    rare = [name for name, is_rare in zip(names, scarce, strict=True) if is_rare]
    if not rare:
        return []
    amount = "no" if not counts[scarce].any() else "few"
    if len(rare) < len(names) or len(rare) == 1:
        return [f"{amount} labels of {' and '.join(rare)}"]
    return [f"{amount} labels of {'either' if len(rare) == 2 else 'any'}"]
