"""Studies: what a label is worth to each way to a classifier, with verdicts, figures and a report.

>>> import firstlight as fl
>>> found = fl.study("studies/quick.toml", data="runs/quick", out="runs/study")  # doctest: +SKIP

From a shell: ``firstlight study studies/quick.toml --data runs/quick --out runs/study``.
"""

from firstlight._rooms import called_as_its_verb
from firstlight.study.findings import Findings, label_efficiency, study
from firstlight.study.own_protocol import own_protocol
from firstlight.study.plan import KINDS, Arm, Convergence, Study, read_study
from firstlight.study.results import Median
from firstlight.study.sentences import sentences
from firstlight.study.verdicts import Verdicts, verdicts

__all__ = [
    "KINDS",
    "Arm",
    "Convergence",
    "Findings",
    "Median",
    "Study",
    "Verdicts",
    "label_efficiency",
    "own_protocol",
    "read_study",
    "sentences",
    "study",
    "verdicts",
]

called_as_its_verb(__name__)
