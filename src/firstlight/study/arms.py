"""What each kind of arm does with the labels of its budget: from a cell to its answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from firstlight import learn
from firstlight._types import Floats
from firstlight.classifier import Classifier
from firstlight.errors import CheckpointError, TrainingError, UsageError
from firstlight.evaluate import Boosting, Protocol, Stage, Trees, macro_auroc
from firstlight.evaluate.metrics import fill_unanswered
from firstlight.preparation import Preparation
from firstlight.study.cells import Cell, CellAnswer, Place
from firstlight.study.material import LEAST, Material
from firstlight.study.plan import Arm

Probabilities = dict[Place, Floats]
NO_STOP = 10**6  # epochs of patience: a training that is followed is never stopped early

# Training of arXiv:2502.18558 as its code has it: batches of 128, at most 40 epochs at a constant rate, class
# weights N / n_c, the last observation alone, and a tenth of the labels for early stopping.
REFERENCE = learn.Recipe(
    epochs=40,
    batch_size=128,
    schedule="constant",
    gradient_norm=1e9,
    weight_power=1.0,
    prefixes=False,
    validation=0.1,
    patience=5,
    min_delta=1e-3,
)


def answer(cell: Cell, material: Material) -> CellAnswer:
    """The answers of a cell (of any kind but "average") on every split and stage, with its record.

    An arm that cannot learn from the labels of its budget answers with their class shares, and its record
    says why (``failed``): it scores as a guess does.
    """
    began = time.perf_counter()
    counts = _counts(cell, material)
    record: dict[str, Any] = {"labels": counts.tolist(), "number": len(cell.ids(material.rules))}
    probabilities: Probabilities = {}
    try:
        if cell.followed:
            record["history"] = _followed(cell, material)
        else:
            probabilities, told = _KINDS[cell.arm.kind](cell, material)
            record |= told
    except TrainingError as error:
        record["failed"] = str(error)
        if not cell.followed:
            shares = counts / counts.sum()
            probabilities = _everywhere(
                material, lambda split, stage: _constant(material, split, stage, shares)
            )
    return CellAnswer(probabilities, record | {"seconds": time.perf_counter() - began})


def average(parts: Sequence[CellAnswer]) -> CellAnswer:
    """The mean log probability of several answers, normalised; the record of the last one's labels."""
    probabilities = {}
    for place in parts[0].probabilities:
        logs = [np.log(np.maximum(fill_unanswered(part.probabilities[place]), LEAST)) for part in parts]
        mean = np.exp(np.mean(logs, axis=0))
        probabilities[place] = mean / mean.sum(axis=1, keepdims=True)
    most = max(parts, key=lambda part: part.record["number"])
    seconds = sum(part.record["seconds"] for part in parts)
    kept = {"labels": most.record["labels"], "number": most.record["number"], "seconds": seconds}
    return CellAnswer(probabilities, kept)


def _counts(cell: Cell, material: Material) -> Floats:
    """Labels of each class that the arm may know: those of the pool's shares, of its budget, or none."""
    classes = len(material.rules.classes)
    if cell.arm.kind == "zero-shot":
        known = material.pool_truth if cell.arm.prior == "shares" else np.empty(0, np.int64)
    else:
        known = material.pool_truth[material.objects(cell.ids(material.rules))]
    return np.bincount(known, minlength=classes).astype(np.float64)


def _everywhere(material: Material, ask: Callable[[str, Stage], Floats]) -> Probabilities:
    study = material.study
    return {(split, stage.name): ask(split, stage) for split in study.splits for stage in study.stages}


def _constant(material: Material, split: str, stage: Stage, shares: Floats) -> Floats:
    return np.tile(shares, (len(material.rules.counting(stage, split)), 1))


# --- networks ---------------------------------------------------------------------------------------------


