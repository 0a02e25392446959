"""A classifier: what it knows, and its answers to tables and streams."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from firstlight import facts
from firstlight._types import Bools, Floats32
from firstlight.classifier import constancy
from firstlight.classifier.calibration import Calibration, shares
from firstlight.classifier.checkpoint import CONFIG, NETWORK, TRUST, Checkpoint
from firstlight.classifier.familiar import Familiar
from firstlight.classifier.inference import Network
from firstlight.classifier.predictions import Predictions, carry_on, pieces, require_curves, running
from firstlight.classifier.readout import Priors, Question, Readout
from firstlight.classifier.stepping import (
    Stepped,
    StreamState,
    StreamStates,
    advance,
    advance_one,
    from_bytes,
)
from firstlight.classifier.trust import Trust, read_trust
from firstlight.errors import Arg, CheckpointError, FirstlightError, UsageError, whole_number
from firstlight.lightcurves import Flag, LightCurves
from firstlight.preparation import Observation, Preparation, Sequences


class Classifier(Familiar):
    """A trained network with all that its answers depend on; made by `load`.

    It may be used by several threads at once, and travels to other processes with all that it holds.

    Parameters
    ----------
    checkpoint : Checkpoint
    threads : int
        Threads of one call.

    Attributes
    ----------
    name, version : str
    classes : tuple of str
        In the order of the probabilities.
    surveys : tuple of str
        Whose light curves it was trained on.
    passbands : tuple of Passband
        Those that it was trained on, with the numbers that they had then.
    own_surveys : tuple of Survey
        Those of `surveys` that do not come with firstlight.
    card : str
        Data, measures and limits, in Markdown.
    preparation : Preparation
    calibration : Calibration
    hash : str
        SHA-256 over the configuration and all parts.
    trust : Trust or None
        What class sets and novelty are computed from, where the classifier carries it.
    checkpoint : Checkpoint
    """

    def __init__(self, checkpoint: Checkpoint, *, threads: int = 1) -> None:
        config = checkpoint.config
        self.checkpoint = checkpoint
        self.name, self.version = str(config["name"]), str(config["version"])
        self.classes: tuple[str, ...] = tuple(config["classes"])
        self.surveys: tuple[str, ...] = tuple(config["surveys"])
        self.card, self.hash = checkpoint.card, checkpoint.hash
        self._threads = whole_number("threads", threads, 1)
        try:
            # Facts of surveys that do not come with firstlight stand beside the names that mean them.
            self.own_surveys = tuple(
                facts.Survey.from_dict(values) for values in config.get("own_surveys", ())
            )
            own = tuple(band for one in self.own_surveys for band in one.passbands)
            self.passbands = tuple(facts.passband(name, among=own) for name in config["passbands"])
            self.preparation = Preparation.from_dict(config["preparation"], among=own)
            self.calibration = Calibration.from_dict(config["calibration"])
            for given in (self.calibration.training_shares, self.calibration.prior):
                shares(given or "flat", self.classes)
            self.calibration.shift(self.classes)
        except FirstlightError as error:
            raise CheckpointError(
                f"does not hold together: {error}", where=checkpoint.where(CONFIG)
            ) from error
        self._network = Network(checkpoint.onnx, threads=threads, where=checkpoint.where(NETWORK))
        sizes = self._network.sizes
        sizes.require(
            features=len(self.preparation.feature_names),
            context=len(self.preparation.context_names),
            classes=len(self.classes),
            where=checkpoint.where(),
        )
        self.trust: Trust | None = None
        if TRUST in checkpoint.parts:
            self.trust = read_trust(
                checkpoint.parts[TRUST],
                classes=len(self.classes),
                numbers=sizes.embedding + sizes.features,
                where=checkpoint.where(TRUST),
            )
        # A pure function of the question; kept, because a stream asks the same at every observation.
        readout = partial(Readout.of, own=self.classes, calibration=self.calibration, trust=self.trust)
        self._readout = lru_cache(maxsize=32)(readout)

    def __repr__(self) -> str:
        return f"Classifier('{self.name}', version {self.version}: {', '.join(self.classes)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), threads=self._threads), (self.checkpoint,)

    def classify(
        self,
        curves: LightCurves,
        *,
        classes: Sequence[str] | None = None,
        priors: Priors = None,
        novelty: bool = False,
        renormalise: bool = False,
        batch_size: int = 64,
    ) -> Predictions:
        """Class probabilities at every observation of every light curve.

        Parameters
        ----------
        curves : LightCurves
            Of any survey.
        classes : sequence of str, optional
            Coarser classes to answer with; the class tree says what adds to what. What stands under none of
            them is ``other``, a class of its own.
        priors : "flat" or mapping of str to float, optional
            Shares of the classes to expect, of the classifier's or of those asked for.
        novelty : bool
            Whether to say how unlike all classes each light curve is (`Predictions.novelty`).
        renormalise : bool
            Leave out what stands under none of `classes`, so that they alone sum to 1: for objects that are
            known to be of one of them. `Predictions.left_out` says what that was.
        batch_size : int
            Light curves in one call of the network at most; changes the speed only.

        Returns
        -------
        Predictions
            One object for every one that went in, in the same order; NaN and flags where nothing can be said.
        """
        readout = self._readout(self._question(classes, priors, novelty, renormalise, where="classify"))
        require_curves(curves)
        N, n = len(curves.time), len(curves)
        said = readout.nothing(N)
        days = np.full(N, np.nan)
        read = np.zeros(N, np.bool_)
        flags = curves.object_flags.copy()
        for first, last in pieces(curves.offsets):
            piece = curves if (first, last) == (0, n) else curves[first:last]
            begin = int(curves.offsets[first])
            sequences = self.preparation(piece)
            outputs = self._run(sequences, readout.outputs, batch_size)
            issued = sequences.issued
            rows = sequences.row[issued] + begin
            answers = readout(outputs, sequences.features, issued, sequences.n_detections[issued])
            memory = constancy.nothing(len(sequences))
            flat, _ = constancy.follow(memory, sequences.names, sequences.features, sequences.offsets)
            said.put(rows, answers.without(flat[issued]))
            days[rows] = sequences.time[issued]
            read[sequences.row + begin] = True
            flags[first:last] |= sequences.flags
        carry_on(said.columns(), days, curves)
        withheld = np.flatnonzero(np.isfinite(days) & np.isnan(said.probabilities[:, 0]))
        ends = np.intersect1d(withheld, curves.offsets[1:] - 1)
        flags[curves.owner[ends]] |= np.uint16(Flag.CONSTANT_FLUX)
        # As `LightCurves.until` counts, so that a look back says what was said then.
        lengths, usable = np.diff(curves.offsets), curves.detected & curves.usable
        detections = running(usable & (curves.time >= np.repeat(curves.trigger, lengths)))
        before = np.repeat(detections[curves.offsets[:-1]], lengths)
        return Predictions(
            probabilities=said.probabilities,
            time=curves.time,
            days_since_trigger=days,
            passband=curves.passband,
            detections=detections[1:] - before,
            trigger=curves.trigger,
            offsets=curves.offsets,
            passbands=curves.passbands,
            classes=readout.classes,
            object_id=curves.object_id,
            flags=flags,
            n_observations=np.diff(running(read)[curves.offsets]),
            n_detections=np.diff(running(read & curves.detected)[curves.offsets]),
            classifier=self.name,
            version=self.version,
            hash=self.hash,
            novelty=said.novelty,
            evidence=readout.evidence(said.probabilities, said.stated, said.n_detections),
            left_out=readout.left_out,
            not_read=tuple(b.name for b in curves.bands if self.preparation.reads(b) is None),
            curves=curves,
        )

    def logits(self, curves: LightCurves, *, batch_size: int = 64) -> tuple[Sequences, Floats32]:
        """The prepared sequences, and the network's own numbers for each of their rows, float32 [M, C]."""
        require_curves(curves)
        sequences = self.preparation(curves)
        return sequences, self._run(sequences, ("logits",), batch_size)[0]

    def embed(self, curves: LightCurves, *, batch_size: int = 64) -> Floats32:
        """What the network makes of each whole light curve, float32 [n, E]; NaN where it read nothing."""
        require_curves(curves)
        out = np.full((len(curves), self._network.sizes.embedding), np.nan, np.float32)
        for first, last in pieces(curves.offsets):
            sequences = self.preparation(curves[first:last])
            (rows,) = self._run(sequences, ("embedding",), batch_size)
            # Of several seasons the last one stays.
            out[first + sequences.owner] = rows[sequences.offsets[1:] - 1]
        return out

    def _run(self, sequences: Sequences, outputs: Sequence[str], batch_size: int) -> list[Floats32]:
        return self._network.run(
            sequences.features,
            sequences.offsets,
            sequences.context,
            sequences.context_mask,
            outputs=outputs,
            batch_size=whole_number("batch_size", batch_size, 1),
        )

    def start(
        self,
        metadata: Mapping[str, Any] | None = None,
        *,
        survey: str | facts.Survey | None = None,
        classes: Sequence[str] | None = None,
        priors: Priors = None,
        novelty: bool = False,
        renormalise: bool = False,
    ) -> StreamState:
        """The state of one object before its first observation.

        Parameters
        ----------
        metadata : mapping, optional
            What is known about the object: ``redshift``, ``mwebv``, ``trigger_mjd``, ...
        survey : str or Survey, optional
            Whose passbands the observations name; needed where the classifier knows several.
        classes, priors, novelty, renormalise : optional
            As in `classify`.
        """
        question = self._question(classes, priors, novelty, renormalise, where="start")
        self._readout(question)  # what cannot be asked is refused now
        if survey is None:
            if len(self.surveys) != 1:
                raise UsageError(
                    "the survey must be said", where="start", hint=("For example ", Arg("survey", "ZTF"), ".")
                )
            survey = self.surveys[0]
        if isinstance(survey, str):  # a name means what it meant in training
            survey = next((one for one in self.own_surveys if one.answers_to(survey)), survey)
        return StreamState(
            preparation=self.preparation.start(metadata, survey=survey),
            hidden=self._network.first_hidden(),
            question=question,
            constancy=constancy.nothing(1),
        )

    def step(self, state: StreamState, observation: Observation) -> tuple[StreamState, Floats32 | None]:
        """The next state, and the probabilities [C] after the observation; None before the first answer.

        An observation that is not read leaves the answer as it was. `state` stays valid.

        Raises
        ------
        DataError
            When the observation belongs before one that was already taken.
        """
        state = advance_one(
            self.preparation, self._network, self._readout(state.question), state, observation
        )
        return state, state.probabilities

    def start_many(
        self,
        curves: LightCurves,
        *,
        classes: Sequence[str] | None = None,
        priors: Priors = None,
        novelty: bool = False,
        renormalise: bool = False,
    ) -> StreamStates:
        """The states of many objects before their first observation.

        Parameters
        ----------
        curves : LightCurves
            Objects and their metadata; observations do not count. Their passbands are those that may come.
        classes, priors, novelty, renormalise : optional
            As in `classify`.
        """
        require_curves(curves, where="start_many")
        question = self._question(classes, priors, novelty, renormalise, where="start_many")
        answers = self._readout(question).nothing(len(curves))
        hidden = self._network.first_hidden(len(curves))
        memory = constancy.nothing(len(curves))
        return StreamStates(self.preparation.begin(curves), hidden, answers, question, memory)

    def step_many(self, states: StreamStates, curves: LightCurves) -> Stepped:
        """What becomes of n objects by further observations: their states, and the answers in force.

        To the last bit what `step` says of each object alone, by one preparation of all observations and one
        call of the network for all objects that go on by as many rows. `states` stay valid.

        Parameters
        ----------
        states : StreamStates
        curves : LightCurves
            The new observations of the same objects in the same order, of any number each. Those that were
            taken before change nothing; those that come too late change nothing and are named.

        Raises
        ------
        UsageError
            For another number of objects.
        DataError
            For a passband that the states do not know.
        """
        require_curves(curves, where="step_many")
        return advance(self.preparation, self._network, self._readout(states.question), states, curves)

    def states_of(
        self,
        data: Iterable[bytes],
        bands: Sequence[facts.Passband],
        *,
        classes: Sequence[str] | None = None,
        priors: Priors = None,
        novelty: bool = False,
        renormalise: bool = False,
    ) -> StreamStates:
        """The states that `StreamStates.to_bytes` wrote, of these passbands and of what was asked then.

        Raises
        ------
        DataError
            For bytes of another version, classifier, question or passbands, or cut short.
        """
        question = self._question(classes, priors, novelty, renormalise, where="states_of")
        nothing = self._readout(question).nothing(0)
        hidden, answers, memory, rest = from_bytes(data, self._network.first_hidden(0), nothing)
        return StreamStates(self.preparation.states_of(rest, bands), hidden, answers, question, memory)

    def sets(self, states: StreamState | StreamStates, coverage: float = 0.9) -> Bools:
        """The classes that stay possible, bool [C] or [n, C]: before an answer all (`Predictions.sets`)."""
        readout = self._readout(states.question)
        if states.probabilities is None:
            return np.ones(len(readout.classes), np.bool_)
        evidence = readout.evidence(states.probabilities, states.stated, states.n_detections)
        if evidence is None:
            raise UsageError("the classifier has no class sets", where=Arg("sets"))
        return evidence(coverage)

    def _question(
        self,
        classes: Sequence[str] | None,
        priors: Priors,
        novelty: bool,
        renormalise: bool,
        *,
        where: str,
    ) -> Question:
        if novelty and self.trust is None:
            raise UsageError(
                f"the classifier '{self.name}' cannot say how novel a light curve is",
                where=where,
                hint=("Fine-tune one with ", Arg("calibration_folds", 5), "."),
            )
        return Question.of(classes, priors, novelty, renormalise)

    def save(self, path: str | Path) -> Path:
        """The directory into which the whole classifier was written; `load` reads it."""
        return self.checkpoint.save(path)
