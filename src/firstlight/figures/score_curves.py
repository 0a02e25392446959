"""A measure of several arms as curves: against time, and against the number of labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from firstlight.errors import UnknownNameError, UsageError
from firstlight.figures.style import FONT, FOOT, GREY, SMALL, arm_style, dress, given_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
TICKS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
BEFORE = 2.6  # the place of "no labels" lies this factor below the fewest labels of a logarithmic axis


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


def against_time(
    arms: Mapping[str, Iterable[ScoreRow]],
    *,
    clock: Literal["detections", "days"] = "detections",
    metric: str = "macro_auroc",
    of: str = "all",
    baseline: str | None = None,
    dashed: Collection[str] = (),
    legend: bool = True,
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
    dashed : collection of str
        Other arms drawn dashed, in their own colours.
    legend : bool
        Off where several panels share one.
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
        color, marker = (GREY, "o") if name == baseline else arm_style(plain.index(name))
        line = "--" if name == baseline or name in dashed else "-"
        if not found:
            raise UsageError(f"arm '{name}' has no rows of {metric} by {clock}")
        x = [at for at, _ in found]
        value, sd = (np.array([getattr(row, key) for _, row in found]) for key in ("value", "sd"))
        ax.plot(x, value, line, color=color, marker=marker, markersize=4, linewidth=1.8, label=name)
        ax.fill_between(x, value - sd, value + sd, color=color, alpha=0.16, linewidth=0)
        for row in chosen:
            if row.stage == "full":
                ax.axhline(row.value, color=color, linestyle=":", linewidth=1.0, zorder=0.5)
        numbers.update({at: row.n for at, row in found})
    _log_ticks(ax, numbers)
    _numbers_below(ax, numbers)
    unit = "Number of detections" if clock == "detections" else "Days since first detection"
    ax.set_xlabel(unit, fontsize=FONT, labelpad=16)
    _finish(ax, metric, of, legend=legend)
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
    _finish(ax, metric, of, legend=legend)
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


def _finish(ax: Axes, metric: str, of: str, *, legend: bool) -> None:
    """What the vertical axis shows, lines across, and the legend."""
    ax.set_ylabel(NAMES.get(metric, metric) + ("" if of == "all" else f", {of}"), fontsize=FONT)
    ax.grid(axis="y", color="0.93", linewidth=0.7)
    ax.set_axisbelow(True)
    if legend:
        ax.legend(fontsize=SMALL, frameon=False, loc="lower right")
