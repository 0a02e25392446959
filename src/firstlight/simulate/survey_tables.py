"""Simulated objects as two tables: one row an object with its truth, and one row an observation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from firstlight._types import AnyArray
from firstlight.simulate.simulator import Simulated
from firstlight.simulate.views import View

_TEXT = {"sim_template"}
_ALWAYS = ("dec", "mwebv", "photoz", "photoz_err", "ra", "redshift", "sim_redshift", "trigger_mjd")
_UNITS = {"mjd": "d", "flux": "nJy", "flux_err": "nJy", "limit": "nJy"}


def to_tables(name: str, seed: int, objects: Sequence[Simulated], view: View) -> tuple[pa.Table, pa.Table]:
    """Objects table and photometry table of simulated objects of one class; number not known is null."""
    ids = pa.array([f"sim{seed}-{letters(name)}-{one.number}" for one in objects], pa.string())
    columns: dict[str, pa.Array] = {
        "object_id": ids,
        "survey": pa.array([view.survey.name] * len(ids), pa.string()),
        "label": pa.array([name] * len(ids), pa.string()),
        "n_det": pa.array([int(one.rows.detected.sum()) for one in objects], pa.int32()),
    }
    if view.log.dereddened:
        columns["dereddened"] = pa.array([True] * len(ids), pa.bool_())
    for key in sorted({*_ALWAYS, *(key for one in objects for key in one.values)}):
        kind = pa.string() if key in _TEXT else pa.float64()
        columns[key] = pa.array([one.values.get(key) for one in objects], kind, from_pandas=True)
    owner = np.repeat(np.arange(len(objects), dtype=np.int32), [len(one.rows.time) for one in objects])

    def joined(key: str) -> AnyArray:
        return np.concatenate([getattr(one.rows, key) for one in objects]) if objects else np.zeros(0)

    photometry = {
        "object_id": _spelt(owner, ids),
        "mjd": pa.array(joined("time")),
        "band": _spelt(joined("band").astype(np.int8), pa.array(view.bands.short)),
        **{key: pa.array(joined(key), from_pandas=True) for key in ("flux", "flux_err", "limit")},
        "detected": pa.array(joined("detected").astype(np.bool_)),
    }
    fields = [
        pa.field(key, column.type, metadata={"unit": _UNITS[key]} if key in _UNITS else None)
        for key, column in photometry.items()
    ]
    told = {"flux_unit": "nJy", "survey": view.survey.name}
    return pa.table(columns), pa.table(list(photometry.values()), pa.schema(fields, told))


def _spelt(codes: AnyArray, names: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes), names).cast(pa.string())


def letters(name: str) -> str:
    """The letters and digits of a class, for ids and names of files."""
    return "".join(letter for letter in name if letter.isalnum())
