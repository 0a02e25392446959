"""Light curves of several surveys as one: an object that two surveys saw becomes one object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight import facts
from firstlight.errors import DataError
from firstlight.lightcurves import LightCurves

# TAI - UTC since 2017-01-01 (IERS Bulletin C 52); before that at most one second less per 1.5 years.
_TAI_MINUS_UTC_DAYS = 37.0 / 86_400.0
_ROWS = ("time", "passband", "flux", "flux_err", "detected", "limit", "flags")


def merge(parts: Sequence[LightCurves]) -> LightCurves:
    """One `LightCurves` of parts of different surveys; the clock of the first part holds for all.

    Raises
    ------
    DataError
        When surveys know different things of one object, or two of one name have different numbers.
    """
    scales = [part.bands[0].time_scale if len(part) else None for part in parts]
    bands = facts.united(*(part.bands for part in parts))
    code = {band.name: position for position, band in enumerate(bands)}
    ids = pc.unique(pa.chunked_array([part.objects.column("object_id").combine_chunks() for part in parts]))
    columns: dict[str, list[np.ndarray]] = {name: [] for name in _ROWS}
    owners = []
    clock = next((scale for scale in scales if scale), "utc")
    for part, scale in zip(parts, scales, strict=True):
        place = pc.index_in(part.objects.column("object_id").combine_chunks(), value_set=ids)
        owners.append(np.asarray(place.to_numpy(zero_copy_only=False), dtype=np.int64)[part.owner])
        band = np.array([*(code[name] for name in part.passbands), -1], dtype=np.int16)
        for name in _ROWS:
            columns[name].append(getattr(part, name))
        columns["passband"][-1] = band[part.passband]
        shift = 0.0 if scale in (clock, None) else _TAI_MINUS_UTC_DAYS * (1.0 if clock == "tai" else -1.0)
        columns["time"][-1] = part.time + shift
    rows = {name: np.concatenate(arrays) for name, arrays in columns.items()}
    owner = np.concatenate(owners)
    order = np.lexsort((rows["flux"], rows["passband"], rows["time"], owner))
    merged = LightCurves(
        **{name: array[order] for name, array in rows.items()},
        offsets=np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(ids)))]),
        bands=bands,
        objects=_objects(parts, ids),
    )
    return merged.where(
        np.ones(len(owner), dtype=bool)
    )  # what an object's flags say follows from all its rows


def _objects(parts: Sequence[LightCurves], ids: pa.Array) -> pa.Table:
    """One row an object: the first part's that knows it; surveys are joined by ``+``."""
    table = pa.concat_tables([part.objects for part in parts], promote_options="permissive").combine_chunks()
    first = pc.index_in(ids, value_set=table.column("object_id").combine_chunks())
    place = pc.index_in(table.column("object_id"), value_set=ids).to_numpy().astype(np.int64)
    surveys: list[list[str]] = [[] for _ in range(len(ids))]
    for code, name in zip(place.tolist(), table.column("survey").to_pylist(), strict=True):
        if name not in surveys[code]:
            surveys[code].append(name)
    chosen = table.take(first)
    if chosen.num_rows != len(ids):
        raise DataError("objects of several surveys do not fit together")
    names = pa.array(["+".join(names) for names in surveys], type=pa.string())
    return chosen.set_column(chosen.column_names.index("survey"), "survey", names)