def _zero_shot(cell: Cell, material: Material) -> tuple[Probabilities, Mapping[str, Any]]:
    arm, rules = cell.arm, material.rules
    priors: Any = arm.prior or None
    if arm.prior == "shares":
        shares = np.bincount(material.pool_truth, minlength=len(rules.classes)) / len(rules.pool)
        priors = dict(zip(rules.classes, shares.tolist(), strict=True))
    base, found = material.base(arm.base), {}
    for split in material.study.splits:
        predictions = base.classify(
            material.curves(arm, split), classes=rules.classes, priors=priors, renormalise=True
        )
        for stage in material.study.stages:
            found[split, stage.name] = rules.stage_probabilities(predictions, stage, split)
    return found, {}


def _network(cell: Cell, material: Material) -> tuple[Probabilities, Mapping[str, Any]]:
    members = cell.arm.seeds or 1
    objects = material.objects(cell.ids(material.rules))
    parts, epochs, steps = [], 0, 0
    for member in range(members):
        trained = train(cell, material, objects, members * cell.draw + member)
        parts.append(_ask(trained, cell, material))
        rows = _history(trained)
        epochs += sum(row.get("member", 0) == 0 for row in rows)
        steps += _steps(rows)
    mean = {place: np.mean([part[place] for part in parts], axis=0) for place in parts[0]}
    return mean, {"epochs": epochs, "steps": steps}


def _ask(classifier: Classifier, cell: Cell, material: Material) -> Probabilities:
    found = {}
    for split in material.study.splits:
        predictions = classifier.classify(
            material.curves(cell.arm, split), classes=material.rules.classes, renormalise=True
        )
        for stage in material.study.stages:
            found[split, stage.name] = material.rules.stage_probabilities(predictions, stage, split)
    return found


def train(cell: Cell, material: Material, objects: Any, seed: int, **changes: Any) -> Classifier:
    """The network of an arm of kind "scratch" or "fine-tune", trained on these objects of the pool."""
    arm, rules = cell.arm, material.rules
    labelled = material.curves(arm, "pool").take(objects)
    settings = {**arm.settings, **changes}
    recipe = REFERENCE if arm.recipe == "reference" else None
    if arm.kind == "scratch":
        return learn.pretrain(
            labelled,
            preset=arm.preset,
            classes=rules.classes,
            preparation=_preparation(arm.preset, rules, arm.metadata or ()),
            sizes=settings.pop("sizes", None),
            recipe=recipe or learn.LONG,
            name=arm.name,
            seed=seed,
            **settings,
        )
    base = material.base(arm.base)
    replay = material.replay if arm.replay is True and material.study.replay else None
    if arm.replay and replay is None and learn.carried(base) is None:
        raise UsageError(
            f"the base '{arm.base}' carries no light curves to be replayed",
            where=f"arm '{arm.name}'",
            hint="Name a folder of simulated ones: replay = 'FOLDER' above the arms.",
        )
    return learn.fine_tune(
        base,
        labelled,
        classes=rules.classes,
        overlapping=True,  # classes of a protocol are those of its labels
        score=False,
        strategy=arm.strategy,
        replay=replay if arm.replay else False,
        recipe=recipe,
        name=arm.name,
        seed=seed,
        **settings,
    )


def default_recipes(arm: Arm) -> list[learn.Recipe]:
    """The recipes that decide what a network's arm does where it does not say so itself."""
    if arm.recipe == "reference":
        return [REFERENCE]
    tuning = [learn.FINE_TUNE, learn.FINE_TUNE_REPLAY] if arm.kind == "fine-tune" else []
    return [*tuning, learn.LONG] if arm.kind == "scratch" or arm.strategy == "auto" else tuning


def _preparation(preset: str, rules: Protocol, metadata: tuple[str, ...]) -> Preparation:
    """The preparation of a network from scratch: the rows that count in the protocol."""
    detections = rules.features == "detections"
    rows: Any = "detections" if detections else "measured"
    known: Any = metadata
    if preset == "reference":
        return Preparation.reference(rows=rows, metadata=known)
    before, after = (0.0, 200.0) if detections else (60.0, 300.0)
    return Preparation(rows=rows, before_days=before, after_days=after, metadata=known)


