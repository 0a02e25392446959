"""A benchmark protocol: which labels may be seen, what counts at a stage, how it is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike

from firstlight._types import Bools, Floats, Ints
from firstlight.errors import DataError, UnknownNameError, whole_number
from firstlight.evaluate.handmade_features import FeatureSet
from firstlight.evaluate.metrics import encode
from firstlight.evaluate.resampling import RESAMPLES
from firstlight.evaluate.scores import Score, score
from firstlight.evaluate.stages import FULL, STAGES, Stage, collapse, stage_answers

if TYPE_CHECKING:
    from firstlight.classifier import Predictions
    from firstlight.lightcurves import LightCurves


@dataclass(frozen=True, eq=False)
class Protocol:
    """A benchmark: its light curves, already reduced to the rows that count, and its rules.

    ``curves`` maps ``pool`` (training), ``test`` (scoring only), ``other`` and, for plasticc-8, ``wide`` to
    labelled light curves with ``trigger_mjd``. ``draws`` maps (budget, draw) to the ids whose labels may be
    seen.
    """

    name: str
    classes: tuple[str, ...]
    curves: Mapping[str, LightCurves]
    draws: Mapping[tuple[str, int], tuple[str, ...]]
    metadata: tuple[str, ...]
    features: FeatureSet
    passbands: tuple[str, ...]
    reach_needed: bool  # an object counts at k detections only when it has k
    stages: tuple[Stage, ...] = STAGES

    @property
    def pool(self) -> LightCurves:
        """Light curves to train on."""
        return self.curves["pool"]

    @property
    def test(self) -> LightCurves:
        """Light curves to score on, and for nothing else."""
        return self.curves["test"]

    @property
    def budgets(self) -> tuple[str, ...]:
        """Label budgets, ascending; the last one is all of the pool."""
        return tuple(dict.fromkeys(budget for budget, _ in self.draws)) + (() if self._has_all else ("all",))

    @property
    def _has_all(self) -> bool:
        return any(budget == "100%" for budget, _ in self.draws)

    def draw(self, budget: str | int, draw: int = 0) -> tuple[str, ...]:
        """Ids of the pool objects whose labels a budget allows in a draw.

        Parameters
        ----------
        budget : str or int
            One of `budgets`, e.g. ``100`` or ``"all"`` (ztf-5), ``"10%"`` (plasticc-8).
        draw : int
            Number of the draw; of no consequence where all labels are seen.
        """
        name = str(budget)
        if name == "all":
            return tuple(name for name in self.pool.object_id)
        if name not in self.budgets:
            raise UnknownNameError("budget", name, self.budgets, where=self.name)
        if (name, draw) not in self.draws:
            known = [str(number) for given, number in self.draws if given == name]
            raise UnknownNameError("draw", draw, known, where=f"{self.name}, budget {name}")
        return self.draws[name, draw]

    def labelled(self, budget: str | int, draw: int = 0) -> LightCurves:
        """The pool objects whose labels a budget allows in a draw."""
        return self.select("pool", self.draw(budget, draw))

    def select(self, split: str, ids: Sequence[str]) -> LightCurves:
        """The objects of a split with these ids, in the order of the split."""
        wanted = set(ids)
        own = self._split(split)
        return own.take(np.flatnonzero([name in wanted for name in own.object_id]))

    def validation(
        self, ids: Sequence[str], share: float = 0.2, seed: int = 0
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Training and validation ids of a label budget, by class; one of each class always stays to train.

        Parameters
        ----------
        ids : sequence of str
            What `draw` gave: validation labels come out of the same budget.
        share : float
            Part of each class for validation, rounded.
        """
        curves = self.select("pool", ids)
        labels, names = curves.column("label"), curves.object_id
        rng, held = np.random.default_rng(whole_number("seed", seed)), set[str]()
        for label in self.classes:
            members = [name for name, own in zip(names, labels, strict=True) if own == label]
            number = min(round(share * len(members)), len(members) - 1)
            held.update(rng.permutation(members)[: max(number, 0)].tolist())
        return tuple(name for name in names if name not in held), tuple(
            name for name in names if name in held
        )

    def counts(self, curves: LightCurves) -> Ints:
        """Objects of each class among labelled light curves, int64 [C]."""
        return np.bincount(self.truth(curves), minlength=len(self.classes)).astype(np.int64)

    def truth(self, curves: LightCurves) -> Ints:
        """Class index of every labelled light curve, int64 [n]."""
        return encode(list(curves.column("label")), self.classes)

    def reaching(self, curves: LightCurves, stage: Stage) -> Bools:
        """Which light curves count at a stage, bool [n]."""
        if stage.detections is None or not self.reach_needed:
            return np.ones(len(curves), dtype=bool)
        hit = curves.usable & curves.detected & (curves.time >= curves.trigger[curves.owner])
        return np.asarray(curves.per_object(hit) >= stage.detections)

    def counting(self, stage: Stage = FULL, split: str = "test") -> LightCurves:
        """The whole light curves of the objects of a split that are scored at a stage."""
        curves = self._split(split)
        return curves.take(np.flatnonzero(self.reaching(curves, stage)))

    def stage_probabilities(
        self, predictions: Predictions, stage: Stage = FULL, split: str = "test"
    ) -> Floats:
        """Probabilities at a stage, float64 [objects that count, C], in the order of the split.

        `predictions` are those of whole light curves of the split; finer classes are summed by the class
        tree, and what belongs to no class of the protocol is left out before the rest is normalised.
        """
        values = collapse(stage_answers(predictions, stage), predictions.classes, self.classes)
        names = self.counting(stage, split).object_id
        place = {str(name): index for index, name in enumerate(predictions.object_id)}
        missing = [name for name in names if name not in place]
        if missing:
            raise DataError(
                f"{len(missing)} objects of '{split}' are not among the predictions, e.g. '{missing[0]}'",
                where=self.name,
            )
        return values[[place[name] for name in names]]

    def score(
        self,
        answer: Predictions | ArrayLike,
        stage: Stage = FULL,
        *,
        split: str = "test",
        counts: ArrayLike | None = None,
        number: int = RESAMPLES,
        seed: int = 0,
    ) -> list[Score]:
        """Tidy rows of every measure at a stage.

        Parameters
        ----------
        answer : Predictions or array [objects that count at this stage, C]
        stage : Stage
        split : {"test", "wide"}
        counts : array [C], optional
            Training labels by class: adds the measures of the balanced decision.
        number, seed : int
            Resamples of the bootstrap and its seed.
        """
        values = np.asarray(
            self.stage_probabilities(cast("Predictions", answer), stage, split)
            if hasattr(answer, "offsets")
            else answer
        )
        truth = self.truth(self.counting(stage, split))
        return score(truth, values, self.classes, stage=stage.name, counts=counts, number=number, seed=seed)

    def _split(self, split: str) -> LightCurves:
        if split not in self.curves:
            raise UnknownNameError("split", split, self.curves, where=self.name)
        return self.curves[split]
