"""A measure against the number of labels: what a label is worth to each arm."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from firstlight.figures.performance import NAMES
from firstlight.figures.style import FONT, GREY, SMALL, arm_style, dress, given_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEFORE = 2.6  # the place of "no labels" lies this factor below the fewest labels of a logarithmic axis


def label_efficiency(
    arms: Mapping[str, Mapping[float, Sequence[float]]],
    *,
    metric: str = "macro_auroc",
    of: str = "all",
    all_labels: Mapping[str, float] | None = None,
    dashed: Collection[str] = (),
    legend: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """A measure against the number of labels, one line an arm: median and 68 % band over draws of the labels.

    Parameters
    ----------
    arms : mapping of str to mapping of int to sequence of float
        For each arm and number of labels the values of all draws. What an arm has with 0 labels stands at the
        left, and one that has nothing else runs on as a thin line.
    metric, of : str
        Measure, and the class it belongs to.
    all_labels : mapping of str to float, optional
        What an arm reaches with all labels: a horizontal dotted line.
    dashed : collection of str
        Arms drawn dashed, e.g. those from scratch.
    legend : bool
        Off where several panels share one.
    ax : Axes, optional
    """
    ax = given_or_new(ax, (5.2, 4.2))
    dress(ax, minor=False)
    places = sorted({place for budgets in arms.values() for place in budgets if place > 0}) or [1.0]
    start = places[0] / BEFORE
    for index, (name, budgets) in enumerate(arms.items()):
        color, marker = arm_style(index)
        line = "--" if name in dashed else "-"
        x = [place for place in sorted(budgets) if place > 0]
        if x:
            low, middle, high = np.array([np.quantile(budgets[place], (0.16, 0.5, 0.84)) for place in x]).T
            ax.plot(x, middle, line, color=color, marker=marker, markersize=4, linewidth=1.8, label=name)
            ax.fill_between(x, low, high, color=color, alpha=0.16, linewidth=0)
        if 0 in budgets:
            value = float(np.median(budgets[0]))
            label = "_" if x else name
            ax.plot([start], [value], marker, color=color, markersize=6, markerfacecolor="white", label=label)
            if x:
                ax.plot([start, x[0]], [value, middle[0]], ":", color=color, linewidth=1.1)
            else:
                ax.axhline(value, color=color, linestyle=(0, (1, 2)), linewidth=1.0, zorder=0.5)
        if all_labels is not None and name in all_labels:
            ax.axhline(all_labels[name], color=color, linestyle=":", linewidth=1.1, zorder=0.5)
    _label_axis(ax, places, start if any(0 in budgets for budgets in arms.values()) else None)
    ax.set_ylabel(NAMES.get(metric, metric) + ("" if of == "all" else f", {of}"), fontsize=FONT)
    ax.grid(axis="y", color="0.93", linewidth=0.7)
    ax.set_axisbelow(True)
    if legend:
        ax.legend(fontsize=SMALL, frameon=False, loc="lower right")
    return ax


def _label_axis(ax: Axes, places: Sequence[float], start: float | None) -> None:
    """A logarithmic axis of labels with a place of its own for none of them."""
    ax.set_xscale("log")
    ticks, names = list(places), [f"{place:,.0f}" for place in places]
    if start is not None:
        ticks, names = [start, *ticks], ["0", *names]
        ax.axvline((start * places[0]) ** 0.5, color=GREY, linewidth=0.8, linestyle=(0, (4, 4)), zorder=0.4)
    ax.set_xticks(ticks, names)
    ax.set_xticks([], minor=True)
    edge = 1.25
    ax.set_xlim(ticks[0] / edge, ticks[-1] * edge)
    ax.set_xlabel("Number of labels", fontsize=FONT)
