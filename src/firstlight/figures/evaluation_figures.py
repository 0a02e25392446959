"""The figures of an evaluation report, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from firstlight._types import Floats, Ints
from firstlight.figures.diagrams import (
    PRECISION_RECALL_SIZE,
    Area,
    ReliabilityBins,
    confusion_matrix,
    precision_recall,
    reliability,
    roc,
)
from firstlight.figures.score_curves import ScoreRow, against_time
from firstlight.figures.style import FONT, blank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_STAGES = ("3 detections", "5 detections", "10 detections", "full")  # whose reliability is drawn side by side


class Evaluated(Protocol):
    """What is drawn of an evaluation (``firstlight.evaluate.Evaluation``)."""

    @property
    def classifier(self) -> str: ...  # noqa: D102
    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def scores(self) -> Sequence[ScoreRow]: ...  # noqa: D102
    @property
    def confusion(self) -> Mapping[str, Ints]: ...  # noqa: D102
    @property
    def answers(self) -> Mapping[str, tuple[Ints, Floats]]: ...  # noqa: D102
    def roc(self, stage: str = ...) -> Mapping[str, tuple[Floats, Floats]]: ...  # noqa: D102
    def precision_recall(self, stage: str = ...) -> Mapping[str, tuple[Floats, Floats]]: ...  # noqa: D102
    def reliability(self, stage: str = ...) -> Mapping[str, ReliabilityBins]: ...  # noqa: D102
    def interval(self, metric: str, of: str = ..., stage: str = ...) -> Area: ...  # noqa: D102
    def base_rates(self, stage: str = ...) -> Mapping[str, float]: ...  # noqa: D102


def report_figures(report: Evaluated) -> dict[str, Figure]:
    """Figures of a report by file name without suffix; none of them is known to pyplot.

    ``detections``, ``days`` (macro AUROC against time), ``confusion`` and ``confusion-5-detections``,
    ``roc``, ``precision-recall``, ``reliability`` (by class), ``reliability-detections`` (of the highest
    probability, by how much was seen): those for which the report has stages.
    """
    figures: dict[str, Figure] = {}
    stages = {row.stage for row in report.scores}
    for clock in ("detections", "days"):
        if sum(stage.endswith((clock, clock.rstrip("s"))) for stage in stages) > 1:
            figures[clock], ax = _single((5.2, 4.2), bottom=0.17)
            against_time({report.classifier: report.scores}, clock=clock, ax=ax)
    side = 1.9 + 0.62 * len(report.classes)
    for stage, name in (("full", "confusion"), ("5 detections", "confusion-5-detections")):
        if stage in report.confusion:
            figures[name], ax = _single((side + 0.5, side), 1.55 / (side + 0.5), 1.15 / side)
            confusion_matrix(
                report.confusion[stage],
                report.classes,
                title="full light curve" if stage == "full" else stage,
                ax=ax,
            )
    if "full" not in stages:
        return figures
    curves = report.roc()
    figures["roc"], ax = _single((4.8, 4.6))
    roc(curves, {name: report.interval("auroc", name) for name in curves}, ax=ax)
    figures["precision-recall"], ax = _single(PRECISION_RECALL_SIZE, left=0.09, right=0.66)
    areas = {name: report.interval("auprc", name) for name in curves}
    precision_recall(report.precision_recall(), areas, report.base_rates(), ax=ax)
    bins = report.reliability()
    errors = {name: report.interval("ece", name or "all")[0] for name in bins}
    figures["reliability"] = _reliabilities(bins, errors)
    seen = [stage for stage in _STAGES if stage in report.answers]
    if len(seen) > 1:
        figures["reliability-detections"] = _reliabilities(
            {stage: report.reliability(stage)[""] for stage in seen},
            {stage: report.interval("ece", "all", stage)[0] for stage in seen},
            columns=2,
        )
    return figures


def _single(
    size: tuple[float, float], left: float = 0.13, bottom: float = 0.12, right: float = 0.97
) -> tuple[Figure, Axes]:
    figure, axes = blank(size=size)
    figure.subplots_adjust(left=left, right=right, top=0.94, bottom=bottom)
    return figure, axes[0]


def _reliabilities(bins: Mapping[str, ReliabilityBins], errors: Mapping[str, float], columns: int = 3) -> Any:
    """One reliability diagram for each class (the highest probability: ""), or for each stage, in rows."""
    from matplotlib.figure import Figure

    rows = -(-len(bins) // columns)
    figure = Figure(figsize=(3.2 * columns, 3.4 * rows), facecolor="white")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    left, right = 0.18 / columns, 1 - 0.03 / columns
    figure.subplots_adjust(left=left, right=right, top=0.98, bottom=0.16 / rows, wspace=0.27, hspace=0.26)
    for ax, (name, own) in zip(panels, bins.items(), strict=False):
        stage = "" if name not in _STAGES else "full light curve" if name == "full" else f"after {name}"
        reliability(own, "" if stage else name, calibration_error=errors[name], ax=ax)
        if stage:
            ax.set_xlabel(f"Highest probability, {stage}", fontsize=FONT)
    for ax in panels[len(bins) :]:
        ax.set_visible(False)
    return figure
