"""What follows from the answers of a classifier: scikit-learn's names, a view in notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from firstlight._types import AnyArray, Floats32
from firstlight.classifier.calibration import estimate_shares
from firstlight.errors import UsageError
from firstlight.report import Paragraph, Table, in_notebook

if TYPE_CHECKING:
    from firstlight.classifier.predictions import Predictions
    from firstlight.facts import Passband
    from firstlight.lightcurves import LightCurves
    from firstlight.preparation import Preparation


def first_line(card: str) -> str:
    """The first sentence line of a card, without front matter and heading marks."""
    lines = [line.strip() for line in card.splitlines()]
    if lines and lines[0] == "---":
        lines = lines[lines.index("---", 1) + 1 :]
    told = [line.lstrip("# ") for line in lines if line]
    return told[1] if len(told) > 1 else (told[0] if told else "")


class Familiar:
    """What a `Classifier` can besides classify: all of it follows from that."""

    name: str
    version: str
    hash: str
    card: str
    classes: tuple[str, ...]
    surveys: tuple[str, ...]
    passbands: tuple[Passband, ...]
    preparation: Preparation

    if TYPE_CHECKING:

        @property
        def classify(self) -> Callable[..., Predictions]:
            """Class probabilities at every observation of every light curve."""

    def estimate_priors(
        self, curves: LightCurves, *, classes: Sequence[str] | None = None, batch_size: int = 64
    ) -> dict[str, float]:
        """The share of each class among unlabelled light curves, to be given as ``priors``.

        Estimated from what the classifier says of them (`firstlight.classifier.calibration.estimate_shares`),
        so only as good as its probabilities; light curves of which nothing can be said do not count.

        Parameters
        ----------
        curves : LightCurves
            As they come: not chosen by what they are.
        classes : sequence of str, optional
            As in `classify`.

        Raises
        ------
        UsageError
            When nothing can be said of any of them.
        """
        answers = self.classify(curves, classes=classes, priors="flat", batch_size=batch_size)
        final = np.asarray(answers.final(), np.float64)
        final = final[np.isfinite(final).all(axis=1)]
        if not len(final):
            raise UsageError("none of the light curves has a detection that is read", where="estimate_priors")
        found = estimate_shares(final / final.sum(axis=1, keepdims=True))
        return dict(zip(answers.classes, found.tolist(), strict=True))

    @property
    def classes_(self) -> AnyArray:
        """The classes as scikit-learn names them: the columns of `predict_proba`, str [C]."""
        return np.array(self.classes)

    def predict_proba(self, curves: LightCurves) -> Floats32:
        """Probabilities after the last observation of each light curve, float32 [n, C].

        What `classify` answers at the end; a row of NaN where nothing can be said.
        """
        return self.classify(curves).final()

    def predict(self, curves: LightCurves) -> AnyArray:
        """The most probable class of each light curve, str [n]; None where nothing can be said."""
        return self.classify(curves).best

    def _repr_html_(self) -> str:
        rows = {
            "classes": ", ".join(self.classes),
            "trained on": ", ".join(self.surveys),
            "passbands": ", ".join(band.name for band in self.passbands),
            "metadata": ", ".join(self.preparation.metadata) or "none",
            "weights": self.hash[:12],
        }
        table = Table((self.name, self.version), tuple(rows.items()))
        return in_notebook(f"Classifier {self.name} {self.version}", table, Paragraph(first_line(self.card)))
