"""One observation after the other: where a classifier stands with an object, and how many objects move on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from firstlight import preparation
from firstlight._types import Bools, Floats32
from firstlight.classifier.inference import Network
from firstlight.classifier.readout import Question, Readout, RowAnswers
from firstlight.errors import UsageError
from firstlight.preparation import Observation, Preparation


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
    """

    preparation: preparation.State
    hidden: Floats32
    question: Question = Question()
    probabilities: Floats32 | None = None
    novelty: float | None = None
    stated: Floats32 | None = None
    n_detections: int = 0

    def sets(self, coverage: float = 0.9) -> Bools:
        """Moved: the thresholds are the classifier's, ``classifier.sets(state, coverage)``."""
        raise UsageError(
            "a state holds no class sets any more", hint=f"Ask classifier.sets(state, {coverage:g})."
        )


def advance(
    rule: Preparation,
    network: Network,
    readout_of: Callable[[Question], Readout],
    states: Sequence[StreamState],
    observations: Sequence[Observation],
) -> list[StreamState]:
    """The next state of each object: one preparation, one call of the network, one readout a question."""
    steps = [rule.step(state.preparation, one) for state, one in zip(states, observations, strict=True)]
    read = [k for k, (_, features, _) in enumerate(steps) if len(features)]
    asked: dict[Question, list[int]] = {}
    for place, k in enumerate(read):
        asked.setdefault(states[k].question, []).append(place)
    readouts = {question: readout_of(question) for question in asked}
    answers: dict[int, tuple[RowAnswers, int]] = {}
    hidden = network.first_hidden(0)
    if read:
        new = [steps[k][0] for k in read]
        features = np.concatenate([steps[k][1] for k in read])
        offsets = [0, *accumulate(len(steps[k][1]) for k in read)]
        outputs, hidden = network.steps(
            features,
            np.array(offsets),
            np.concatenate([state.context for state in new]),
            np.concatenate([state.context_mask for state in new]),
            np.concatenate([_before(network, states[k], steps[k][0]) for k in read], axis=1),
            outputs=max(readout.outputs for readout in readouts.values()),  # the longest: each begins alike
        )
        for question, members in asked.items():
            places = [place for place in members if steps[read[place]][2][-1]]
            # Sums over classes may round by the number of rows at once: then each object by itself.
            alone = readouts[question].matrix is not None
            for some in [[place] for place in places] if alone else [places] if places else []:
                rows = np.array([offsets[place + 1] - 1 for place in some])
                seen = np.array([new[place].n_detections for place in some])
                said = readouts[question](outputs, features, rows, seen)
                answers.update((place, (said, row)) for row, place in enumerate(some))
    after = [state._replace(preparation=step[0]) for state, step in zip(states, steps, strict=True)]
    for place, k in enumerate(read):
        after[k] = _moved(after[k], hidden[:, place : place + 1].copy(), answers.get(place))
    return after


def _before(network: Network, state: StreamState, now: preparation.State) -> Floats32:
    """What the network remembers when it reads on: nothing where a trigger starts a new season."""
    return state.hidden if now.season == state.preparation.season else network.first_hidden()


def _moved(state: StreamState, hidden: Floats32, answer: tuple[RowAnswers, int] | None) -> StreamState:
    """The state after the network read a row, with the new answer in force where there is one."""
    if answer is None:
        return state._replace(hidden=hidden)
    said, row = answer
    return state._replace(
        hidden=hidden,
        probabilities=said.probabilities[row],
        novelty=None if said.novelty is None else float(said.novelty[row]),
        stated=None if said.stated is None else said.stated[row],
        n_detections=int(said.n_detections[row]),
    )
