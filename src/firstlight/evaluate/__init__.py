"""Evaluate: measures with intervals, the protocols, the standing opponent, and reports."""

from firstlight._rooms import called_as_its_verb, moved
from firstlight.evaluate.benchmarks import plasticc8, protocol, ztf5
from firstlight.evaluate.diagram_points import Reliability, precision_recall, reliability, roc
from firstlight.evaluate.evaluation import Evaluation, common_classes, evaluate, peak_magnitude
from firstlight.evaluate.handmade_features import features
from firstlight.evaluate.metrics import (
    balanced_accuracy,
    base_rate,
    class_auprc,
    class_auroc,
    class_ece,
    confusion,
    decide,
    ece,
    encode,
    log_loss,
    macro_auprc,
    macro_auroc,
    macro_f1,
    measure,
)
from firstlight.evaluate.opponent import Boosting, Opponent, Trees
from firstlight.evaluate.protocols import Protocol
from firstlight.evaluate.resampling import Interval, bootstrap, paired
from firstlight.evaluate.scores import Score, pick, score, to_csv, to_table
from firstlight.evaluate.stages import FULL, REPORT_STAGES, STAGES, Stage, collapse, stage_answers

__all__ = [
    "FULL",
    "REPORT_STAGES",
    "STAGES",
    "Boosting",
    "Evaluation",
    "Interval",
    "Opponent",
    "Protocol",
    "Reliability",
    "Score",
    "Stage",
    "Trees",
    "balanced_accuracy",
    "base_rate",
    "bootstrap",
    "class_auprc",
    "class_auroc",
    "class_ece",
    "collapse",
    "common_classes",
    "confusion",
    "decide",
    "ece",
    "encode",
    "evaluate",
    "features",
    "log_loss",
    "macro_auprc",
    "macro_auroc",
    "macro_f1",
    "measure",
    "paired",
    "peak_magnitude",
    "pick",
    "plasticc8",
    "precision_recall",
    "protocol",
    "reliability",
    "roc",
    "score",
    "stage_answers",
    "to_csv",
    "to_table",
    "ztf5",
]

called_as_its_verb(__name__)
__getattr__ = moved(__name__, {"Report": "firstlight.evaluate.Evaluation"})
