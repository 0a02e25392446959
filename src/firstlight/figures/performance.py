"""Figures of how well a classifier does: against time, by class, by probability, by number of labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firstlight.errors import UnknownNameError, UsageError
from firstlight.figures.style import FONT, FOOT, GREY, SMALL, class_style, dress, given_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

#: Colours of arms (methods) in the order in which they are given; apart from those of classes by being named
#: in a legend.
ARMS = ("#0072b2", "#d55e00", "#009e73", "#b8559a", "#e69f00", "#46a8e0", "0.3")
NAMES = {
    "macro_auroc": "Macro AUROC",
    "macro_auprc": "Macro AUPRC",
    "macro_f1": "Macro F1",
    "macro_f1_balanced": "Macro F1 (balanced decision)",
    "balanced_accuracy": "Balanced accuracy",
    "balanced_accuracy_balanced": "Balanced accuracy (balanced decision)",
    "accuracy": "Accuracy",
    "log_loss": "Log loss",
    "ece": "Calibration error",
}
PRECISION_RECALL_SIZE = (7.0, 4.4)  # inch, with the legend beside
TICKS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)


class ScoreRow(Protocol):
    """A tidy row of results (``firstlight.evaluate.Score``)."""

    @property
    def stage(self) -> str: ...  # noqa: D102
    @property
    def metric(self) -> str: ...  # noqa: D102
    @property
    def of(self) -> str: ...  # noqa: D102
    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def sd(self) -> float: ...  # noqa: D102
    @property
    def n(self) -> int: ...  # noqa: D102


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
    def n(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def histogram(self) -> NDArray[np.int64]: ...  # noqa: D102


def against_time(
    arms: Mapping[str, Iterable[ScoreRow]],
    *,
    clock: Literal["detections", "days"] = "detections",
    metric: str = "macro_auroc",
    of: str = "all",
    baseline: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A measure against the number of detections or days since the trigger, one line an arm.

    Parameters
    ----------
    arms : mapping of str to rows
        Rows of `firstlight.evaluate.score` at several stages, by the name of the arm.
    clock : {"detections", "days"}
        Which stages to draw; the score of the full light curve stands at the right edge as a dotted line.
    metric, of : str
        Measure, and the class it belongs to (``"all"`` for macro measures).
    baseline : str, optional
        Arm drawn dashed and grey.
    ax : Axes, optional
    """
    if clock not in ("detections", "days"):
        raise UnknownNameError("clock", clock, ("detections", "days"))
    ax = given_or_new(ax, (5.2, 4.2))
    dress(ax, minor=False)
    numbers: dict[float, int] = {}
    plain = [name for name in arms if name != baseline]
    for name, rows in arms.items():
        chosen = [row for row in rows if row.metric == metric and row.of == of]
        found = sorted((at, row) for row in chosen if (at := _time_of(row.stage, clock)) is not None)
        color = GREY if name == baseline else ARMS[plain.index(name) % len(ARMS)]
        line = "--" if name == baseline else "-"
        if not found:
            raise UsageError(f"arm '{name}' has no rows of {metric} by {clock}")
        x = [at for at, _ in found]
        value, sd = (np.array([getattr(row, key) for _, row in found]) for key in ("value", "sd"))
        ax.plot(x, value, line, color=color, marker="o", markersize=4, linewidth=1.8, label=name)
        ax.fill_between(x, value - sd, value + sd, color=color, alpha=0.16, linewidth=0)
        for row in chosen:
            if row.stage == "full":
                ax.axhline(row.value, color=color, linestyle=":", linewidth=1.0, zorder=0.5)
        numbers.update({at: row.n for at, row in found})
    _log_ticks(ax, numbers)
    _numbers_below(ax, numbers)
    unit = "Number of detections" if clock == "detections" else "Days since first detection"
    ax.set_xlabel(unit, fontsize=FONT, labelpad=16)
    ax.set_ylabel(NAMES.get(metric, metric) + ("" if of == "all" else f", {of}"), fontsize=FONT)
    ax.legend(fontsize=SMALL, frameon=False, loc="lower right")
    ax.grid(axis="y", color="0.93", linewidth=0.7)
    ax.set_axisbelow(True)
    return ax


def _time_of(stage: str, clock: str) -> float | None:
    """The number in ``"3 detections"`` or ``"20 days"``, None for the other clock."""
    number, _, unit = stage.partition(" ")
    return float(number) if unit.rstrip("s") == clock.rstrip("s") else None


def _log_ticks(ax: Axes, places: Iterable[float]) -> None:
    low, high = min(places), max(places)
    ax.set_xscale("log")
    ticks = [tick for tick in TICKS if low <= tick <= high]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlim(low / 1.12, high * 1.12)


def _numbers_below(ax: Axes, numbers: Mapping[float, int]) -> None:
    """How many objects stand behind each point, under the axis."""
    style: dict[str, Any] = {"fontsize": FOOT, "color": GREY, "va": "top", "annotation_clip": False}
    for at, n in numbers.items():
        ax.annotate(
            f"{n:,}",
            (at, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -17),
            textcoords="offset points",
            ha="center",
            **style,
        )
    ax.annotate(
        "n =",
        (0, 0),
        xycoords="axes fraction",
        xytext=(-8, -17),
        textcoords="offset points",
        ha="right",
        **style,
    )


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


Interval = tuple[float, float, float]


def roc(
    curves: Mapping[str, tuple[Floats, Floats]],
    areas: Mapping[str, Interval] | None = None,
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
    areas: Mapping[str, Interval] | None = None,
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


def _with_area(name: str, areas: Mapping[str, Interval] | None) -> str:
    if areas is None:
        return name
    value, low, high = areas[name]
    return f"{name}  {value:.3f} ({low:.3f}-{high:.3f})"


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


def label_efficiency(
    arms: Mapping[str, Mapping[float, Sequence[float]]],
    *,
    metric: str = "macro_auroc",
    all_labels: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A measure against the number of labels, one line an arm: median and 68 % band over draws of the labels.

    Parameters
    ----------
    arms : mapping of str to mapping of int to sequence of float
        For each arm and number of labels the values of all draws.
    metric : str
    all_labels : mapping of str to float, optional
        What an arm reaches with all labels: a horizontal dotted line.
    ax : Axes, optional
    """
    ax = given_or_new(ax, (5.2, 4.2))
    dress(ax, minor=False)
    places: set[float] = set()
    for index, (name, budgets) in enumerate(arms.items()):
        color = ARMS[index % len(ARMS)]
        x = sorted(budgets)
        low, middle, high = np.array([np.quantile(budgets[number], (0.16, 0.5, 0.84)) for number in x]).T
        ax.plot(x, middle, color=color, marker="o", markersize=4, linewidth=1.8, label=name)
        ax.fill_between(x, low, high, color=color, alpha=0.16, linewidth=0)
        if all_labels is not None and name in all_labels:
            ax.axhline(all_labels[name], color=color, linestyle=":", linewidth=1.1, zorder=0.5)
        places.update(x)
    ax.set_xscale("log")
    ax.set_xticks(sorted(places), [f"{place:,.0f}" for place in sorted(places)])
    ax.set_xticks([], minor=True)
    ax.set_xlabel("Number of labels", fontsize=FONT)
    ax.set_ylabel(NAMES.get(metric, metric), fontsize=FONT)
    ax.grid(axis="y", color="0.93", linewidth=0.7)
    ax.set_axisbelow(True)
    ax.legend(fontsize=SMALL, frameon=False, loc="lower right")
    return ax
