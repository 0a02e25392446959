"""A classifier: what it knows, and its answers to tables and streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight import facts
from firstlight.classifier.answers import Answer, Priors, answer
from firstlight.classifier.calibration import Calibration, shares
from firstlight.classifier.checkpoint import CONFIG, NETWORK, TRUST, Checkpoint
from firstlight.classifier.network import Network
from firstlight.classifier.novelty import Novelty
from firstlight.classifier.predictions import Evidence, Predictions, running
from firstlight.classifier.priors import estimate_shares
from firstlight.classifier.rows import carry_on, pieces
from firstlight.classifier.state import StreamState
from firstlight.classifier.trust import Trust, read_trust
from firstlight.errors import Arg, CheckpointError, FirstlightError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Observation, Preparation, Sequences

Floats = NDArray[np.float32]


class Classifier:
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
        SHA-256 of the weights.
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
        self._threads = threads
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
        for what, stated, found in (
            ("features", len(self.preparation.feature_names), sizes.features),
            ("metadata columns", len(self.preparation.context_names), sizes.context),
            ("classes", len(self.classes), sizes.classes),
        ):
            if stated != found:
                raise CheckpointError(
                    f"config.json states {stated} {what}, but network.onnx has {found}",
                    where=checkpoint.where(),
                )
        part = checkpoint.extras.get(TRUST)
        self.trust: Trust | None = None
        if part is not None:
            numbers = sizes.embedding + sizes.features
            self.trust = read_trust(
                part, classes=len(self.classes), numbers=numbers, where=checkpoint.where(TRUST)
            )

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
        batch_size: int = 64,
    ) -> Predictions:
        """Class probabilities at every observation of every light curve.

        Parameters
        ----------
        curves : LightCurves
            Of any survey.
        classes : sequence of str, optional
            Coarser classes to answer with; the class tree says what adds to what, and what stands under
            none is left out.
        priors : "flat" or mapping of str to float, optional
            Shares of the classes to expect, of the classifier's or of those asked for.
        novelty : bool
            Whether to say how unlike all classes each light curve is (`Predictions.novelty`).
        batch_size : int
            Light curves in one call of the network at most; changes the speed only.

        Returns
        -------
        Predictions
            One object for every one that went in, in the same order; NaN and flags where nothing can be said.
        """
        ask = answer(self.calibration, self.classes, classes, priors)
        require_curves(curves)
        measure = self._novelty("classify") if novelty else None
        N, n = len(curves.time), len(curves)
        probabilities = np.full((N, len(ask.classes)), np.nan, np.float32)
        strange = None if measure is None else np.full(N, np.nan, np.float32)
        # Class sets rest on the classifier's own shares and classes, whatever was asked for.
        own, counted = probabilities, np.zeros(N if self.trust else 0, np.int64)
        if self.trust and not self._is_plain(ask):
            own = np.full((N, len(self.classes)), np.nan, np.float32)
        days = np.full(N, np.nan)
        read = np.zeros(N, np.bool_)
        flags = curves.object_flags.copy()
        for first, last in pieces(curves.offsets):
            piece = curves if (first, last) == (0, n) else curves[first:last]
            begin = int(curves.offsets[first])
            sequences = self.preparation(piece)
            outputs = ("logits",) if measure is None else ("logits", "embedding")
            logits, *embedding = self._run(sequences, outputs, batch_size)
            issued = sequences.issued
            rows, seen = sequences.row[issued] + begin, sequences.n_detections[issued]
            probabilities[rows] = ask(logits[issued], seen)
            if self.trust:
                counted[rows] = seen
                if own is not probabilities:
                    own[rows] = self._plain(logits[issued], seen)
            if measure is not None and strange is not None:
                strange[rows] = measure(embedding[0][issued], sequences.features[issued], seen)
            days[rows] = sequences.time[issued]
            read[sequences.row + begin] = True
            flags[first:last] |= sequences.flags
        filled: list[NDArray[Any]] = [probabilities] if own is probabilities else [probabilities, own]
        filled += [counted] if self.trust else []
        filled += [] if strange is None else [strange]
        carry_on(filled, days, curves)
        # As `LightCurves.until` counts, so that a look back says what was said then.
        lengths, usable = np.diff(curves.offsets), curves.detected & curves.usable
        detections = running(usable & (curves.time >= np.repeat(curves.trigger, lengths)))
        before = np.repeat(detections[curves.offsets[:-1]], lengths)
        return Predictions(
            probabilities,
            curves.time,
            days,
            curves.passband,
            detections[1:] - before,
            curves.trigger,
            curves.offsets,
            curves.passbands,
            ask.classes,
            curves.object_id,
            flags,
            np.diff(running(read)[curves.offsets]),
            np.diff(running(read & curves.detected)[curves.offsets]),
            self.name,
            self.version,
            self.hash,
            strange,
            self._evidence(ask, own, counted),
        )

    def estimate_priors(
        self, curves: LightCurves, *, classes: Sequence[str] | None = None, batch_size: int = 64
    ) -> dict[str, float]:
        """The share of each class among unlabelled light curves, to be given as ``priors``.

        Estimated from what the classifier says of them (`firstlight.classifier.priors.estimate_shares`), so
        only as good as its probabilities; light curves of which nothing can be said do not count.

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
        shares = estimate_shares(final / final.sum(axis=1, keepdims=True))
        return dict(zip(answers.classes, shares.tolist(), strict=True))

    @cached_property
    def _plain(self) -> Answer:
        """The answer on the classifier's own classes with its own shares."""
        return answer(self.calibration, self.classes, None, None)

    def _is_plain(self, ask: Answer) -> bool:
        return ask.matrix is None and np.array_equal(ask.shift, self._plain.shift)

    def _evidence(self, ask: Answer, own: Floats, n_detections: NDArray[np.int64] | int) -> Evidence | None:
        if self.trust is None:
            return None
        members = None if ask.matrix is None else ask.matrix > 0.0
        return Evidence(self.trust.sets, own, n_detections, members)

    def _novelty(self, where: str) -> Novelty:
        if self.trust is None:
            raise UsageError(
                f"the classifier '{self.name}' cannot say how novel a light curve is",
                where=where,
                hint=("Fine-tune one with ", Arg("calibration_folds", 5), "."),
            )
        return self.trust.novelty

    def logits(self, curves: LightCurves, *, batch_size: int = 64) -> tuple[Sequences, Floats]:
        """The prepared sequences, and the network's own numbers for each of their rows, float32 [M, C]."""
        require_curves(curves)
        sequences = self.preparation(curves)
        return sequences, self._run(sequences, ("logits",), batch_size)[0]

    def embed(self, curves: LightCurves, *, batch_size: int = 64) -> Floats:
        """What the network makes of each whole light curve, float32 [n, E]; NaN where it read nothing."""
        require_curves(curves)
        out = np.full((len(curves), self._network.sizes.embedding), np.nan, np.float32)
        for first, last in pieces(curves.offsets):
            sequences = self.preparation(curves[first:last])
            (rows,) = self._run(sequences, ("embedding",), batch_size)
            # Of several seasons the last one stays.
            out[first + sequences.owner] = rows[sequences.offsets[1:] - 1]
        return out

    def _run(self, sequences: Sequences, outputs: Sequence[str], batch_size: int) -> list[Floats]:
        return self._network.run(
            sequences.features,
            sequences.offsets,
            sequences.context,
            sequences.context_mask,
            outputs=outputs,
            batch_size=batch_size,
        )

    def start(
        self,
        metadata: Mapping[str, Any] | None = None,
        *,
        survey: str | facts.Survey | None = None,
        classes: Sequence[str] | None = None,
        priors: Priors = None,
        novelty: bool = False,
    ) -> StreamState:
        """The state of one object before its first observation.

        Parameters
        ----------
        metadata : mapping, optional
            What is known about the object: ``redshift``, ``mwebv``, ``trigger_mjd``, ...
        survey : str or Survey, optional
            Whose passbands the observations name; needed where the classifier knows several.
        classes, priors, novelty : optional
            As in `classify`.
        """
        if novelty:
            self._novelty("start")
        if survey is None:
            if len(self.surveys) != 1:
                raise UsageError(
                    "the survey must be said", where="start", hint=("For example ", Arg("survey", "ZTF"), ".")
                )
            survey = self.surveys[0]
        if isinstance(survey, str):  # a name means what it meant in training
            survey = next((one for one in self.own_surveys if one.answers_to(survey)), survey)
        return StreamState(
            self.preparation.start(metadata, survey=survey),
            self._network.first_hidden(),
            None,
            answer(self.calibration, self.classes, classes, priors),
            novelty,
        )

    def step(self, state: StreamState, observation: Observation) -> tuple[StreamState, Floats | None]:
        """The next state, and the probabilities [C] after the observation; None before the first answer.

        An observation that is not read leaves the answer as it was. `state` stays valid.

        Raises
        ------
        DataError
            When the observation belongs before one that was already taken.
        """
        before = state.preparation
        after, features, issued = self.preparation.step(before, observation)
        if not len(features):
            return state._replace(preparation=after), state.probabilities
        hidden = state.hidden if after.season == before.season else self._network.first_hidden()
        measure = self._novelty("step") if state.asks_novelty else None
        outputs = ("logits",) if measure is None else ("logits", "embedding")
        (logits, *embedding), hidden = self._network.step(
            features, after.context, after.context_mask, hidden, outputs=outputs
        )
        state = state._replace(preparation=after, hidden=hidden)
        if issued[-1]:
            seen = after.memory.detections
            probabilities = state.answer(logits[-1:], seen)[0]
            own = probabilities
            if self.trust and not self._is_plain(state.answer):
                own = self._plain(logits[-1:], seen)[0]
            state = state._replace(
                probabilities=probabilities, evidence=self._evidence(state.answer, own, seen)
            )
            if measure is not None:
                strange = measure(embedding[0][-1:], features[-1:], np.array([seen]))
                state = state._replace(novelty=float(strange[0]))
        return state, state.probabilities

    def save(self, path: str | Path) -> Path:
        """The directory into which the whole classifier was written; `load` reads it."""
        return self.checkpoint.save(path)


def require_curves(curves: object, where: str = "") -> None:
    """Raise UsageError when what should be light curves is a table, a path or anything else."""
    if not isinstance(curves, LightCurves):
        raise UsageError(
            f"light curves are needed, not a {type(curves).__name__}",
            where=where,
            hint="Read it first: firstlight.read_table(table, survey='ZTF', flux_unit='uJy').",
        )
