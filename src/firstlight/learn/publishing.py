"""From trained tensors to a classifier: the one place where learning writes a checkpoint."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

import firstlight
from firstlight.classifier import Calibration, Checkpoint, Classifier, load
from firstlight.errors import CheckpointError
from firstlight.facts import Passband, Survey, is_packaged, united
from firstlight.learn.export import to_onnx
from firstlight.learn.networks import NetworkConfig, restore
from firstlight.learn.training import Row
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation


def publish(
    weights: Mapping[str, Tensor],
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
    path: Path | None = None,
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
        "firstlight": firstlight.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": str(torch.__version__),
    }


def history_columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
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
