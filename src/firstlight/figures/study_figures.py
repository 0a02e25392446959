"""The figures of a study, by name: against labels, by class, against time, and confusion."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from firstlight.figures.diagrams import confusion_matrix
from firstlight.figures.score_curves import ScoreRow, against_time, label_efficiency
from firstlight.figures.style import FONT, SMALL, needs_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ByLabels = Mapping[str, Mapping[float, Sequence[float]]]

COLUMNS = 3
LINE = 0.21  # inch of a line of a legend


def study_figures(
    by_labels: Mapping[str, ByLabels],
    by_class: Mapping[str, ByLabels],
    by_stage: Mapping[str, Iterable[ScoreRow]],
    confusion: Mapping[str, ArrayLike],
    classes: Sequence[str],
    *,
    dashed: Collection[str] = (),
) -> dict[str, Figure]:
    """Figures of a study by file name without suffix; none of them is known to pyplot.

    Parameters
    ----------
    by_labels : mapping of measure to mapping of arm to mapping of number of labels to values
    by_class : the same by class
        Of the AUROC.
    by_stage : mapping of arm to rows
        Macro AUROC at several stages.
    confusion : mapping of str to int [C, C]
        Matrices by title.
    classes : sequence of str
    dashed : collection of str
        Arms from scratch.
    """
    needs_matplotlib("study figures")
    figures: dict[str, Figure] = {}
    drawn = [(metric, arms) for metric, arms in by_labels.items() if arms]
    if drawn:
        figures["labels"] = _beside(
            [
                lambda ax, metric=metric, arms=arms: label_efficiency(
                    arms, metric=metric, dashed=dashed, legend=False, ax=ax
                )
                for metric, arms in drawn
            ]
        )
    panels = [(name, arms) for name, arms in by_class.items() if arms]
    if panels:
        figures["classes"] = _grid(panels, dashed)
    rows = {name: list(own) for name, own in by_stage.items()}
    clocks: list[Any] = [clock for clock in ("detections", "days") if _has(rows, clock)]
    if clocks:
        figures["time"] = _beside(
            [
                lambda ax, clock=clock: against_time(rows, clock=clock, dashed=dashed, legend=False, ax=ax)
                for clock in clocks
            ]
        )
    for number, (title, counts) in enumerate(confusion.items(), start=1):
        figures[f"confusion-{number}"] = _confusion(title, counts, classes)
    return figures


def _has(rows: Mapping[str, Sequence[ScoreRow]], clock: str) -> bool:
    """Whether every arm has two stages of a clock."""
    unit = clock.rstrip("s")
    counts = [
        len({row.stage for row in own if row.stage.rstrip("s").endswith(unit)}) for own in rows.values()
    ]
    return bool(counts) and min(counts) > 1


def _beside(draw: Sequence[Any]) -> Figure:
    """Panels side by side with one legend under them."""
    from matplotlib.figure import Figure

    width, height = 4.9 * len(draw), 4.0
    figure = Figure(figsize=(width, height), facecolor="white")
    panels = figure.subplots(1, len(draw), squeeze=False)[0]
    for ax, one in zip(panels, draw, strict=True):
        one(ax)
    _legend_below(figure, panels[0], width, height, bottom=0.62)
    return figure


def _grid(panels: Sequence[tuple[str, ByLabels]], dashed: Collection[str]) -> Figure:
    from matplotlib.figure import Figure

    rows = -(-len(panels) // COLUMNS)
    width, height = 3.4 * COLUMNS, 2.7 * rows
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.subplots(rows, COLUMNS, squeeze=False, sharex=True)
    for place, ax in enumerate(axes.ravel()):
        if place >= len(panels):
            ax.set_visible(False)
            continue
        name, arms = panels[place]
        label_efficiency(arms, dashed=dashed, legend=False, ax=ax)
        ax.set_title(name, fontsize=FONT, loc="left")
        ax.set_ylabel("AUROC" if place % COLUMNS == 0 else "", fontsize=FONT)
        ax.tick_params(axis="x", labelrotation=35)
        last = place + COLUMNS >= len(panels)
        ax.tick_params(axis="x", labelbottom=last)
        if not last:
            ax.set_xlabel("")
    _legend_below(figure, axes[0][0], width, height, bottom=0.8)
    return figure


def _legend_below(figure: Figure, source: Axes, width: float, height: float, bottom: float) -> None:
    """The legend of one panel under all of them; the figure grows by as much."""
    handles, labels = source.get_legend_handles_labels()
    columns = max(1, min(len(labels), int(width // (0.085 * max(map(len, labels), default=1) + 0.55))))
    lines = -(-len(labels) // columns)
    below = LINE * lines + 0.12
    total = height + below
    figure.set_size_inches(width, total)
    figure.subplots_adjust(
        left=0.62 / width,
        right=1 - 0.12 / width,
        top=1 - 0.28 / total,
        bottom=(bottom + below) / total,
        wspace=0.22,
        hspace=0.22,
    )
    figure.legend(
        handles,
        labels,
        loc="lower center",
        ncols=columns,
        fontsize=SMALL,
        frameon=False,
        bbox_to_anchor=(0.5, 0.0),
        handlelength=2.6,
    )


def _confusion(title: str, counts: ArrayLike, classes: Sequence[str]) -> Figure:
    from matplotlib.figure import Figure

    side = 1.9 + 0.62 * len(classes)
    figure = Figure(figsize=(side + 0.5, side), facecolor="white")
    ax = figure.subplots()
    figure.subplots_adjust(left=1.55 / (side + 0.5), right=0.98, top=1 - 0.4 / side, bottom=1.15 / side)
    confusion_matrix(counts, classes, title=title, ax=ax)
    return figure
