"""From a training to a classifier: networks, calibration, provenance, card and checkpoint."""

from __future__ import annotations

import dataclasses
import platform
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from firstlight._types import Floats
from firstlight._version import __version__
from firstlight.classifier import Calibration, Checkpoint, Classifier, load
from firstlight.classifier.checkpoint import CONFIG, REPLAY, TRUST, holds_something_else
from firstlight.errors import Arg, CheckpointError, UsageError
from firstlight.facts import Passband, Survey, is_packaged, united
from firstlight.learn.cards import Learnt, card
from firstlight.learn.cross_validation import calibrate
from firstlight.learn.fitting import Training, fit
from firstlight.learn.networks import NetworkConfig, Weights, join_members, restore, to_onnx
from firstlight.learn.training import HistoryRow, Progress
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation
from firstlight.working_folder import working_in


def refuse_folder(out: str | Path | None, run: str | Path | None = None, *, overwrite: bool = False) -> None:
    """Raise UsageError where the result of a training could not be written to `out` at its end.

    A link stands for what it points to; a folder that is there must be empty, or with `overwrite` hold a
    classifier.
    """
    if out is None:
        return
    try:
        goal = Path(out).resolve()
        if run is not None and Path(run).resolve().is_relative_to(goal):
            raise UsageError(f"'{run}' lies in the folder of the result", where=Arg("run"))
        whole = (goal / CONFIG).is_file()
        if whole and not overwrite:
            raise UsageError(
                f"'{out}' holds a classifier already",
                where=Arg("out"),
                hint=("Name another folder, or say ", Arg("overwrite", True), " to replace it."),
            )
        if holds_something_else(goal):
            raise UsageError(
                f"'{out}' holds something that is no classifier", where=Arg("out"), hint="Name a new folder."
            )
        goal.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=goal.parent):
            return
    except (OSError, RuntimeError) as error:  # links in a circle are a RuntimeError before Python 3.13
        said = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"'{out}' cannot be written: {said}", where=Arg("out")) from None


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
    learnt: Learnt,
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
        What ``config.json`` says of it beside labels, data, recipe, epochs, versions and history.
    learnt_from : sequence of Classifier or LightCurves
        Whose passbands the classifier knows.
    replay : bytes or None
        Labelled light curves that the classifier carries (`firstlight.learn.replay`).
    prior : float64 [C], optional
        Shares that it is to expect; None leaves those of training.
    name, summary, settings, notes, learnt, about
        Of the card (`card`).
    seed, run, out, progress, device
        As in `fine_tune`.
    """
    home = None if run is None else Path(run)
    with nullcontext() if home is None else working_in(home):
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
        **learnt.to_dict(),
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
            learnt=learnt,
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
