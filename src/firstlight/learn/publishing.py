"""From a training to a classifier: networks, calibration, provenance, card and checkpoint."""

from __future__ import annotations

import dataclasses
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from firstlight._types import Floats
from firstlight._version import __version__
from firstlight.classifier import Calibration, Checkpoint, Classifier, load
from firstlight.classifier.checkpoint import REPLAY, TRUST, holds_something_else
from firstlight.errors import Arg, CheckpointError, UsageError
from firstlight.facts import Passband, Survey, is_packaged, united
from firstlight.learn.cross_validation import calibrate
from firstlight.learn.fitting import Training, fit
from firstlight.learn.networks import NetworkConfig, Weights, join_members, restore, to_onnx
from firstlight.learn.recipe import Recipe
from firstlight.learn.training import HistoryRow, Progress
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation

_CARD = Template("""# $name

$summary

$about

## Classes

| class | labelled objects |
|---|---|
$table

$notes

## Data and preparation

$preparation

## Recipe

$recipe

## Limits

$limits

## Licence and citation

$licence
""")

LIMITS = (
    "- Trained on the classes above: anything else is put into one of them.",
    "- Probabilities follow the class shares of training; give `priors=` where yours differ.",
    "- Spectroscopic labels prefer bright, near objects: expect less of faint ones.",
)


