"""What is asked of a classifier, and how the numbers of its network become the answer.

A table asks for many rows at once, a stream for the last row of each object: both go through one `Readout`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from firstlight import facts
from firstlight._types import AnyArray, Bools, Floats, Floats32, Ints
from firstlight.classifier.calibration import Calibration, shares
from firstlight.classifier.trust import ClassSets, Evidence, Novelty, Trust
from firstlight.errors import Arg, UnknownNameError, UsageError

Priors = Mapping[str, float] | str | None
REST = "other"
"""The column of what stands under none of the classes asked for."""


class Question(NamedTuple):
    """What is asked: on which classes, with which shares of them in mind, and whether novelty too.

    Plain values and nothing of the classifier, so that every state of a stream can carry them.
    """

    classes: tuple[str, ...] | None = None  # None: those of the network
    priors: tuple[tuple[str, float], ...] | str | None = None
    novelty: bool = False
    renormalise: bool = False

    @classmethod
    def of(
        cls, classes: Sequence[str] | None, priors: Priors, novelty: bool, renormalise: bool = False
    ) -> Question:
        """The question in the words of `Classifier.classify`."""
        asked = (classes,) if isinstance(classes, str) else classes
        if isinstance(priors, Mapping):
            priors = tuple((name, float(share)) for name, share in priors.items())  # type: ignore[assignment]
        return cls(None if asked is None else tuple(asked), priors, novelty, renormalise)  # type: ignore[arg-type]


class RowAnswers(NamedTuple):
    """What is said at M rows; NaN where nothing is.

    Attributes
    ----------
    probabilities : float32 [M, C]
        Of the classes asked for.
    stated : float32 [M, C of the network] or None
        Of the classifier's own classes with its own shares, on which class sets rest whatever was asked for:
        the same array where nothing else was. None where the classifier has no class sets.
    n_detections : int64 [M]
        Seen by the network; 0 where nothing is said.
    novelty : float32 [M] or None
        None where it was not asked for.
    """

    probabilities: Floats32
    stated: Floats32 | None
    n_detections: Ints
    novelty: Floats32 | None

    def over(self, function: Callable[..., AnyArray], *others: RowAnswers) -> RowAnswers:
        """The same function of each column, and of those of others like these."""
        found = [
            function(*columns) for columns in zip(*(one.columns() for one in (self, *others)), strict=True)
        ]
        probabilities, seen, *rest = found
        novelty = rest.pop() if self.novelty is not None else None
        same = self.stated is self.probabilities
        stated = probabilities if same else rest.pop() if self.stated is not None else None
        return RowAnswers(probabilities=probabilities, stated=stated, n_detections=seen, novelty=novelty)

    def columns(self) -> list[AnyArray]:
        """All arrays, each once."""
        others = [None if self.stated is self.probabilities else self.stated, self.novelty]
        return [self.probabilities, self.n_detections, *(one for one in others if one is not None)]

    def without(self, flat: Bools) -> RowAnswers:
        """No answer at rows that are flat by then: see `constancy`."""
        if not flat.any():
            return self
        probabilities, stated = self.probabilities.copy(), self.stated
        probabilities[flat] = np.nan
        if stated is self.probabilities:
            stated = probabilities
        elif stated is not None:
            stated = stated.copy()
            stated[flat] = np.nan
        return self._replace(probabilities=probabilities, stated=stated)

    def put(self, rows: Ints, answers: RowAnswers) -> None:
        """Write the answers of these rows, in place."""
        for column, values in zip(self.columns(), answers.columns(), strict=True):
            column[rows] = values


class Readout(NamedTuple):
    """How the outputs of a network become the answer to one question.

    Attributes
    ----------
    classes, own : tuple of str
        Of the probabilities, and of the network.
    calibration : Calibration
    shift : float32 [C of the network], or [B, C] by number of detections
        What is added to the logits.
    matrix : float32 [C of the network, C] or None
        Which of the network's classes adds to which; None: they are those asked for.
    outside : tuple of str
        Of the network's classes, those under none that was asked for: in `REST`, or left out.
    stated_shift : float32 or None
        The shift of the classifier's own shares; None where it is `shift`.
    sets : ClassSets or None
    novelty : Novelty or None
        None where it was not asked for.
    """

    classes: tuple[str, ...]
    own: tuple[str, ...]
    calibration: Calibration
    shift: Floats32
    matrix: Floats32 | None
    outside: tuple[str, ...]
    stated_shift: Floats32 | None
    sets: ClassSets | None
    novelty: Novelty | None

    @classmethod
    def of(
        cls, question: Question, own: Sequence[str], calibration: Calibration, trust: Trust | None
    ) -> Readout:
        """The readout of a classifier with the classes `own` that answers the question.

        Raises
        ------
        UnknownNameError
            For a class that the tree does not know.
        UsageError
            For a class under which the network has none, for one that is part of another, and for priors
            that lack a class.
        """
        own = tuple(own)
        asked = own if question.classes is None else question.classes
        target = tuple(_canonical(name, own) for name in asked)
        if not target or len(set(target)) < len(target):
            raise UsageError("give one or more different classes", where=Arg("classes"))
        _refuse_nested(target, own)
        matrix = None if target == own else _collapse(own, target)
        outside: tuple[str, ...] = ()
        if matrix is not None:
            rest = matrix.sum(axis=1) == 0.0
            outside = tuple(name for name, out in zip(own, rest, strict=True) if out)
            if outside and not question.renormalise:
                target, matrix = (*target, REST), np.column_stack([matrix, rest])
        priors: Priors = None
        if isinstance(question.priors, str):
            priors = question.priors
        elif question.priors is not None:
            known = (*own, *target)
            priors = {_canonical(name, known): share for name, share in question.priors}
            if matrix is not None and set(priors) <= set(target) and set(priors) != set(own):
                priors = _spread(shares(priors, target), calibration, own, matrix)
        shift, stated = calibration.shift(own, priors), calibration.shift(own)
        return cls(
            classes=target,
            own=own,
            calibration=calibration,
            shift=shift,
            matrix=None if matrix is None else matrix.astype(np.float32),
            outside=outside,
            stated_shift=None if np.array_equal(shift, stated) else stated,
            sets=None if trust is None else trust.sets,
            novelty=trust.novelty if question.novelty and trust is not None else None,
        )

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs of the network that are needed."""
        return ("logits",) if self.novelty is None else ("logits", "embedding")

    def __call__(
        self,
        outputs: Sequence[Floats32],
        features: Floats32,
        rows: Ints | Bools,
        n_detections: Ints,
        *,
        alone: bool = False,
    ) -> RowAnswers:
        """The answers at M rows.

        Parameters
        ----------
        outputs : sequence of float32 [R, ...]
            Those that `outputs` names, at all rows.
        features : float32 [R, F]
            What the network read.
        rows : int64 [M] or bool [R]
            Where an answer is given.
        n_detections : int64 [M]
            Detections seen there.
        alone : bool
            Sum over classes row by row: sums of many rows at once may round in another way.
        """
        logits = outputs[0][rows]
        own = self.calibration.probabilities(logits, n_detections, self.shift)
        probabilities = self._collapsed(own, alone)
        stated = None if self.sets is None else own
        if stated is not None and self.stated_shift is not None:
            stated = self.calibration.probabilities(logits, n_detections, self.stated_shift)
        novelty = None
        if self.novelty is not None:
            novelty = self.novelty(outputs[1][rows], features[rows], n_detections)
        return RowAnswers(
            probabilities=probabilities, stated=stated, n_detections=n_detections, novelty=novelty
        )

    def nothing(self, rows: int) -> RowAnswers:
        """No answer at any of so many rows, to be filled."""
        probabilities = np.full((rows, len(self.classes)), np.nan, np.float32)
        stated = None
        if self.sets is not None:
            same = self.matrix is None and self.stated_shift is None
            stated = probabilities if same else np.full((rows, len(self.own)), np.nan, np.float32)
        return RowAnswers(
            probabilities=probabilities,
            stated=stated,
            n_detections=np.zeros(rows, np.int64),
            novelty=None if self.novelty is None else np.full(rows, np.nan, np.float32),
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """Of the network's classes, those whose probability was shared out among the classes asked for."""
        return () if REST in self.classes else self.outside

    def evidence(
        self, answer: Floats32 | None, stated: Floats32 | None, n_detections: Ints | int
    ) -> Evidence | None:
        """What class sets are made from; None where the classifier has none."""
        if self.sets is None or stated is None or answer is None:
            return None
        members = None if self.matrix is None else self.matrix > 0.0
        return Evidence(self.sets, stated, n_detections, members, answer)

    def _collapsed(self, own: Floats32, alone: bool) -> Floats32:
        """Probabilities of the classes asked for, float32 [M, C], from those of the network's classes."""
        if self.matrix is None:
            return own
        rows = np.split(own, len(own)) if alone and len(own) else [own]
        summed = np.concatenate([some @ self.matrix for some in rows])
        total = summed.sum(axis=-1, keepdims=True)
        # Nothing left in the classes asked for: then nothing is known among them.
        even = np.full(summed.shape, 1.0 / len(self.classes), np.float32)
        return np.asarray(np.divide(summed, total, out=even, where=total > 0.0))


def _spread(
    wanted: Floats, calibration: Calibration, own: tuple[str, ...], matrix: Floats
) -> dict[str, float]:
    """Shares of the network's classes that add up to those `wanted` of the coarser ones."""
    within = shares(calibration.prior or calibration.training_shares or "flat", own)
    total = within @ matrix
    factor = matrix @ np.divide(wanted, total, out=np.zeros_like(wanted), where=total > 0.0)
    # What stands under no class asked for is left out afterwards; its share must only be a number.
    outside = matrix.sum(axis=1) == 0.0
    return dict(zip(own, np.where(outside, within, within * factor).tolist(), strict=True))


def _collapse(own: tuple[str, ...], target: tuple[str, ...]) -> Floats:
    tree = facts.class_tree()
    matrix = np.zeros((len(own), len(target)))
    for row, name in enumerate(own):
        if name in target:
            matrix[row, target.index(name)] = 1.0
        elif name in tree.names:
            known = [item for item in target if item in tree.names]
            found = tree.nearest_of(name, known)
            if found >= 0:
                matrix[row, target.index(known[found])] = 1.0
    empty = [name for name, column in zip(target, matrix.T, strict=True) if not column.any()]
    if empty:
        raise UsageError(
            f"the classifier has no class under {', '.join(empty)}", hint=f"Its classes: {', '.join(own)}."
        )
    return matrix


def _refuse_nested(target: tuple[str, ...], own: tuple[str, ...]) -> None:
    """Raise UsageError where a class asked for is part of another, unless the network tells the two apart."""
    tree = facts.class_tree()
    for name in target:
        above = tree.ancestors(name) if name in tree.names else ()
        for other in above:
            if other in target and not {name, other} <= set(own):
                raise UsageError(
                    f"'{name}' is a part of '{other}', so that both cannot be asked for at once",
                    where=Arg("classes"),
                    hint=f"Leave out one of the two. The classifier's own: {', '.join(own)}.",
                )


def _canonical(name: str, own: tuple[str, ...]) -> str:
    if name in own:
        return name
    tree = facts.class_tree()
    try:
        return tree.canonical(name)
    except UnknownNameError:
        raise UnknownNameError(
            "class", name, dict.fromkeys((*own, *tree.names)), where=Arg("classes")
        ) from None
