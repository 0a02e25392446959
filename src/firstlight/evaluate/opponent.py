"""The standing opponent: hand-made features and gradient boosting, trained afresh for each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from firstlight._types import Bools, Floats, Ints
from firstlight.errors import MissingExtraError, TrainingError, UsageError
from firstlight.evaluate.handmade_features import FeatureSet, features
from firstlight.evaluate.metrics import encode
from firstlight.evaluate.stages import FULL, Stage

if TYPE_CHECKING:
    from firstlight.lightcurves import LightCurves

FOREST = 300  # trees of a random forest (protocol plasticc-8)

Booster = Literal["auto", "lightgbm", "scikit-learn", "forest"]


@dataclass(frozen=True)
class Boosting:
    """Settings of the boosted trees, in words that both libraries share."""

    trees: int
    leaves: int
    leaf_objects: int
    rate: float = 0.06
    columns: float = 0.3
    rows: float = 0.8
    l2: float = 1.0
    weight_power: float = 0.5

    @staticmethod
    def of_protocol(which: FeatureSet, labels: int) -> Boosting:
        """The settings of protocol ztf-5 ("detections") or plasticc-8 ("flux") for this many labels."""
        if which == "flux":
            return Boosting(220, 15, 20, rows=1.0, l2=0.0, weight_power=1.0)
        if labels <= 300:
            return Boosting(80, 8, 4)
        return Boosting(150, 15, 8) if labels <= 1500 else Boosting(200, 15, 15)


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees fitted to a table of numbers, one model a seed; their probabilities are averaged.

    ``seen`` are the classes that had labels, ``columns`` the numbers that are known and vary in training (of
    three detections many are not).
    """

    classes: int
    models: tuple[Any, ...]
    seen: Ints
    columns: Ints

    @classmethod
    def fit(
        cls,
        table: Floats,
        truth: Ints,
        classes: int,
        *,
        settings: Boosting,
        booster: Booster = "auto",
        seeds: Sequence[int] = (0,),
    ) -> Trees:
        """Trees fitted to the numbers [n, F] of objects of the class indices `truth` [n].

        Raises
        ------
        TrainingError
            With fewer than two classes among them.
        """
        seen = np.unique(truth)
        if seen.size < 2:
            raise TrainingError(f"trees need labels of two classes; found {seen.size}")
        columns = np.flatnonzero(_varies(table))
        counts = np.bincount(truth, minlength=classes)
        weights = (truth.size / counts[truth]) ** settings.weight_power
        target = np.searchsorted(seen, truth)
        models = tuple(
            _booster(booster, settings, seed).fit(
                table[:, columns], target, sample_weight=weights / weights.mean()
            )
            for seed in seeds
        )
        return cls(classes, models, seen, columns)

    def predict(self, table: Floats) -> Floats:
        """Class probabilities float64 [n, C]; 0 for a class that had no label."""
        result = np.zeros((len(table), self.classes))
        result[:, self.seen] = np.mean(
            [model.predict_proba(table[:, self.columns]) for model in self.models], axis=0
        )
        return result


