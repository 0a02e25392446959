"""Figures: a classified light curve, and how well a classifier does."""

from firstlight.figures.diagrams import confusion_matrix, precision_recall, reliability, roc
from firstlight.figures.evaluation_figures import report_figures
from firstlight.figures.light_curve import light_curve, light_curves
from firstlight.figures.per_object import plot
from firstlight.figures.score_curves import against_time, label_efficiency
from firstlight.figures.study_figures import study_figures
from firstlight.figures.style import ClassStyle, PassbandStyle, blank, class_style, passband_style

__all__ = [
    "ClassStyle",
    "PassbandStyle",
    "against_time",
    "blank",
    "class_style",
    "confusion_matrix",
    "label_efficiency",
    "light_curve",
    "light_curves",
    "passband_style",
    "plot",
    "precision_recall",
    "reliability",
    "report_figures",
    "roc",
    "study_figures",
]
