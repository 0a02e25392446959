"""Pretraining: a network from scratch on many labelled light curves, simulated or real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from firstlight.classifier import Classifier
from firstlight.classifier.checkpoint import TRUST
from firstlight.errors import UnknownNameError
from firstlight.facts import class_tree
from firstlight.learn import labels as reading
from firstlight.learn import memory
from firstlight.learn.cards import card
from firstlight.learn.fitting import Lesson, calibrate, fit, fresh_starts
from firstlight.learn.networks import (
    PRESETS,
    NetworkConfig,
    join_members,
    reference_config,
)
from firstlight.learn.publishing import (
    history_columns,
    own_surveys,
    publish,
    reading_only,
    seen_passbands,
    versions,
)
from firstlight.learn.recipe import PRETRAIN, Recipe, epochs_for
from firstlight.learn.training import Progress
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation


def pretrain(
    curves: LightCurves,
    *,
    preset: str = "default",
    classes: Sequence[str] | None = None,
    preparation: Preparation | None = None,
    sizes: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    scheme: str | None = None,
    recipe: Recipe = PRETRAIN,
    keep: int = 0,
    name: str = "pretrained",
    seed: int = 0,
    run: str | Path | None = None,
    out: str | Path | None = None,
    about: str = "",
    progress: Progress | None = None,
    device: str = "cpu",
    **settings: Any,
) -> Classifier:
    """A classifier trained from scratch.

    Parameters
    ----------
    curves : LightCurves
        With a column `label` of the objects; those without a label are counted and left out.
    preset : {"default", "reference"}
        The network.
    classes : sequence of str, optional
        By default every class that stands among the labels.
    preparation : Preparation, optional
        By default that of the preset.
    sizes : mapping, optional
        Sizes of the network, e.g. ``{"hidden": 128}`` (`NetworkConfig`).
    recipe : Recipe
    keep : int
        Labelled light curves that the classifier carries, as many of every label as there are, for
        `fine_tune` to replay; some 100 bytes each. 0 where the light curves must not travel with it.
    labels, scheme, name, seed, run, out, about, progress, device, **settings
        As in `fine_tune`.

    Raises
    ------
    TrainingError
        When there are not two classes with five objects each.
    UnknownNameError
        For a label, class, preset or setting that nobody knows.

    Examples
    --------
    >>> classifier = pretrain(simulated, epochs=10, progress=print)  # doctest: +SKIP
    """
    if preset not in PRESETS:
        raise UnknownNameError("preset", preset, PRESETS)
    chosen = recipe.with_(**settings)
    if preparation is None:
        preparation = Preparation.reference() if preset == "reference" else Preparation()
    passbands = seen_passbands(curves)
    if preparation.passbands is None:
        preparation = reading_only(preparation, passbands)
    names = reading.read_names(curves, labels=labels, scheme=scheme)
    own = [one for one in class_tree().names if one in set(names)] if classes is None else list(classes)
    known = reading.index(names, own)
    reading.require(known, what="Pretraining")
    epochs = chosen.epochs or epochs_for(int((known.target >= 0).sum()))
    lesson = Lesson(curves, known, preparation, chosen, epochs)
    config = _config(preset, preparation, len(own), sizes or {})
    starts = fresh_starts(lesson, config, seed)
    trained, rows = fit(
        lesson,
        config,
        starts,
        seed=seed,
        run=None if run is None else Path(run),
        progress=progress,
        device=device,
    )
    calibration, trust = calibrate(lesson, config, starts, trained, seed=seed, device=device)
    carried = memory.carry(curves, names, preparation, keep, seed) if keep else None
    training = {
        "kind": "pretraining",
        "seed": seed,
        "labels": known.counts,
        "unlabelled": known.unlabelled,
        "outside": known.outside,
        "silent": lesson.silent(),
        "epochs": epochs,
        "recipe": chosen.to_dict(),
        "versions": versions(),
        "history": history_columns(rows),
    }
    summary = f"Trained from scratch on {sum(known.counts.values()):,} labelled light curves."
    return publish(
        join_members(trained),
        NetworkConfig(**{**config.to_dict(), "members": len(trained)}),
        name=name,
        classes=known.classes,
        preparation=preparation,
        passbands=passbands,
        own_surveys=own_surveys(curves),
        calibration=calibration,
        training=training,
        card=card(
            name=name,
            summary=summary,
            counts=known.counts,
            about=about,
            preparation=preparation.to_dict(),
            recipe=[
                f"preset {preset}, {epochs} epochs at most, seed {seed}",
                f"Adam {chosen.rate:g}, {chosen.schedule} schedule, batches of {chosen.batch_size}",
                "every other setting stands in config.json",
            ],
            notes=[] if carried is None else [memory.note(keep)],
        ),
        path=None if out is None else Path(out),
        extras={
            **({} if carried is None else {memory.PART: carried}),
            **({} if trust is None else {TRUST: trust.to_bytes()}),
        },
    )


def _config(preset: str, preparation: Preparation, classes: int, sizes: Mapping[str, Any]) -> NetworkConfig:
    context = len(preparation.context_names)
    if preset == "reference":
        return NetworkConfig.from_dict(
            reference_config(classes=classes, context=context).to_dict() | dict(sizes)
        )
    inputs = len(preparation.feature_names)
    return NetworkConfig.from_dict(
        {"preset": "default", "inputs": inputs, "classes": classes, "context": context} | dict(sizes)
    )
