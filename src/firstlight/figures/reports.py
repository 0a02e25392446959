"""The figures of an evaluation report, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from firstlight.figures.diagrams import (
    PRECISION_RECALL_SIZE,
    Interval,
    ReliabilityBins,
    confusion_matrix,
    precision_recall,
    reliability,
    roc,
)
from firstlight.figures.performance import ScoreRow, against_time
from firstlight.figures.style import blank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]


class Report(Protocol):
    """What is drawn of a report (``firstlight.evaluate.Report``)."""

    @property
    def classifier(self) -> str: ...  # noqa: D102
    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def scores(self) -> Sequence[ScoreRow]: ...  # noqa: D102
    @property
    def confusion(self) -> Mapping[str, NDArray[np.int64]]: ...  # noqa: D102
    def roc(self, stage: str = ...) -> Mapping[str, tuple[Floats, Floats]]: ...  # noqa: D102
    def precision_recall(self, stage: str = ...) -> Mapping[str, tuple[Floats, Floats]]: ...  # noqa: D102
    def reliability(self, stage: str = ...) -> Mapping[str, ReliabilityBins]: ...  # noqa: D102
    def interval(self, metric: str, of: str = ..., stage: str = ...) -> Interval: ...  # noqa: D102
    def base_rates(self, stage: str = ...) -> Mapping[str, float]: ...  # noqa: D102


def report_figures(report: Report) -> dict[str, Figure]:
    """Figures of a report by file name without suffix; none of them is known to pyplot.

    ``detections``, ``days`` (macro AUROC against time), ``confusion`` and ``confusion-5-detections``,
    ``roc``, ``precision-recall``, ``reliability``: those for which the report has stages.
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
    figures["reliability"] = _reliabilities(report)
    return figures


def _single(
    size: tuple[float, float], left: float = 0.13, bottom: float = 0.12, right: float = 0.97
) -> tuple[Figure, Axes]:
    figure, axes = blank(size=size)
    figure.subplots_adjust(left=left, right=right, top=0.94, bottom=bottom)
    return figure, axes[0]


def _reliabilities(report: Report) -> Any:
    """One reliability diagram for the highest probability and one for each class, in rows of three."""
    from matplotlib.figure import Figure

    bins = report.reliability()
    rows = -(-len(bins) // 3)
    figure = Figure(figsize=(9.6, 3.4 * rows), facecolor="white")
    panels = figure.subplots(rows, 3, squeeze=False).ravel()
    figure.subplots_adjust(left=0.06, right=0.99, top=0.98, bottom=0.16 / rows, wspace=0.27, hspace=0.26)
    for ax, (name, own) in zip(panels, bins.items(), strict=False):
        error = report.interval("ece", name or "all")[0]
        reliability(own, name, calibration_error=error, ax=ax)
    for ax in panels[len(bins) :]:
        ax.set_visible(False)
    return figure
