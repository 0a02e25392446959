"""Pretraining: a network from scratch on many labelled light curves, simulated or real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from firstlight.classifier import Classifier
from firstlight.errors import UnknownNameError, whole_number
from firstlight.facts import class_tree
from firstlight.learn import replay, training_labels
from firstlight.learn.cards import Learnt, card_settings
from firstlight.learn.fitting import Training, fresh_starts
from firstlight.learn.networks import NetworkConfig, reference_config
from firstlight.learn.publishing import (
    named_after,
    reading_only,
    refuse_folder,
    seen_passbands,
    train_classifier,
)
from firstlight.learn.recipe import PRESETS, PRETRAIN, Recipe, epochs_for
from firstlight.learn.training import Progress
from firstlight.learn.training_labels import LabelMap
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation


def pretrain(
    curves: LightCurves,
    *,
    preset: str = "default",
    classes: Sequence[str] | None = None,
    preparation: Preparation | None = None,
    sizes: Mapping[str, Any] | None = None,
    labels: LabelMap | None = None,
    scheme: str | None = None,
    recipe: Recipe = PRETRAIN,
    keep: int = 0,
    name: str | None = None,
    seed: int = 0,
    run: str | Path | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    about: str = "",
    source: Sequence[str | Path] = (),
    report: list[str] | None = None,
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
    labels, scheme, name, seed, run, out, overwrite, about, source, report, progress, device, **settings
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
    seed, keep = whole_number("seed", seed), whole_number("keep", keep)
    refuse_folder(out, run, overwrite=overwrite)
    if preset not in PRESETS:
        raise UnknownNameError("preset", preset, PRESETS)
    chosen = recipe.with_(**settings)
    if preparation is None:
        preparation = Preparation.reference() if preset == "reference" else Preparation()
    if preparation.passbands is None:
        preparation = reading_only(preparation, seen_passbands(curves))
    names = training_labels.read_names(curves, labels=labels, scheme=scheme)
    own = [one for one in class_tree().names if one in set(names)] if classes is None else list(classes)
    known = training_labels.index(names, own)
    training_labels.require(known, what="Pretraining")
    told = training_labels.label_lines(names, known)
    training_labels.tell(told, report)
    training = Training(
        curves=curves,
        labels=known,
        preparation=preparation,
        recipe=chosen,
        epochs=chosen.epochs or epochs_for(int((known.target >= 0).sum())),
    )
    config = _config(preset, preparation, len(own), sizes or {})
    return train_classifier(
        training,
        config,
        fresh_starts(training, config, seed),
        kind="pretraining",
        details={},
        learnt_from=[curves],
        replay=replay.carry(curves, names, preparation, count=keep, seed=seed) if keep else None,
        name=name or named_after(out, "pretrained"),
        summary=f"Trained from scratch on {sum(known.counts.values()):,} labelled light curves.",
        settings=card_settings(f"preset {preset}, {training.epochs} epochs at most, seed {seed}", chosen),
        notes=[replay.note(keep)] if keep else [],
        learnt=Learnt.of(curves, known, source=source, label_lines=told),
        about=about,
        seed=seed,
        run=run,
        out=out,
        progress=progress,
        device=device,
    )


def _config(preset: str, preparation: Preparation, classes: int, sizes: Mapping[str, Any]) -> NetworkConfig:
    context = len(preparation.context_names)
    if preset == "reference":
        values = reference_config(classes=classes, context=context).to_dict()
    else:
        inputs = len(preparation.feature_names)
        values = {"preset": preset, "inputs": inputs, "classes": classes, "context": context}
    return NetworkConfig.from_dict(values | dict(sizes))