def _followed(cell: Cell, material: Material) -> list[dict[str, float]]:
    """Epochs, steps, seconds and score of a training, from before its first step on.

    The score is the macro AUROC of the last observations of labels held out of the budget.
    """
    from firstlight.learn.training_labels import held_out

    arm, share = cell.arm, material.study.convergence.share
    objects = material.objects(cell.ids(material.rules))
    trained = train(
        cell, material, objects, cell.draw, validation=share, patience=NO_STOP, members=1, calibration_folds=0
    )
    start = 0.5
    if arm.kind == "fine-tune":
        truth = material.pool_truth[objects]
        held = objects[held_out(truth, share, cell.draw)]
        predictions = material.base(arm.base).classify(
            material.curves(arm, "pool").take(held), classes=material.rules.classes, renormalise=True
        )
        start = macro_auroc(material.pool_truth[held], predictions.final())
    rows = [{"epoch": 0.0, "step": 0.0, "seconds": 0.0, "score": start}]
    for row in _history(trained):
        score = row.get("val_macro_auroc")
        if score is not None:
            passed = {"epoch": rows[-1]["epoch"] + 1, "seconds": rows[-1]["seconds"] + row["seconds"]}
            rows.append({**passed, "step": float(row["step"]), "score": float(score)})
    return rows


def _history(classifier: Classifier) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = learn.history(classifier).to_pylist()
    except CheckpointError:
        return []  # a strategy may end with the base as it is
    return rows


def _steps(rows: Sequence[Mapping[str, Any]]) -> int:
    last: dict[int, int] = {}
    for row in rows:
        last[row.get("member", 0)] = max(last.get(row.get("member", 0), 0), row.get("step") or 0)
    return sum(last.values())


# --- trees ------------------------------------------------------------------------------------------------


def _trees(cell: Cell, material: Material) -> tuple[Probabilities, Mapping[str, Any]]:
    """Trees on features, with kind "embedding" also on what its bases make of the light curves."""
    arm, rules = cell.arm, material.rules
    objects = material.objects(cell.ids(rules))
    settings = dict(arm.settings)
    booster = settings.pop("booster", "auto")
    with_probabilities = settings.pop("probabilities", True)
    settings.pop("beside", None)  # read by `Arm.bases`
    boosting = Boosting.of_protocol(rules.features, len(objects))
    boosting = Boosting(**{**vars(boosting), **settings})
    # As the benchmarks have it: ztf-5 averages three seeds, plasticc-8 has one.
    members = arm.seeds or (3 if rules.features == "detections" else 1)
    seeds = [members * cell.draw + member for member in range(members)]

    def numbers(split: str, stage: Stage) -> Floats:
        table = material.table(arm, split, stage)
        if arm.kind == "features":
            return table
        for name in arm.bases:
            embedding, logs = material.embedding(arm, name, split, stage)
            table = np.hstack([table, embedding, *([logs] if with_probabilities else [])])
        return table

    found: Probabilities = {}
    for stage in material.study.stages:
        kept = objects[rules.reaching(rules.pool.take(objects), stage)]
        truth = material.pool_truth[kept]
        if np.unique(truth).size < 2:
            shares = _counts(cell, material)
            for split in material.study.splits:
                found[split, stage.name] = _constant(material, split, stage, shares / shares.sum())
            continue
        trees = Trees.fit(
            numbers("pool", stage)[kept],
            truth,
            len(rules.classes),
            settings=boosting,
            booster=booster,
            seeds=seeds,
        )
        for split in material.study.splits:
            counted = rules.reaching(rules.curves[split], stage)
            found[split, stage.name] = trees.predict(numbers(split, stage)[counted])
    return found, {}


_KINDS: Mapping[str, Callable[[Cell, Material], tuple[Probabilities, Mapping[str, Any]]]] = {
    "zero-shot": _zero_shot,
    "scratch": _network,
    "fine-tune": _network,
    "features": _trees,
    "embedding": _trees,
}
