"""Figures of how well a classifier does, class by class: confusion, ROC, precision, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike

from firstlight._types import Floats, Ints
from firstlight.figures.style import ARMS, FONT, FOOT, GREY, SMALL, class_style, dress, given_or_new
from firstlight.report import with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PRECISION_RECALL_SIZE = (7.0, 4.4)  # inch, with the legend beside


class ReliabilityBins(Protocol):
    """Bins of a reliability diagram (``firstlight.evaluate.Reliability``)."""

    @property
    def predicted(self) -> Floats: ...  # noqa: D102
    @property
    def observed(self) -> Floats: ...  # noqa: D102
    @property
    def lo(self) -> Floats: ...  # noqa: D102
    @property
    def hi(self) -> Floats: ...  # noqa: D102
    @property
    def n(self) -> Ints: ...  # noqa: D102
    @property
    def histogram(self) -> Ints: ...  # noqa: D102


def confusion_matrix(
    counts: ArrayLike, classes: Sequence[str], *, title: str = "", ax: Axes | None = None
) -> Axes:
    """Share of each true class (row) that was called each class (column), with numbers of objects.

    Parameters
    ----------
    counts : int [C, C]
        As `firstlight.evaluate.confusion` gives it.
    classes : sequence of str
    title : str
        Written above, e.g. ``"5 detections"``.
    ax : Axes, optional
    """
    from matplotlib.colors import LinearSegmentedColormap

    table = np.asarray(counts, dtype=np.float64)
    sizes = table.sum(axis=1, keepdims=True)
    share = np.divide(table, sizes, out=np.zeros_like(table), where=sizes > 0)
    side = 1.9 + 0.62 * len(classes)
    new = ax is None
    ax = given_or_new(ax, (side + 0.5, side))
    if new:
        ax.figure.subplots_adjust(
            left=1.55 / (side + 0.5), right=0.98, top=1 - 0.4 / side, bottom=1.15 / side
        )
    shade = LinearSegmentedColormap.from_list("firstlight", ["white", "#0072b2"])
    ax.imshow(share, cmap=shade, vmin=0, vmax=1, aspect="equal")
    for row, column in np.ndindex(table.shape):
        color = "white" if share[row, column] > 0.55 else "0.15"
        if table[row, column] == 0:
            ax.text(column, row, "·", ha="center", va="center", color="0.6", fontsize=SMALL)
            continue
        ax.text(
            column,
            row - 0.1,
            f"{share[row, column]:.2f}",
            ha="center",
            va="center",
            color=color,
            fontsize=SMALL,
        )
        ax.text(
            column,
            row + 0.25,
            f"{int(table[row, column]):,}",
            ha="center",
            va="center",
            color=color,
            fontsize=FOOT - 1,
        )
    ax.set_xticks(
        range(len(classes)), classes, rotation=40, ha="right", rotation_mode="anchor", fontsize=SMALL
    )
    names = [f"{name} ({int(size):,})" for name, size in zip(classes, sizes[:, 0], strict=True)]
    ax.set_yticks(range(len(classes)), names, fontsize=SMALL)
    ax.set_xticks(np.arange(len(classes) - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(len(classes) - 1) + 0.5, minor=True)
    ax.grid(which="minor", color="0.85", linewidth=0.7)
    ax.tick_params(which="both", length=0)
    for spine in ax.spines.values():
        spine.set_color("0.6")
    ax.set_xlabel("Called", fontsize=FONT)
    ax.set_ylabel("True class (objects)", fontsize=FONT)
    if title:
        ax.set_title(title, fontsize=FONT, loc="left")
    return ax


Area = tuple[float, float, float]  # under a curve: value, and the ends of its interval


def roc(
    curves: Mapping[str, tuple[Floats, Floats]],
    areas: Mapping[str, Area] | None = None,
    *,
    log: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """ROC curve of every class, its area with the interval in the legend.

    Parameters
    ----------
    curves : mapping of class to (false positive rate, true positive rate)
    areas : mapping of class to (AUROC, lower, upper), optional
    log : bool
        Logarithmic false positive rate, for samples in which one in a hundred wrong is too many.
    ax : Axes, optional
    """
    ax = given_or_new(ax, (4.8, 4.6))
    dress(ax)
    for name, (false, true) in curves.items():
        style = class_style(name)
        ax.plot(
            false,
            true,
            style.line,
            drawstyle="steps-post",
            color=style.color,
            linewidth=1.7,
            label=_with_area(name, areas),
        )
    chance = np.geomspace(1e-4, 1, 100) if log else np.array([0.0, 1.0])
    ax.plot(chance, chance, color=GREY, linestyle="--", linewidth=0.9, zorder=0.5)
    if log:
        ax.set_xscale("log")
        ax.set_xlim(1e-3, 1)
    else:
        ax.set_xlim(-0.01, 1)
    ax.set_ylim(0, 1.01)
    ax.set_xlabel("False positive rate", fontsize=FONT)
    ax.set_ylabel("True positive rate", fontsize=FONT)
    ax.legend(
        fontsize=SMALL,
        frameon=False,
        loc="upper left" if log else "lower right",
        title="AUROC (95 %)",
        title_fontsize=SMALL,
    )
    return ax


def precision_recall(
    curves: Mapping[str, tuple[Floats, Floats]],
    areas: Mapping[str, Area] | None = None,
    base_rates: Mapping[str, float] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Purity against completeness of every class; a dotted line at each base rate, which a guess would reach.

    Parameters
    ----------
    curves : mapping of class to (recall, precision)
    areas : mapping of class to (AUPRC, lower, upper), optional
    base_rates : mapping of class to float, optional
    ax : Axes, optional
    """
    new = ax is None
    ax = given_or_new(ax, PRECISION_RECALL_SIZE)
    if new:
        ax.figure.subplots_adjust(left=0.09, right=0.66)
    dress(ax)
    for name, (recall, precision) in curves.items():
        style = class_style(name)
        ax.plot(
            recall,
            precision,
            style.line,
            drawstyle="steps-pre",
            color=style.color,
            linewidth=1.7,
            label=_with_area(name, areas),
        )
        if base_rates is not None:
            ax.axhline(base_rates[name], color=style.color, linestyle=":", linewidth=0.9, zorder=0.5)
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("Recall (completeness)", fontsize=FONT)
    ax.set_ylabel("Precision (purity)", fontsize=FONT)
    # Beside the axes: whatever the classes do, no corner of this diagram is sure to stay empty.
    ax.legend(
        fontsize=SMALL,
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.01),
        title="AUPRC (95 %)",
        title_fontsize=SMALL,
    )
    return ax


