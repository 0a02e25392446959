"""What is known about an object beside its light curve: which columns may be read, and their scale."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import UnknownNameError, UsageError
from firstlight.lightcurves.object_table import clean
from firstlight.notes import Notes
from firstlight.tables.objects import NUMBERS, object_table

# Columns that hold the answer, or the future, or where the data come from: never an input of a network.
TRUTH = re.compile(
    r"^(sim_.*|true_.*|truth.*|.*_true|.*target.*|submodel|label.*|class.*|type|sntype|"
    r".*peak_?mjd.*|.*mjd_?peak.*|peak_.*|t0|trigger_mjd|mjd.*|"
    r"object_id|.*_name|source|flags|survey|n_obs.*|n_det.*|count.*)$",
    re.IGNORECASE,
)


# What `LightCurves.objects` holds besides numbers.
_BESIDE = ("dereddened", "label", "object_id", "survey", "flags")


def refuse_truth(names: Sequence[str]) -> None:
    """Raise UsageError when a metadata column holds the truth, a date or an identity."""
    for name in names:
        if TRUTH.match(name):
            raise UsageError(
                f"metadata column '{name}' holds the truth, a date or an identity, so no network may read it",
                where="preparation",
                hint="Use what is known before the spectrum, e.g. photoz or mwebv.",
            )


def scaled(name: str, values: NDArray[np.float64], features: str) -> NDArray[np.float64]:
    """Metadata brought to order one: logarithms of redshifts, tenths of a magnitude of E(B-V).

    Columns that this module does not know stay as they are; so does everything of the reference networks.
    """
    if features == "reference":
        return values
    if name in ("redshift", "photoz"):
        return np.log10(np.maximum(values, 0.0) + 0.01) + 1.0
    if name in ("redshift_err", "photoz_err"):
        return np.log10(np.maximum(values, 1e-4)) + 2.0
    if name == "mwebv":
        return np.log1p(10.0 * np.maximum(values, 0.0))
    return values


def context(
    columns: Mapping[str, NDArray[np.float64]], names: Sequence[str], n: int, features: str
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Values [n, K] float32 and mask [n, K], true where known; 0 where a value is missing."""
    values = np.zeros((n, len(names)), np.float32)
    known = np.zeros((n, len(names)), np.bool_)
    for k, name in enumerate(names):
        if name in columns:
            column = np.asarray(columns[name], np.float64)
            known[:, k] = np.isfinite(column)
            values[:, k] = np.where(
                known[:, k], scaled(name, np.where(known[:, k], column, 0.0), features), 0.0
            )
    return values, known


def of_one(values: Mapping[str, Any], own: Sequence[str]) -> tuple[dict[str, Any], int]:
    """Metadata of one object as light curves hold them, sentinels missing, and the flags that say so.

    Parameters
    ----------
    values : mapping
        Columns of `LightCurves.objects`.
    own : sequence of str
        Further columns that a preparation reads.

    Raises
    ------
    UnknownNameError
        For a name that is none of these.
    """
    known = (*NUMBERS, *(name for name in own if name not in NUMBERS), *_BESIDE)
    for name in values:
        if name not in known:
            raise UnknownNameError("metadata", name, known, where="start")
    given = {name: [values[name]] for name in NUMBERS if values.get(name) is not None}
    if not given:
        return dict(values), 0
    table = clean(object_table({"object_id": ["one"], **given}), Notes())
    cleaned = {name: table.column(name)[0].as_py() for name in given}
    return {**values, **cleaned}, int(table.column("flags")[0].as_py())


def number(metadata: Mapping[str, Any], name: str) -> float:
    """A metadata value as float; NaN when absent or null."""
    value = metadata.get(name)
    return float("nan") if value is None else float(value)
