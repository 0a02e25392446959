"""The benchmarks ztf-5 and plasticc-8: their classes, their data folders, and the rows that count."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight._types import Floats
from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.evaluate.protocols import Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from firstlight.lightcurves import LightCurves

ZTF5 = ("SN Ia", "SN II", "SN Ib/c", "SLSN-I", "TDE")
PLASTICC8 = (
    "AGN",
    "SLSN-I",
    "SN II",
    "SN Ia",
    "SN Ia-91bg-like",
    "SN Iax[02cx-like]",
    "SN Ib/c",
    "TDE",
)
DATA_VARIABLE = "FIRSTLIGHT_DATA"


def protocol(name: str, folder: str | Path | None = None, metadata: Sequence[str] = ()) -> Protocol:
    """The protocol of that name, ``ztf-5`` or ``plasticc-8``."""
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    return PROTOCOLS[name](folder, metadata)


def ztf5(folder: str | Path | None = None, metadata: Sequence[str] = ()) -> Protocol:
    """Protocol ztf-5: five classes on real ZTF light curves.

    Rows that count: detections (S/N >= 5) in g and r from the trigger to 200 days after it.

    Parameters
    ----------
    folder : path, optional
        Where ``objects.parquet``, ``photometry.parquet`` and ``draws.parquet`` lie; ``$FIRSTLIGHT_DATA/ztf``
        by default.
    metadata : sequence of {"mwebv", "redshift"}
        Kept beside the light curves; only objects that have all of them are kept then.
    """
    home = _folder(folder, "ztf")
    objects = _read(
        home, "objects", ["object_id", "label", "label5", "split", "trigger_mjd", "mwebv", "redshift"]
    )
    rows = _read(home, "photometry", ["object_id", "mjd", "band", "mag", "mag_err", "kind"])
    labels = [
        fine if five == "other" else five
        for fine, five in zip(objects["label"].to_pylist(), objects["label5"].to_pylist(), strict=True)
    ]
    table = _objects(objects, labels, {"mwebv": "mwebv", "redshift": "redshift"}, metadata, home)
    days = _days(rows, objects)
    counts = (
        np.isin(_column(rows, "band"), ["g", "r"])
        & (_column(rows, "kind") == "det")
        & (days >= 0)
        & (days <= 200)
    )
    rows = rows.filter(counts)
    from firstlight.lightcurves import LightCurves

    curves = LightCurves.from_columns(
        object_id=rows["object_id"],
        time=_column(rows, "mjd"),
        passband=rows["band"],
        survey="ZTF",
        mag=_column(rows, "mag"),
        mag_err=_column(rows, "mag_err"),
        detected=np.ones(rows.num_rows, dtype=bool),
        objects=table,
    )
    drawn = _read(home, "draws", ["budget", "draw", "object_id"])
    keys = zip(drawn["budget"].to_pylist(), drawn["draw"].to_pylist(), strict=True)
    draws = _draws([(str(budget), draw) for budget, draw in keys], drawn["object_id"].to_pylist(), table)
    return Protocol(
        name="ztf-5",
        classes=ZTF5,
        curves=_splits(curves, objects, ("pool", "test", "other")),
        draws=draws,
        metadata=tuple(metadata),
        features="detections",
        passbands=("ZTF-g", "ZTF-r"),
        reach_needed=False,
    )


def plasticc8(folder: str | Path | None = None, metadata: Sequence[str] = ()) -> Protocol:
    """Protocol plasticc-8: eight classes on simulated LSST light curves.

    Rows that count: every observation from 60 days before to 300 days after the trigger. The fluxes are
    corrected for the Milky Way already.

    Parameters
    ----------
    folder : path, optional
        Where ``objects.parquet``, ``photometry.parquet`` and ``label_draws.parquet`` lie;
        ``$FIRSTLIGHT_DATA/plasticc`` by default.
    metadata : sequence of {"mwebv", "photoz", "photoz_err", "redshift"}
        Kept beside the light curves; ``redshift`` is the spectroscopic redshift of the host.
    """
    home = _folder(folder, "plasticc")
    own = {"mwebv": "mwebv", "photoz": "photo_z", "photoz_err": "photo_z_err", "redshift": "spec_z"}
    objects = _read(home, "objects", ["object_id", "label", "split", "trigger_mjd", *own.values()])
    rows = _read(home, "photometry", ["object_id", "mjd", "band", "flux", "flux_err", "detected"])
    table = _objects(objects, objects["label"].to_pylist(), own, metadata, home)
    days = _days(rows, objects)
    rows = rows.filter((days >= -60) & (days <= 300))
    from firstlight.facts import zero_point
    from firstlight.lightcurves import LightCurves

    curves = LightCurves.from_columns(
        object_id=rows["object_id"],
        time=_column(rows, "mjd"),
        passband=rows["band"].cast("string"),
        survey="LSST",
        flux=_column(rows, "flux").astype(np.float64),
        flux_err=_column(rows, "flux_err").astype(np.float64),
        zero_point=zero_point("FLUXCAL"),
        detected=_column(rows, "detected"),
        objects=table,
        dereddened=True,
    )
    drawn = _read(home, "label_draws", ["budget", "draw", "object_id"])
    ids, needed = _text(drawn["object_id"]), _column(drawn, "budget")
    numbers = _column(drawn, "draw")
    draws = {
        (f"{100 * budget:g}%", int(number)): tuple(np.sort(ids[(numbers == number) & (needed <= budget)]))
        for budget in np.unique(needed)
        for number in np.unique(numbers)
    }
    return Protocol(
        name="plasticc-8",
        classes=PLASTICC8,
        curves=_splits(curves, objects, ("pool", "test", "wide", "other")),
        draws={key: tuple(str(name) for name in names) for key, names in draws.items()},
        metadata=tuple(metadata),
        features="flux",
        passbands=tuple(f"LSST-{band}" for band in "ugrizy"),
        reach_needed=True,
    )


def _folder(folder: str | Path | None, name: str) -> Path:
    home = os.environ.get(DATA_VARIABLE)
    if folder is None and not home:
        raise UsageError(
            "no folder with the benchmark's data", hint=f"Give one, or set {DATA_VARIABLE} to its parent."
        )
    return Path(folder) if folder is not None else Path(str(home)) / name


def _read(folder: Path, name: str, columns: list[str]) -> pa.Table:
    import pyarrow.parquet as pq

    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise DataError("no such file", where=str(path), hint="The protocol's data folder holds it.")
    missing = [column for column in columns if column not in pq.read_schema(path).names]
    if missing:
        raise DataError(f"lacks the columns {', '.join(missing)}", where=str(path))
    return pq.read_table(path, columns=columns)


def _column(table: pa.Table, name: str) -> Any:
    return table[name].combine_chunks().to_numpy(zero_copy_only=False)


def _text(column: pa.ChunkedArray) -> Any:
    return np.array(column.cast("string").to_pylist(), dtype=str)


def _days(rows: pa.Table, objects: pa.Table) -> Floats:
    """Days of every row since the trigger of its object."""
    import pyarrow.compute as pc

    place = pc.index_in(rows["object_id"], value_set=objects["object_id"].combine_chunks())
    return np.asarray(_column(rows, "mjd") - _column(objects, "trigger_mjd")[place.to_numpy()])


def _objects(
    objects: pa.Table, labels: list[str], own: Mapping[str, str], metadata: Sequence[str], home: Path
) -> pa.Table:
    """The object table that a classifier may see: id, trigger, label and the metadata asked for."""
    import pyarrow as pa

    for name in metadata:
        if name not in own:
            raise UnknownNameError("metadata", name, own, where=str(home))
    columns: dict[str, Any] = {
        "object_id": objects["object_id"].cast("string"),
        "trigger_mjd": objects["trigger_mjd"],
        "label": pa.array(labels, pa.string()),
    }
    return pa.table(columns | {name: objects[own[name]].cast("float64") for name in metadata})


def _splits(curves: LightCurves, objects: pa.Table, names: Sequence[str]) -> dict[str, LightCurves]:
    """Light curves by split; of objects with metadata asked for, those that have all of it."""
    home = dict(zip(_text(objects["object_id"]), objects["split"].to_pylist(), strict=True))
    split = np.array([home[name] for name in curves.object_id])
    complete = np.ones(len(curves), dtype=bool)
    for name in ("mwebv", "photoz", "photoz_err", "redshift"):
        if name in curves.objects.column_names:
            complete &= np.isfinite(np.asarray(curves.column(name), dtype=np.float64))
    return {name: curves.take(np.flatnonzero((split == name) & complete)) for name in names}


def _draws(
    keys: Sequence[tuple[str, int]], ids: Sequence[str], table: pa.Table
) -> dict[tuple[str, int], tuple[str, ...]]:
    known = set(table["object_id"].to_pylist())
    gathered: dict[tuple[str, int], list[str]] = {}
    for (budget, draw), name in zip(keys, ids, strict=True):
        if name not in known:
            raise DataError(f"draw {draw} of budget {budget} names '{name}', which is no object")
        gathered.setdefault((budget, int(draw)), []).append(name)
    return {key: tuple(names) for key, names in sorted(gathered.items(), key=lambda item: int(item[0][0]))}


PROTOCOLS = {"ztf-5": ztf5, "plasticc-8": plasticc8}
