"""One observation after the other: where a classifier stands with one object of a stream, or with many."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from firstlight import preparation
from firstlight._types import AnyArray, Bools, Floats32, Ints
from firstlight.classifier import constancy
from firstlight.classifier.inference import Network
from firstlight.classifier.readout import Question, Readout, RowAnswers
from firstlight.errors import DataError, UsageError
from firstlight.lightcurves import Flag, LightCurves

VERSION = 2
_HEADER = struct.Struct("<BxHHH")  # version, bytes of hidden state, of the answer, of each other column


class StreamState(NamedTuple):
    """Where a classifier stands with one object of a stream; an immutable value that holds nothing of it.

    Attributes
    ----------
    preparation : firstlight.preparation.State
    hidden : float32 [L, 1, H]
        What the network remembers.
    question : Question
        On which classes it answers, and with which priors.
    probabilities : float32 [C] or None
        The answer in force.
    novelty : float or None
        Of the answer in force (`Predictions.novelty`).
    stated : float32 [C of the network] or None
        Of the answer in force, with the classifier's own classes and shares: what `Classifier.sets` reads.
    n_detections : int
        Seen by the network when it gave the answer in force.
    constancy : float32 [1, ...]
        By which it is known whether the light curve is flat (`firstlight.classifier.constancy`).
    """

    preparation: preparation.State
    hidden: Floats32
    question: Question = Question()
    probabilities: Floats32 | None = None
    novelty: float | None = None
    stated: Floats32 | None = None
    n_detections: int = 0
    constancy: Floats32 = constancy.nothing(1)

    @property
    def flags(self) -> int:
        """`Flag` bits of what was met so far, as `Predictions.flags` has them."""
        flat = self.probabilities is not None and bool(np.isnan(self.probabilities[0]))
        return self.preparation.flags | (Flag.CONSTANT_FLUX if flat else 0)

    def sets(self, coverage: float = 0.9) -> Bools:
        """Moved: the thresholds are the classifier's, ``classifier.sets(state, coverage)``."""
        raise UsageError("a state holds no class sets", hint=f"Ask classifier.sets(state, {coverage:g}).")


@dataclass(frozen=True, eq=False)
class StreamStates:
    """Where a classifier stands with n objects; an immutable value of columns that holds nothing of it.

    Attributes
    ----------
    preparation : firstlight.preparation.States
    hidden : float32 [L, n, H]
        What the network remembers.
    answers : RowAnswers
        Those in force, a row an object; NaN before the first.
    question : Question
        On which classes it answers, and with which priors: the same of all objects.
    constancy : float32 [n, ...]
        By which it is known which light curves are flat.
    """

    preparation: preparation.States
    hidden: Floats32
    answers: RowAnswers
    question: Question
    constancy: Floats32

    def __len__(self) -> int:
        return len(self.preparation)

    @property
    def probabilities(self) -> Floats32:
        """The answers in force, float32 [n, C]; NaN before the first."""
        return self.answers.probabilities

    @property
    def novelty(self) -> Floats32 | None:
        """Of the answers in force, float32 [n]; None where it was not asked for."""
        return self.answers.novelty

    @property
    def stated(self) -> Floats32 | None:
        """As `StreamState.stated`, float32 [n, C of the network]."""
        return self.answers.stated

    @property
    def n_detections(self) -> Ints:
        """Seen by the network when it gave the answers in force, int64 [n]."""
        return self.answers.n_detections

    def take(self, which: AnyArray) -> StreamStates:
        """Some objects, by position or mask, in the order asked."""
        return replace(
            self,
            preparation=self.preparation.take(which),
            hidden=self.hidden[:, which],
            answers=self.answers.over(lambda column: column[which]),
            constancy=self.constancy[which],
        )

    @staticmethod
    def concat(parts: Sequence[StreamStates]) -> StreamStates:
        """All objects of several states of one classifier, of which the same was asked."""
        if not parts or any(part.question != parts[0].question for part in parts):
            raise UsageError("states of which the same was asked are needed", where="concat")
        first, *others = (part.answers for part in parts)
        return StreamStates(
            preparation.States.concat([part.preparation for part in parts]),
            np.concatenate([part.hidden for part in parts], axis=1),
            first.over(lambda *columns: np.concatenate(columns), *others),
            parts[0].question,
            np.concatenate([part.constancy for part in parts]),
        )

    def to_bytes(self) -> list[bytes]:
        """Each object as bytes, which `Classifier.states_of` reads."""
        columns = [self.hidden.transpose(1, 0, 2), *self.answers.columns(), self.constancy]
        head = _head(columns)
        return [
            b"".join([head, *(column[k].tobytes() for column in columns), one])
            for k, one in enumerate(self.preparation.to_bytes())
        ]


