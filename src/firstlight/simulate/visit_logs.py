"""Visit logs from files: the fields of ZTF, the baseline of LSST, a table of pointings, donors."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from firstlight._types import Floats, Floats32
from firstlight.errors import DataError, UnknownNameError
from firstlight.facts import Survey, zero_point
from firstlight.simulate.library import Library, packaged_visits
from firstlight.simulate.sky import YEAR, FieldLog, PointingLog, SequenceLog, VisitLog, milky_way

_HALF_FIELD = 3.4  # degrees, of ZTF
_LONGEST_GAP = 200.0  # days without any visit of the survey that are taken for a hole in the log
_DEEP_FIELD = 500  # visits in the packaged year of LSST
_SPELLINGS = {
    "mjd": ("mjd", "time", "observationStartMJD", "expMidptMJD"),
    "ra": ("ra", "fieldRA", "RA"),
    "dec": ("dec", "fieldDec", "DEC"),
    "band": ("band", "filter", "passband"),
    "depth": ("m5", "maglim", "five_sigma_depth", "fiveSigmaDepth", "limit"),
}
_OF_DONORS = {
    "objects.parquet": ("object_id", "ra", "dec", "mwebv", "ddf", "split"),
    "photometry.parquet": ("object_id", "mjd", "band", "flux", "flux_err"),
}


def ztf_log(library: Library) -> FieldLog:
    """The ZTF log of a data folder: public g and r exposures 2018-2025 by field; the package's own without.

    Nights that were borrowed from neighbouring fields are left out.
    """
    if library.root is None:
        own = packaged_visits("ztf")
        return FieldLog(
            own.time, (own.band == "r").astype(np.int8), own.limit, own.offsets, own.ra, own.dec, _HALF_FIELD,
            library.dust_map(),
        )  # fmt: skip
    name = "visits/ztf_visits.parquet"
    table = pq.read_table(library.path(name))
    table = table.filter(pc.invert(table["infill"]))
    field = table["field"].to_numpy().astype(np.int64)
    time, limit = table["mjd"].to_numpy(), table["maglim"].to_numpy().astype(np.float64)
    band = pc.equal(table["band"].cast("string"), "r").to_numpy().astype(np.int8)
    if np.any(np.diff(field) < 0) or np.any((np.diff(field) == 0) & (np.diff(time) < 0)):
        raise DataError("the visit log is not sorted by field and time", where=name)
    _check_gaps(time, name)
    unique, start = np.unique(field, return_index=True)
    with library.path("visits/ztf_fields.csv").open(newline="", encoding="utf-8") as stream:
        centres = {int(row["field"]): (float(row["ra"]), float(row["dec"])) for row in csv.DictReader(stream)}
    places = np.array([centres[int(one)] for one in unique])
    offsets = np.append(start, len(time)).astype(np.int64)
    return FieldLog(time, band, limit, offsets, places[:, 0], places[:, 1], _HALF_FIELD, library.dust_map())


def lsst_log(
    survey: Survey, bands: tuple[str, ...], library: Library, radius: float, deep_share: float
) -> VisitLog:
    """A year of the baseline of LSST in a data folder; the package's own positions without."""
    dust = library.dust_map()
    if library.root is not None:
        path = library.path("visits/lsst_baseline_v2.0_1yr.parquet")
        return pointing_log(path, survey, bands, dust, radius=radius, deep_share=deep_share)
    own = packaged_visits("lsst")
    spelt, inverse = np.unique(own.band, return_inverse=True)
    band = np.array([bands.index(survey.passband(one).name) for one in spelt], dtype=np.int8)[inverse]
    ebv = np.array([milky_way(float(a), float(d), dust) for a, d in zip(own.ra, own.dec, strict=True)])
    deep = np.diff(own.offsets) > _DEEP_FIELD
    return SequenceLog(
        own.time, band, own.limit, own.offsets, own.ra, own.dec, ebv, deep, YEAR, False, deep_share
    )