def _with_area(name: str, areas: Mapping[str, Area] | None) -> str:
    if areas is None:
        return name
    return f"{name}  {with_interval(*areas[name])}"


def reliability(
    bins: ReliabilityBins, name: str = "", *, calibration_error: float | None = None, ax: Axes | None = None
) -> Axes:
    """Share that was true against the probability given, with binomial bars; below, how many objects a bin.

    Parameters
    ----------
    bins : Reliability
        As `firstlight.evaluate.reliability` gives it.
    name : str
        Class whose probability it is (its colour and title).
    calibration_error : float, optional
        Written into the corner.
    ax : Axes, optional
    """
    ax = given_or_new(ax, (4.4, 4.6))
    dress(ax)
    color = class_style(name).color if name else ARMS[0]
    ax.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=0.9, zorder=0.5)
    bars = np.clip([bins.observed - bins.lo, bins.hi - bins.observed], 0, None)
    ax.errorbar(
        bins.predicted,
        bins.observed,
        bars,
        fmt="o-",
        color=color,
        markersize=4.5,
        linewidth=1.3,
        elinewidth=1.0,
    )
    edges = np.linspace(0.0, 1.0, bins.histogram.size + 1)
    heights = np.log1p(bins.histogram) / np.log1p(bins.histogram.max())  # rare classes crowd at 0
    ax.bar(
        edges[:-1], 0.15 * heights, np.diff(edges), -0.2, align="edge", color=color, alpha=0.35, linewidth=0
    )
    ax.axhline(0.0, color="0.85", linewidth=0.7, zorder=0.4)
    ax.text(1.0, -0.008, "objects (log)", ha="right", va="top", fontsize=FOOT - 1, color=GREY)
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.22, 1.02)
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.set_xlabel(f"Probability of {name}" if name else "Highest probability", fontsize=FONT)
    ax.set_ylabel("Share that was true", fontsize=FONT)
    text = f"{int(np.sum(bins.n)):,} objects"
    if calibration_error is not None:
        text = f"ECE {calibration_error:.3f}\n{text}"
    if np.average(bins.observed - bins.predicted, weights=bins.n) > 0:  # the curve runs above the diagonal
        ax.text(0.98, 0.02, text, ha="right", va="bottom", fontsize=SMALL)
    else:
        ax.text(0.02, 0.98, text, va="top", fontsize=SMALL)
    return ax
