"""Studies: what a label is worth to each way to a classifier, with verdicts, figures and a report.

>>> import firstlight as fl
>>> found = fl.label_efficiency("studies/quick.toml", data="runs/quick", out="runs/study")  # doctest: +SKIP

From a shell: ``firstlight study studies/quick.toml --data runs/quick --out runs/study``.
"""

from firstlight.study.efficiency import label_efficiency
from firstlight.study.findings import Findings, Median
from firstlight.study.own import own_protocol
from firstlight.study.plan import KINDS, Arm, Convergence, Study, read_study
from firstlight.study.verdicts import Verdicts, verdicts
from firstlight.study.words import sentences

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
    "verdicts",
]
