"""What the cells of a study share within a process: light curves, bases, features, each made once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from firstlight._types import Floats, Ints
from firstlight.classifier import Classifier
from firstlight.classifier import load as load_classifier
from firstlight.errors import DataError
from firstlight.evaluate import Protocol, Stage, features, protocol
from firstlight.evaluate.metrics import fill_unanswered
from firstlight.facts import class_tree
from firstlight.lightcurves import LightCurves
from firstlight.readers import read_table
from firstlight.study.own_protocol import own_protocol, read_own
from firstlight.study.plan import Arm, Study

Value = TypeVar("Value")
LEAST = 1e-6  # probabilities below this say no more in a logarithm


def rules_of(
    study: Study,
    data: str | Path | None = None,
    *,
    pool: LightCurves | None = None,
    test: LightCurves | None = None,
    classes: Sequence[str] | None = None,
) -> Protocol:
    """The protocol of a study: a benchmark, tables of one's own, or the light curves given."""
    if pool is not None and test is not None:
        return own_protocol(
            pool,
            test,
            budgets=study.budgets or ("all",),
            draws=study.draws,
            classes=classes,
            metadata=study.metadata,
            name=study.name,
        )
    if study.protocol:
        return protocol(study.protocol, data, study.metadata)
    return read_own(
        study.data,
        None if data is None else Path(data),
        budgets=study.budgets or ("all",),
        draws=study.draws,
        metadata=study.metadata,
        name=study.name,
    )


@dataclass(frozen=True, eq=False)
class Material:
    """A study with its protocol; everything derived from them is kept for the next cell."""

    study: Study
    rules: Protocol
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    def _once(self, key: Any, make: Callable[[], Value]) -> Value:
        if key not in self._kept:
            self._kept[key] = make()
        value: Value = self._kept[key]
        return value

    def curves(self, arm: Arm, split: str) -> LightCurves:
        """The light curves of a split with the metadata that an arm sees."""
        dropped = tuple(name for name in self.study.metadata if name not in (arm.metadata or ()))
        hidden = arm.hidden if split != "pool" else ()
        return self._once(
            ("curves", split, dropped, hidden), lambda: _without(self.rules.curves[split], dropped, hidden)
        )

    def base(self, name: str) -> Classifier:
        """A base, loaded once."""
        return self._once(("base", name), lambda: load_classifier(name))

    def table(self, arm: Arm, split: str, stage: Stage) -> Floats:
        """Hand-made features of a split cut to a stage, float64 [n, F]."""
        return self._once(
            ("features", split, stage, arm.metadata, arm.hidden),
            lambda: features(
                stage.apply(self.curves(arm, split)),
                self.rules.features,
                self.rules.passbands,
                arm.metadata or (),
            )[1],
        )

    def embedding(self, arm: Arm, name: str, split: str, stage: Stage) -> tuple[Floats, Floats]:
        """Embedding [n, E] and log probabilities [n, C] that the base `name` gives a split cut to a stage."""

        def make() -> tuple[Floats, Floats]:
            cut, base = stage.apply(self.curves(arm, split)), self.base(name)
            answers = base.classify(cut, classes=self.rules.classes, renormalise=True).final()
            return np.asarray(base.embed(cut), np.float64), np.log(
                np.maximum(fill_unanswered(answers), LEAST)
            )

        return self._once(("embedding", name, split, stage, arm.metadata, arm.hidden), make)

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each object of the pool stands."""
        return {name: index for index, name in enumerate(self.rules.pool.object_id)}

    @cached_property
    def pool_truth(self) -> Ints:
        """Class index of every object of the pool."""
        return self.rules.truth(self.rules.pool)

    @cached_property
    def replay(self) -> LightCurves:
        """The simulated light curves of these classes, which are mixed in."""
        alone = self.rules.features == "detections"
        curves = LightCurves.concat([read_simulated(one, detections_only=alone) for one in self.study.replay])
        labels = class_tree().collapse_labels(curves.column("label"), self.rules.classes)
        return curves.take(np.flatnonzero([label is not None for label in labels]))

    def objects(self, ids: Sequence[str]) -> Ints:
        """Positions of these objects in the pool, ascending."""
        return np.sort([self.place[name] for name in ids]).astype(np.int64)

    def marks(self) -> dict[str, str]:
        """Hashes of the light curves, of the simulated survey, and of the weights of each base by name."""
        splits = ("pool", *self.study.splits)
        found = {"data": _digest([self.rules.curves[split] for split in splits])}
        if self.study.replay and any(arm.replay is True for arm in self.study.arms):
            found["replay"] = " ".join(_folder_digest(Path(one)) for one in self.study.replay)
        return found | {name: self.base(name).hash for arm in self.study.arms for name in arm.bases}


def read_simulated(folder: str | Path, *, detections_only: bool) -> LightCurves:
    """The labelled light curves of a folder that ``firstlight simulate`` wrote."""
    home = Path(folder)
    manifest = home / "survey.json"
    if not manifest.is_file():
        raise DataError("no simulated survey: survey.json is missing", where=str(home))
    survey = json.loads(manifest.read_text(encoding="utf-8"))["survey"]
    curves = read_table(home / "photometry", objects=home / "objects", survey=survey, flux_unit="nJy")
    return curves.where(curves.detected) if detections_only else curves


def _without(curves: LightCurves, dropped: Sequence[str], hidden: Sequence[str]) -> LightCurves:
    """The light curves without some columns of metadata, and with others unknown."""
    table = curves.objects.drop_columns([name for name in dropped if name in curves.objects.column_names])
    for name in hidden:
        unknown = pa.array(np.full(table.num_rows, np.nan))
        table = table.set_column(table.column_names.index(name), name, unknown)
    return dataclasses.replace(curves, objects=table)


def _digest(splits: Sequence[LightCurves]) -> str:
    digest = hashlib.sha256()
    for curves in splits:
        for array in (curves.offsets, curves.time, curves.flux, curves.flux_err, curves.passband):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update("\n".join(curves.object_id).encode())
        digest.update("\n".join(str(label) for label in curves.column("label")).encode())
    return digest.hexdigest()


def _folder_digest(folder: Path) -> str:
    """A hash of a simulated survey by its manifest and the sizes of its files: reading all takes long."""
    files = sorted(folder.rglob("*.parquet"))
    listed = [(str(file.relative_to(folder)), file.stat().st_size) for file in files]
    manifest = folder / "survey.json"
    text = manifest.read_text(encoding="utf-8") if manifest.is_file() else ""
    return hashlib.sha256(json.dumps([text, listed]).encode()).hexdigest()