def pointing_log(
    table: str | Path | pa.Table,
    survey: Survey,
    bands: tuple[str, ...],
    dust_map: Floats32,
    *,
    radius: float = 1.75,
    deep_share: float | None = None,
) -> PointingLog:
    """The log in a table of pointings: mjd, ra, dec, band (or filter) and, where known, the 5-sigma depth.

    A log of a year is repeated.

    Parameters
    ----------
    table : path or Table
        Parquet or CSV.
    bands : tuple of str
        Qualified passbands in the order of the simulator's bands.
    radius : float
        Degrees from a visit's centre that it covers.

    Raises
    ------
    DataError, UnknownNameError, UsageError
        Columns, passbands or values that are missing, and holes in time; before anything runs.
    """
    where = "visits" if isinstance(table, pa.Table) else str(table)
    if not isinstance(table, pa.Table):
        path = Path(table)
        if not path.exists():
            raise DataError("there is no visit log", where=where)
        table = pv.read_csv(path) if path.suffix.lower() == ".csv" else pq.read_table(path)
    names = _columns(table, where)
    column = {
        role: table[name].to_numpy().astype(np.float64) for role, name in names.items() if role != "band"
    }
    given = np.asarray(table[names["band"]].cast(pa.string()).to_pylist(), dtype=object)
    if len(given) == 0:
        raise DataError("the visit log is empty", where=where)
    known = {spelling: survey.passband(spelling).name for spelling in sorted({*given} - {None})}
    band = np.array(
        [bands.index(known[one]) if known.get(one) in bands else -1 for one in given], dtype=np.int8
    )
    if "depth" not in column:
        depth = {name: survey.passband(name).depth for name in bands}
        column["depth"] = np.array([depth[bands[code]] for code in band])
    for role, values in column.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise DataError(f"{len(bad)} rows have no {role}, the first is row {bad[0]}", where=where)
    if np.any(band < 0):
        raise DataError(f"row {int(np.argmax(band < 0))} has no passband", where=where)
    time, dec, ra = column["mjd"], column["dec"], column["ra"] % 360.0
    _check_gaps(time, where)
    span = float(np.ptp(time))
    lowest, zone = float(dec.min()), 1.0
    number = np.floor((dec - lowest) / zone).astype(np.int64)
    order = np.lexsort((ra, number))
    offsets = np.searchsorted(number[order], np.arange(number.max() + 2)).astype(np.int64)
    return PointingLog(
        time[order], band[order], column["depth"][order], ra[order], dec[order], offsets, lowest, zone,
        radius, dust_map, *_deep_fields(ra, dec, span), YEAR if span < 1.5 * YEAR else 0.0, deep_share,
    )  # fmt: skip


def _columns(table: pa.Table, where: str) -> dict[str, str]:
    found = {}
    for role, spellings in _SPELLINGS.items():
        name = next((one for one in spellings if one in table.column_names), None)
        if name is not None:
            found[role] = name
        elif role != "depth":
            raise UnknownNameError("column of the visit log", role, table.column_names, where=where)
    return found


def _deep_fields(ra: Floats, dec: Floats, span: float) -> tuple[Floats, Floats]:
    """Centres of the deep drilling fields: cells of 0.25 deg with 150 pointings a year."""
    rows = np.floor(dec / 0.25).astype(np.int64)
    cells = rows * 100_000 + np.floor(ra * np.cos(np.radians(dec)) / 0.25).astype(np.int64)
    _, inverse, count = np.unique(cells, return_inverse=True, return_counts=True)
    busy = np.flatnonzero(count > 150 * max(span / YEAR, 1.0))
    places: list[tuple[float, float]] = []
    for cell in busy[np.argsort(-count[busy])]:
        mine = inverse == cell
        place = float(np.median(ra[mine])), float(np.median(dec[mine]))
        if all(math.hypot((place[0] - a) * math.cos(math.radians(b)), place[1] - b) > 2.0 for a, b in places):
            places.append(place)
    return np.array([one[0] for one in places]), np.array([one[1] for one in places])