def refuse_folder(out: str | Path | None) -> None:
    """Refuse a folder that no classifier can be written to, before the training and not after it."""
    if out is None:
        return
    path = Path(out)
    if holds_something_else(path):
        raise UsageError(
            f"'{out}' holds something that is no classifier", where=Arg("out"), hint="Name a new folder."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            return
    except OSError as error:
        raise UsageError(f"'{out}' cannot be written: {error.strerror}", where=Arg("out")) from None


def named_after(out: str | Path | None, otherwise: str) -> str:
    """The name of a classifier that was given none: that of its folder."""
    return otherwise if out is None else Path(out).name


def train_classifier(
    training: Training,
    config: NetworkConfig,
    starts: Sequence[Weights],
    *,
    kind: str,
    details: Mapping[str, Any],
    learnt_from: Sequence[Classifier | LightCurves | None],
    replay: bytes | None,
    prior: Floats | None = None,
    name: str,
    summary: str,
    settings: Sequence[str],
    notes: Sequence[str],
    about: str,
    seed: int,
    run: str | Path | None,
    out: str | Path | None,
    progress: Progress | None,
    device: str,
) -> Classifier:
    """The classifier that comes of a training: members trained, calibrated, and written where `out` says.

    Parameters
    ----------
    config : NetworkConfig
        Of one member.
    starts : sequence of mapping
        Tensors from which each member starts.
    kind : str
        What the training is called in ``config.json``.
    details : mapping
        What ``config.json`` says of it beside labels, recipe, epochs, versions and history.
    learnt_from : sequence of Classifier or LightCurves
        Whose passbands the classifier knows.
    replay : bytes or None
        Labelled light curves that the classifier carries (`firstlight.learn.replay`).
    prior : float64 [C], optional
        Shares that it is to expect; None leaves those of training.
    name, summary, settings, notes, about
        Of the card (`card`).
    seed, run, out, progress, device
        As in `fine_tune`.
    """
    home = None if run is None else Path(run)
    trained, rows = fit(training, config, starts, seed=seed, run=home, progress=progress, device=device)
    calibration, trust = calibrate(training, config, starts, trained, seed=seed, device=device, prior=prior)
    labels = training.labels
    provenance = {
        "kind": kind,
        "seed": seed,
        "labels": labels.counts,
        "unlabelled": labels.unlabelled,
        "outside": labels.outside,
        "silent": training.without_rows,
        **details,
        "epochs": training.epochs,
        "recipe": training.recipe.to_dict(),
        "versions": versions(),
        "history": history_columns(rows),
    }
    parts = {REPLAY: replay, TRUST: None if trust is None else trust.to_bytes()}
    return publish(
        join_members(trained),
        dataclasses.replace(config, members=len(trained)),
        name=name,
        classes=labels.classes,
        preparation=training.preparation,
        passbands=seen_passbands(*learnt_from),
        own_surveys=own_surveys(*learnt_from),
        calibration=calibration,
        training=provenance,
        card=card(
            name=name,
            summary=summary,
            counts=labels.counts,
            about=about,
            preparation=training.preparation.to_dict(),
            recipe=settings,
            notes=notes,
        ),
        path=out,
        extras={part: data for part, data in parts.items() if data is not None},
    )


def publish(
    weights: Weights,
    config: NetworkConfig,
    *,
    name: str,
    classes: Sequence[str],
    preparation: Preparation,
    passbands: Sequence[Passband],
    calibration: Calibration,
    training: Mapping[str, Any],
    card: str,
    own_surveys: Sequence[Survey] = (),
    path: str | Path | None = None,
    extras: Mapping[str, bytes] | None = None,
) -> Classifier:
    """The classifier of these tensors, written to `path` when one is given.

    Parameters
    ----------
    weights : mapping of str to Tensor
        As ``build(config).state_dict()`` names them.
    config : NetworkConfig
    passbands : sequence of Passband
        Those seen in training.
    training : mapping
        Provenance, as plain values of JSON.
    card : str
        Markdown.
    own_surveys : sequence of Survey
        Those of the passbands that do not come with firstlight.
    extras : mapping of str to bytes, optional
        Further parts of the checkpoint (`firstlight.classifier.checkpoint.EXTRAS`).
    """
    network = restore(config, weights)
    surveys = sorted({band.survey for band in passbands})
    values: dict[str, Any] = {
        "name": name,
        "version": "1",
        "classes": list(classes),
        "preparation": preparation.to_dict(),
        "network": config.to_dict(),
        "surveys": surveys,
        "passbands": sorted(band.name for band in passbands),
        "calibration": calibration.to_dict(),
        "training": dict(training),
    }
    own = [one.to_dict() for one in own_surveys if one.name in surveys]
    if own:
        values["own_surveys"] = own
    arrays = {key: tensor.detach().cpu().numpy() for key, tensor in network.state_dict().items()}
    graph = to_onnx(network, config)
    checkpoint = Checkpoint.build(config=values, weights=arrays, onnx=graph, card=card, extras=extras)
    return Classifier(checkpoint) if path is None else load(checkpoint.save(path))


def card(
    *,
    name: str,
    summary: str,
    counts: Mapping[str, int],
    preparation: Mapping[str, Any],
    recipe: Sequence[str],
    notes: Sequence[str] = (),
    about: str = "",
    limits: Sequence[str] = LIMITS,
    licence: str = "BSD-3-Clause, as firstlight. Cite firstlight and the source of the labels.",
) -> str:
    """The card as Markdown: data, classes, counts, recipe, limits, licence."""
    text = _CARD.substitute(
        name=name,
        summary=summary,
        about=about.strip(),
        table="\n".join(f"| {one} | {count:,} |" for one, count in counts.items()),
        notes="\n".join(notes) or "Every labelled object was used.",
        preparation="\n".join(f"- {key}: {_plain(value)}" for key, value in preparation.items()),
        recipe="\n".join(f"- {line}" for line in recipe),
        limits="\n".join(limits),
        licence=licence,
    )
    return text.replace("\n\n\n\n", "\n\n")  # where nothing is said about it


def card_settings(first: str, recipe: Recipe, *more: str) -> list[str]:
    """The lines of a card about its recipe."""
    adam = f"Adam {recipe.rate:g}, {recipe.schedule} schedule, batches of {recipe.batch_size}"
    return [first, adam, *more, "every other setting stands in config.json"]


def _plain(value: object) -> str:
    if value is None:
        return "any"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    if isinstance(value, list | tuple):
        # A passband of a user's own is a table there; its name is enough here.
        names = (one["name"] if isinstance(one, Mapping) else str(one) for one in value)
        return ", ".join(names) or "none"
    return str(value)


def seen_passbands(*sources: Classifier | LightCurves | None) -> tuple[Passband, ...]:
    """The passbands with a usable observation in light curves, or in those that a classifier learnt from.

    Raises
    ------
    DataError
        When two surveys of one name have different numbers.
    """
    seen = [_seen(source) for source in sources if source is not None]
    return tuple(sorted(united(*seen, where="training"), key=lambda band: band.name))


def _seen(source: Classifier | LightCurves) -> tuple[Passband, ...]:
    if isinstance(source, LightCurves):
        return tuple(source.bands[code] for code in np.unique(source.passband[source.usable]))
    return source.passbands


def own_surveys(*sources: Classifier | LightCurves | None) -> tuple[Survey, ...]:
    """The surveys that do not come with firstlight, of light curves or of what a classifier learnt from.

    Raises
    ------
    DataError
        When two surveys of one name have different numbers.
    """
    found: dict[str, Survey] = {}
    for source in sources:
        for one in () if source is None else _own(source):
            there = found.setdefault(one.name, one)
            bands = united(there.passbands, one.passbands, where="training")
            found[one.name] = dataclasses.replace(there, passbands=bands)
    return tuple(found[name] for name in sorted(found))


def _own(source: Classifier | LightCurves) -> tuple[Survey, ...]:
    if not isinstance(source, LightCurves):
        return source.own_surveys
    own = [band for band in source.bands if not is_packaged(band)]
    names = dict.fromkeys(band.survey for band in own)
    return tuple(Survey.of(band for band in own if band.survey == name) for name in names)


def reading_only(preparation: Preparation, passbands: Sequence[Passband]) -> Preparation:
    """The preparation restricted to passbands that were learnt from: what was never seen is not guessed at.

    The reference's preparation has its own table of passbands and stays as it is.
    """
    if preparation.features == "reference":
        return preparation
    return dataclasses.replace(preparation, passbands=tuple(passbands))


def versions() -> dict[str, str]:
    """Versions of what computed the weights."""
    return {
        "firstlight": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": str(torch.__version__),
    }


def history_columns(rows: Sequence[HistoryRow]) -> dict[str, list[Any]]:
    """The history as columns of JSON values; NaN becomes null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    plain = [
        {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()}
        for row in rows
    ]
    return {name: [row.get(name) for row in plain] for name in names}


def history(classifier: Classifier) -> pa.Table:
    """The training history of a classifier: one row an epoch, with its loss, rate and seconds.

    Raises
    ------
    CheckpointError
        When the classifier was not trained here.
    """
    columns = classifier.checkpoint.config.get("training", {}).get("history")
    if not columns:
        raise CheckpointError("carries no training history", where=f"classifier '{classifier.name}'")
    return pa.table(columns)