@dataclass(frozen=True, eq=False)
class Opponent:
    """A fitted opponent: what it was trained on, and its boosted trees (one a seed).

    Examples
    --------
    >>> opponent = Opponent.fit(pool, classes=protocol.classes)  # doctest: +SKIP
    >>> opponent.predict(test).shape                             # doctest: +SKIP
    (1986, 5)
    """

    classes: tuple[str, ...]
    counts: Ints
    which: FeatureSet
    passbands: tuple[str, ...]
    metadata: tuple[str, ...]
    cut: Stage
    trees: Trees

    @classmethod
    def fit(
        cls,
        curves: LightCurves,
        labels: Sequence[str] | None = None,
        *,
        classes: Sequence[str] | None = None,
        which: FeatureSet | None = None,
        cut: Stage = FULL,
        metadata: Sequence[str] = (),
        passbands: Sequence[str] | None = None,
        booster: Booster = "auto",
        settings: Boosting | None = None,
        seeds: Sequence[int] = (0, 1, 2),
    ) -> Opponent:
        """An opponent fitted to labelled light curves.

        Parameters
        ----------
        curves : LightCurves
        labels : sequence of str, optional
            Class of every object; the column ``label`` of ``curves.objects`` by default.
        classes : sequence of str, optional
            Order of the answer's columns; a class without labels gets probability 0. The sorted labels by
            default.
        which : {"detections", "flux"}, optional
            The feature set; "detections" for light curves of two passbands, "flux" for more.
        cut : Stage
            Applied to these light curves and to those of `predict`.
        metadata : sequence of str
            Columns of ``curves.objects`` to use beside the light curve.
        passbands : sequence of str, optional
            Qualified names, blue to red; those of `curves` by default.
        booster : {"auto", "lightgbm", "scikit-learn", "forest"}
            "auto" takes LightGBM where it is installed; "forest" is a random forest of 300 trees.
        settings : Boosting, optional
            Those of the protocol by default.
        seeds : sequence of int
            One model each; their probabilities are averaged.

        Raises
        ------
        TrainingError
            With fewer than two classes among the labels.
        """
        names = list(curves.column("label")) if labels is None else list(labels)
        order = tuple(classes) if classes is not None else tuple(sorted({str(name) for name in names}))
        truth = encode(names, order)
        seen = np.unique(truth)
        if seen.size < 2:
            raise TrainingError(
                f"gradient boosting needs labels of two classes; found {[order[i] for i in seen]}"
            )
        bands = tuple(passbands) if passbands is not None else _in_use(curves)
        which = which or ("detections" if len(bands) == 2 else "flux")
        if which == "detections" and len(bands) != 2:
            raise UsageError(
                f"the feature set 'detections' compares two passbands, not {len(bands)}: {bands}"
            )
        settings = settings or Boosting.of_protocol(which, truth.size)
        _, table = features(cut.apply(curves), which, bands, metadata)
        counts = np.bincount(truth, minlength=len(order)).astype(np.int64)
        trees = Trees.fit(table, truth, len(order), settings=settings, booster=booster, seeds=seeds)
        return cls(
            classes=order,
            counts=counts,
            which=which,
            passbands=bands,
            metadata=tuple(metadata),
            cut=cut,
            trees=trees,
        )

    def predict(self, curves: LightCurves) -> Floats:
        """Class probabilities float64 [n, C], in the order of `classes`; cut as in training."""
        _, table = features(self.cut.apply(curves), self.which, self.passbands, self.metadata)
        return self.trees.predict(table)


def _varies(table: Floats) -> Bools:
    """Columns with at least two different known values."""
    known = np.isfinite(table)
    high = np.where(known, table, -np.inf).max(axis=0)
    return np.asarray(known.any(axis=0) & (np.where(known, table, np.inf).min(axis=0) < high))


def _in_use(curves: LightCurves) -> tuple[str, ...]:
    used = np.unique(curves.passband[curves.usable])
    return tuple(curves.passbands[index] for index in used)


def _booster(which: Booster, settings: Boosting, seed: int) -> Any:
    """An unfitted booster with scikit-learn's ``fit`` and ``predict_proba``."""
    if which in ("auto", "lightgbm"):
        try:
            return _lightgbm(settings, seed)
        except ImportError:
            if which == "lightgbm":
                raise MissingExtraError("lightgbm", "study") from None
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    except ImportError:
        raise MissingExtraError("scikit-learn", "learn") from None
    if which == "forest":
        return RandomForestClassifier(FOREST, random_state=seed)
    return HistGradientBoostingClassifier(
        learning_rate=settings.rate,
        max_iter=settings.trees,
        max_leaf_nodes=settings.leaves,
        min_samples_leaf=settings.leaf_objects,
        max_features=settings.columns,
        l2_regularization=settings.l2,
        early_stopping=False,
        random_state=seed,
    )


class _QuietLightGBM:
    """LightGBM behind scikit-learn's two methods, with its own data layer (no feature names, no warnings)."""

    def __init__(self, parameters: dict[str, Any], rounds: int) -> None:
        self._parameters, self._rounds = parameters, rounds

    def fit(self, table: Floats, target: Ints, sample_weight: Floats) -> _QuietLightGBM:
        import lightgbm

        parameters = {**self._parameters, "num_class": int(target.max()) + 1}
        data = lightgbm.Dataset(table, target, weight=sample_weight, params={"verbose": -1})
        self._model = lightgbm.train(parameters, data, num_boost_round=self._rounds)
        return self

    def predict_proba(self, table: Floats) -> Floats:
        return np.asarray(self._model.predict(table, num_threads=1))


def _lightgbm(settings: Boosting, seed: int) -> _QuietLightGBM:
    import lightgbm  # noqa: F401  (absent: the caller takes scikit-learn)

    return _QuietLightGBM(
        {
            "objective": "multiclass",
            "learning_rate": settings.rate,
            "num_leaves": settings.leaves,
            "min_data_in_leaf": settings.leaf_objects,
            "feature_fraction": settings.columns,
            "bagging_fraction": settings.rows,
            "bagging_freq": 1 if settings.rows < 1 else 0,
            "lambda_l2": settings.l2,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": seed,
            "verbose": -1,
        },
        settings.trees,
    )
