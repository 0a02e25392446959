"""Fine-tuning: a base classifier adapted to labelled light curves of another survey or other classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from firstlight.classifier import Classifier, load
from firstlight.classifier.checkpoint import TRUST
from firstlight.facts import class_tree
from firstlight.learn import auto, memory
from firstlight.learn import labels as reading
from firstlight.learn.cards import card
from firstlight.learn.fitting import Lesson, calibrate, fit
from firstlight.learn.heads import match_head, merged_classes
from firstlight.learn.networks import NetworkConfig, join_members, split_members
from firstlight.learn.publishing import (
    history_columns,
    own_surveys,
    publish,
    reading_only,
    seen_passbands,
    versions,
)
from firstlight.learn.recipe import FINE_TUNE, FINE_TUNE_REPLAY, Recipe, epochs_for
from firstlight.learn.strategies import phases
from firstlight.learn.training import Progress
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation


def fine_tune(
    base: str | Path | Classifier,
    curves: LightCurves,
    *,
    classes: Sequence[str] | None = None,
    strategy: str | None = None,
    replay: LightCurves | Literal[False] | None = None,
    keep: int = 0,
    labels: Mapping[str, str] | None = None,
    scheme: str | None = None,
    recipe: Recipe | None = None,
    name: str = "fine-tuned",
    seed: int = 0,
    run: str | Path | None = None,
    out: str | Path | None = None,
    about: str = "",
    progress: Progress | None = None,
    device: str = "cpu",
    **settings: Any,
) -> Classifier:
    """The base classifier adapted to labelled light curves; it reads their passbands beside its own.

    The result expects the classes in the shares that they have among the labels; `Classifier.classify` takes
    other ``priors``.

    Parameters
    ----------
    base : str, Path or Classifier
        A packaged name, the path of a checkpoint, or a loaded classifier.
    curves : LightCurves
        With a column `label` of the objects; those without a label are counted and left out.
    classes : sequence of str, optional
        Classes of the result. By default those of the base, with finer ones merged into the labels that cover
        them, and the labels that are new. Labels finer than these are counted as their nearest ancestor.
    strategy : str, optional
        By default "auto" where light curves are replayed or the base carries some, else "full". What moves;
        everything else stays bit-identical. "full", "output", "last-two", "recurrent-and-output";
        "bias-norm" and "adapters" (low-rank updates of the matrices) move little of every layer;
        "head-first", "layer-wise" (lower layers slower) and "l2-sp" (pulled back to the base) move everything
        with care; "auto" also decides, from the labels, where to start and how far from the base to stop, and
        may train longer than the recipe says (`LONG`), on all that was measured, with members from scratch.
    replay : LightCurves or False, optional
        Labelled light curves of the base, mixed in so that what they taught is not forgotten. By default
        those that the base carries, where it knows the passbands of most observations here; False for none.
    keep : int
        Replayed light curves that the result carries, to be tuned again; 0 for those that the base carries.
    labels, scheme : optional
        How the labels are spelt (`firstlight.learn.read_names`).
    recipe : Recipe, optional
        By default `FINE_TUNE`, or `FINE_TUNE_REPLAY` with replay.
    name : str
        Name of the result.
    seed : int
        Same seed, same weights (with the same number of threads).
    run : path, optional
        Folder that keeps the state after every epoch; called again, training goes on where it stopped.
    out : path, optional
        Folder to which the checkpoint is written.
    about : str
        Markdown for its card: whose light curves, what was measured, what to beware of.
    progress : callable, optional
        Called with a row of the history after every epoch.
    device : str
        Where torch computes.
    **settings
        Single fields of the recipe, e.g. ``epochs=5``.

    Raises
    ------
    TrainingError
        When there are too few labels.
    UnknownNameError
        For a label, class, strategy or setting that nobody knows.

    Examples
    --------
    >>> tuned = fine_tune("reference", labelled, epochs=5)  # doctest: +SKIP
    >>> tuned.save("my-classifier")  # doctest: +SKIP
    """
    if strategy is not None:
        phases(strategy)  # refuse an unknown name before any work
    base = base if isinstance(base, Classifier) else load(base)
    past = _past(base, replay, curves, labels, scheme)
    carries = memory.PART in base.checkpoint.extras and replay is not False
    strategy = strategy or ("full" if past is None and not carries else "auto")
    chosen = (recipe or (FINE_TUNE if past is None else FINE_TUNE_REPLAY)).with_(**settings)
    names = reading.read_names(curves, labels=labels, scheme=scheme)
    seen = [one for one in class_tree().names if one in set(names)]
    own = merged_classes(base.classes, seen) if classes is None else tuple(classes)
    known = reading.index(names, own)
    reading.require(known, least=1 if strategy in ("output", "auto") else reading.LEAST_OBJECTS)
    replayed = None if past is None else _told(past.curves, curves, base.preparation.metadata)
    old = None if past is None else reading.index(past.names, known.classes)
    passbands = seen_passbands(base, curves, replayed)
    preparation = reading_only(base.preparation, passbands)
    lesson = Lesson(
        curves,
        known,
        preparation,
        chosen,
        chosen.epochs or epochs_for(int((known.target >= 0).sum())),
        strategy,
        replayed,
        old,
        auto.expected_shares(base, known.classes),
    )
    config, starts = start_from(base, known.classes, chosen.members)
    reasons: dict[str, Any] = {}
    if strategy == "auto":
        plan = auto.decide(lesson, config, starts, base, seed=seed, device=device)
        lesson, starts, reasons = plan.lesson, plan.starts, {"auto": plan.reasons}
        preparation = lesson.preparation
    trained, rows = fit(
        lesson,
        config,
        starts,
        seed=seed,
        run=None if run is None else Path(run),
        progress=progress,
        device=device,
    )
    # Weights and replay make the network expect other shares than the labels have; the labels' are restored.
    calibration, trust = calibrate(
        lesson, config, starts, trained, seed=seed, device=device, prior=lesson.label_shares()
    )
    training = {
        "kind": "fine-tuning",
        "seed": seed,
        "labels": known.counts,
        "unlabelled": known.unlabelled,
        "outside": known.outside,
        "silent": lesson.silent(),
        "replay": None if old is None else old.counts,
        "base": {"name": base.name, "version": base.version, "weights": base.hash},
        "strategy": strategy,
        "epochs": lesson.epochs,
        "recipe": lesson.recipe.to_dict(),
        "versions": versions(),
        "history": history_columns(rows),
        **reasons,
    }
    return publish(
        join_members(trained),
        NetworkConfig(**{**config.to_dict(), "members": len(trained)}),
        name=name,
        classes=known.classes,
        preparation=preparation,
        passbands=passbands,
        own_surveys=own_surveys(base, curves, replayed),
        calibration=calibration,
        training=training,
        card=_card(name, base, preparation, training, about),
        path=None if out is None else Path(out),
        extras={
            **_carried_on(base, past, preparation, keep, seed),
            **({} if trust is None else {TRUST: trust.to_bytes()}),
        },
    )


class _Past(NamedTuple):
    """What is replayed: light curves and the names of their classes."""

    curves: LightCurves
    names: list[str | None]


def _past(
    base: Classifier,
    replay: LightCurves | Literal[False] | None,
    curves: LightCurves,
    labels: Mapping[str, str] | None,
    scheme: str | None,
) -> _Past | None:
    """The light curves given, else those that the base carries, whose labels are spelt as TNS does.

    Those of a survey with other passbands are no help (1,000 labels of simulated LSST and `ztf-sim`: macro
    AUROC .859 with them, .868 without).
    """
    if replay is False:
        return None
    if replay is not None:
        return _Past(replay, reading.read_names(replay, labels=labels, scheme=scheme))
    own = memory.carried(base)
    return None if own is None or _is_far(base, curves) else _Past(own, reading.read_names(own))


def _is_far(base: Classifier, curves: LightCurves) -> bool:
    """Whether most observations are in passbands that the base does not know."""
    known = [base.preparation.reads(band) is not None for band in curves.bands]
    read = np.array([*known, False])[curves.passband]
    return bool(2 * np.count_nonzero(read & curves.usable) < np.count_nonzero(curves.usable))


def _told(replayed: LightCurves, labelled: LightCurves, metadata: Sequence[str]) -> LightCurves:
    """The replayed light curves without metadata that no labelled one has: they must be no easier to tell."""
    objects = replayed.objects
    for name in set(metadata) & set(objects.column_names):
        there = name in labelled.objects.column_names
        if not (there and np.isfinite(np.asarray(labelled.column(name), np.float64)).any()):
            unknown = pa.nulls(len(objects), objects.schema.field(name).type)
            objects = objects.set_column(objects.column_names.index(name), name, unknown)
    return dataclasses.replace(replayed, objects=objects)


def _carried_on(
    base: Classifier, past: _Past | None, preparation: Preparation, keep: int, seed: int
) -> dict[str, bytes]:
    """What the result carries to be replayed again: `keep` of what was given, else what the base carries."""
    if past is not None and keep:
        return {memory.PART: memory.carry(past.curves, past.names, preparation, keep, seed)}
    own = base.checkpoint.extras.get(memory.PART)
    return {} if own is None else {memory.PART: own}


def start_from(
    base: Classifier, classes: Sequence[str], members: int | None
) -> tuple[NetworkConfig, list[dict[str, Tensor]]]:
    """The sizes of one member, and the tensors from which each starts: the base's, its head matched by name.

    Member k starts from the base's member k, or again from its first ones where it has fewer.
    """
    whole = NetworkConfig.from_dict(base.checkpoint.config["network"])
    weights = {key: torch.tensor(value) for key, value in base.checkpoint.weights.items()}
    alone = split_members(weights, whole)
    config = NetworkConfig(**{**whole.to_dict(), "classes": len(classes), "members": 1})
    starts = []
    for k in range(members or len(alone)):
        start = dict(alone[k % len(alone)])
        start["output.weight"], start["output.bias"] = match_head(
            start["output.weight"], start["output.bias"], base.classes, classes
        )
        starts.append(start)
    return config, starts


def _card(
    name: str, base: Classifier, preparation: Preparation, training: Mapping[str, Any], about: str
) -> str:
    recipe = training["recipe"]
    notes = []
    absent = [one for one, count in training["labels"].items() if not count]
    if absent:
        notes.append(f"Without labels, kept from the base: {', '.join(absent)}.")
    if training["unlabelled"] or training["outside"]:
        notes.append(
            f"Left out: {training['unlabelled']:,} objects without a label, "
            f"{training['outside']:,} of classes outside these."
        )
    if training["silent"]:
        notes.append(f"{training['silent']:,} labelled objects have no detection that the classifier reads.")
    if "auto" in training:
        notes.append(_decision(training["auto"]))
    if training["replay"]:
        notes.append(
            f"Replayed beside them: {sum(training['replay'].values()):,} labelled base light curves."
        )
    return card(
        name=name,
        summary=f"Fine-tuned from `{base.name}` (version {base.version}, weights {base.hash[:12]}).",
        counts=training["labels"],
        preparation=preparation.to_dict(),
        recipe=[
            f"strategy {training['strategy']}, {training['epochs']} epochs, seed {training['seed']}",
            f"Adam {recipe['rate']:g}, {recipe['schedule']} schedule, batches of {recipe['batch_size']}",
            f"cross-entropy at {'every observation' if recipe['prefixes'] else 'the last observation'}, "
            f"class weights n^-{recipe['weight_power']:g}",
            "every other setting stands in config.json",
        ],
        notes=notes,
        about=about,
    )


def _decision(reasons: Mapping[str, Any]) -> str:
    """What "auto" decided, in words."""
    if reasons.get("long"):
        return (
            "A long training: better than any shorter one from the base (cross-validated). Networks that "
            "start from the base and from scratch are averaged."
        )
    return f"The weights lie {reasons['blend']:.0%} of the way from the base ({reasons['by']})."