class Stepped(NamedTuple):
    """What became of n objects by N further observations.

    Attributes
    ----------
    states : StreamStates
    probabilities : float32 [n, C]
        In force after them; NaN before the first answer.
    late : bool [N]
        Observations that come before one that was taken, and were not: start anew to have them read.
    """

    states: StreamStates
    probabilities: Floats32
    late: Bools


def _head(columns: Sequence[AnyArray]) -> bytes:
    """Version and sizes, by which bytes of another network or question are known."""
    sizes = [column.dtype.itemsize * int(np.prod(column.shape[1:])) for column in columns]
    return _HEADER.pack(VERSION, sizes[0], sizes[1], sum(sizes[2:]))


def from_bytes(
    data: Iterable[bytes], hidden: Floats32, nothing: RowAnswers
) -> tuple[Floats32, RowAnswers, Floats32, list[bytes]]:
    """Hidden states, answers, constancy and the preparation, as bytes, of what `StreamStates.to_bytes` wrote.

    Parameters
    ----------
    data : iterable of bytes
        Of n objects.
    hidden : float32 [L, 0, H]
    nothing : RowAnswers
        Of no rows: which columns there are.

    Raises
    ------
    DataError
        For bytes of another version, network or question, or cut short.
    """
    data = list(data)
    columns = [hidden.transpose(1, 0, 2), *nothing.columns(), constancy.nothing(0)]
    head = _head(columns)
    kind = np.dtype([("head", "V8"), *((f"c{k}", c.dtype, c.shape[1:]) for k, c in enumerate(columns))])
    for k, one in enumerate(data):
        if one[: len(head)] != head or len(one) < kind.itemsize:
            raise DataError(
                "was written by another version, of another classifier or question, or cut short",
                where=f"state {k}",
                hint="Start anew from the observations.",
            )
    read = np.frombuffer(b"".join(one[: kind.itemsize] for one in data), kind)
    found = iter([read[f"c{k}"].copy() for k in range(1, len(columns))])
    answers = nothing.over(lambda column: next(found))
    return (
        np.ascontiguousarray(read["c0"].transpose(1, 0, 2)),
        answers,
        next(found),
        [one[kind.itemsize :] for one in data],
    )


def advance_one(
    rule: preparation.Preparation,
    network: Network,
    readout: Readout,
    state: StreamState,
    observation: preparation.Observation,
) -> StreamState:
    """The state after a further observation of its object."""
    before = state.preparation
    after, features, issued = rule.step(before, observation)
    if not len(features):
        return state._replace(preparation=after)
    offsets = np.array([0, len(features)])
    goes_on = after.season == before.season
    hidden, memory = (
        (state.hidden, state.constancy) if goes_on else (network.first_hidden(), constancy.nothing(1))
    )
    outputs, hidden = network.steps(
        features, offsets, after.context, after.context_mask, hidden, outputs=readout.outputs
    )
    flat, memory = constancy.follow(memory, rule.feature_names, features, offsets)
    state = state._replace(preparation=after, hidden=hidden, constancy=memory)
    if not issued[-1]:
        return state
    said = readout(outputs, features, offsets[1:] - 1, np.array([after.n_detections])).without(flat[-1:])
    return state._replace(
        probabilities=said.probabilities[0],
        novelty=None if said.novelty is None else float(said.novelty[0]),
        stated=None if said.stated is None else said.stated[0],
        n_detections=int(said.n_detections[0]),
    )


def advance(
    rule: preparation.Preparation,
    network: Network,
    readout: Readout,
    states: StreamStates,
    curves: LightCurves,
) -> Stepped:
    """What becomes of objects by further observations: one preparation, one round of the network."""
    moved = rule.steps(states.preparation, curves)
    read = moved.sequences
    outputs, after = network.steps(
        read.features,
        read.offsets,
        read.context,
        read.context_mask,
        np.where(moved.begins[:, None], np.float32(0.0), states.hidden[:, read.owner]),
        outputs=readout.outputs,
    )
    memory = np.where(moved.begins[:, None], constancy.nothing(1), states.constancy[read.owner])
    flat, memory = constancy.follow(memory, read.names, read.features, read.offsets)
    hidden, last = states.hidden.copy(), _last_of_each(read.owner)
    hidden[:, read.owner[last]] = after[:, last]
    remembered = states.constancy.copy()
    remembered[read.owner[last]] = memory[last]
    answers, owner = states.answers.over(np.copy), np.repeat(read.owner, read.lengths)
    rows = np.flatnonzero(read.issued)
    rows = rows[_last_of_each(owner[rows])]
    said = readout(outputs, read.features, rows, read.n_detections[rows], alone=True)
    answers.put(owner[rows], said.without(flat[rows]))
    states = StreamStates(moved.states, hidden, answers, states.question, remembered)
    return Stepped(states, states.probabilities, moved.late)


def _last_of_each(owner: AnyArray) -> Bools:
    """Which entries are the last of their owner; owners never decrease."""
    last = np.ones(len(owner), np.bool_)
    last[:-1] = owner[1:] != owner[:-1]
    return last