def _check_gaps(time: Floats, where: str) -> None:
    """Nothing, or DataError for a log that has no visit at all for a long time."""
    ordered = np.sort(time)
    gaps = np.diff(ordered)
    if len(gaps) and gaps.max() > _LONGEST_GAP:
        first = int(gaps.argmax())
        raise DataError(
            f"the visit log has a hole of {gaps[first]:.0f} d, MJD {ordered[first]:.1f} to "
            f"{ordered[first + 1]:.1f}",
            where=where,
            hint="Fill it, or give the parts as two logs: light curves would break off there.",
        )


def donor_log(
    folder: str | Path, survey: Survey, bands: tuple[str, ...], *, deep_share: float | None = None
) -> SequenceLog:
    """The visits of the objects of a folder, so that only the transients differ.

    The folder has the layout of firstlight's benchmark plasticc-8 (``objects.parquet``,
    ``photometry.parquet``). Of an object only when, in which passband and how deep it was visited is used;
    the depth comes from the flux errors without the source's photons. Objects of its test split lend nothing.
    Fluxes and errors of the donors are free of Milky Way dust (PLAsTiCC), and so will the simulated be.

    Parameters
    ----------
    deep_share : float, optional
        Share of events in deep fields; as in the data by default.
    """
    objects, rows = (_donor_table(folder, name) for name in _OF_DONORS)
    objects = objects.filter(pc.is_in(objects["split"], pa.array(["pool", "other"])))
    owner = pc.index_in(rows["object_id"], objects["object_id"].combine_chunks())
    mine = pc.is_valid(owner)
    rows, code = rows.filter(mine), owner.filter(mine).to_numpy().astype(np.int64)
    order = np.lexsort((rows["mjd"].to_numpy(), code))
    code, time = code[order], rows["mjd"].to_numpy()[order]
    named = rows["band"].cast(pa.string()).to_numpy(zero_copy_only=False)[order]
    spelt, inverse = np.unique(named.astype(str), return_inverse=True)
    band = np.array([bands.index(survey.passband(one).name) for one in spelt], dtype=np.int8)[inverse]
    flux = np.maximum(rows["flux"].to_numpy().astype(np.float64)[order], 0.0)
    error = rows["flux_err"].to_numpy().astype(np.float64)[order]
    deep = objects["ddf"].to_numpy(zero_copy_only=False).astype(np.bool_)
    # What a bright source adds to the error in PLAsTiCC (FLUXCAL), measured: see `observing.PLASTICC_WIDE`.
    photons = np.where(deep[code], (0.0053 * flux) ** 2, 0.03 * flux + (0.006 * flux) ** 2)
    sky = np.sqrt(np.maximum(error**2 - photons, 0.0))
    faint = sky > 0.7 * error
    kind = deep[code] * len(bands) + band
    median = np.full(2 * len(bands), np.nan)
    for one in np.unique(kind[faint]):
        median[one] = np.median(sky[faint & (kind == one)])
    limit = zero_point("FLUXCAL") - 2.5 * np.log10(5.0 * np.where(faint, sky, median[kind]))
    present, start = np.unique(code, return_index=True)
    chosen = objects.take(pa.array(present))
    return SequenceLog(
        time, band, limit, np.append(start, len(time)).astype(np.int64),
        chosen["ra"].to_numpy(), chosen["dec"].to_numpy(), chosen["mwebv"].to_numpy(), deep[present],
        dereddened=True, deep_share=deep_share,
    )  # fmt: skip


def _donor_table(folder: str | Path, name: str) -> pa.Table:
    path, columns = Path(folder, name), _OF_DONORS[name]
    if not path.exists():
        hint = "Donors are a folder with both tables."
        raise DataError(f"there is no {name}", where=str(folder), hint=hint)
    absent = [one for one in columns if one not in pq.read_schema(path).names]
    if absent:
        raise DataError(f"column {absent[0]!r} is missing", where=str(path))
    return pq.read_table(path, columns=list(columns))
