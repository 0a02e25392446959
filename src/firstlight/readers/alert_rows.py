"""Rows one by one, as alerts come: the name of an object, and rows in the names of ZTF and LSST."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight._types import Floats
from firstlight.errors import Arg
from firstlight.lightcurves.flags import Flag
from firstlight.lightcurves.photometry import MAGNITUDE_TO_FRACTION, Photometry
from firstlight.notes import Notes
from firstlight.readers.roles import UnnamedObjectError
from firstlight.tables.columns import signs, words
from firstlight.tables.identifiers import identities

# ZTF names its objects ZTF + year + 7 letters; LSST's and ALeRCE's ids are numbers of 15 digits and more.
_NAME = re.compile(r"ZTF\d{2}[a-z]{7}|ANT\d{4}[a-z0-9]+|(?<!\d)\d{15,20}(?!\d)")
_JD_MJD = 2_400_000.5
_FIVE_SIGMA = 1 / (5 * MAGNITUDE_TO_FRACTION)  # the error of a magnitude at this signal to noise
# diffmaglim of ZTF outside is a sentinel (-999 in the alert schema).
_ZTF_LIMITS = (10.0, 25.0)

Row = Mapping[str, Any]


def from_rows(
    where: str,
    *,
    object_id: Sequence[object],
    time: Sequence[Any] | Floats,
    passband: Sequence[object],
    metadata: Mapping[str, Sequence[object]] | None = None,
    known_ids: Sequence[object] = (),
    **columns: Any,
) -> Photometry:
    """Photometry of a few thousand rows at most, from lists: what brokers' answers hold.

    Parameters
    ----------
    where : str
    object_id, time, passband : sequences of length N
        None where missing.
    metadata : mapping of sequences, optional
        Metadata by name, aligned with `known_ids`.
    known_ids : sequence
        Distinct objects that are to appear, with rows or without, in this order.
    **columns
        Other attributes of `Photometry`; lists become float64 arrays with NaN where None.
    """
    every = pa.array([str(name) for name in (*known_ids, *object_id)], type=pa.string())
    codes, ids = identities(every, "object_id", Notes(where))
    # Numbers are float64 even where all are missing.
    known = {
        name: pa.array(
            [*values, *[None] * (len(ids) - len(values))],
            type=pa.string() if name == "label" else pa.float64(),
            from_pandas=True,
        )
        for name, values in (metadata or {}).items()
    }
    columns = {name: floats(one) if isinstance(one, list) else one for name, one in columns.items()}
    bands = pa.array([None if band is None else str(band) for band in passband], type=pa.string())
    return Photometry(
        object_id=pa.DictionaryArray.from_arrays(pa.array(codes[len(known_ids) :]), ids),
        time=floats(time),
        passband=words(bands),
        objects=pa.table({"object_id": ids, **known}),
        where=where,
        **columns,
    )


def floats(values: Sequence[Any] | Floats) -> Floats:
    """Numbers as float64, NaN where None or no number."""
    if isinstance(values, np.ndarray):
        return values
    return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: Any) -> float:
    if isinstance(value, bool) or value is None:
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def object_name(given: str | int | None, found: object, notes: Notes, *, alone: bool = True) -> str:
    """The name of an object: the caller's, the content's, or, of the one object of a file, that in its name.

    Raises
    ------
    DataError
        When none of these says it.
    """
    if given is not None:
        return str(given)
    if found is not None and str(found).strip():
        return str(found).strip()
    match = _NAME.search(notes.where) if alone else None
    if match:
        notes.add(f"the object is named '{match.group()}' after the file")
        return match.group()
    hint = ("Say ", Arg("object_id", "NAME"), ".")
    raise UnnamedObjectError("does not say which object it is", where=notes.where, hint=hint)


def is_known(value: Any) -> bool:
    """Whether a JSON value is there: not null, not NaN."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def ztf_photometry(
    where: str,
    groups: Sequence[tuple[str, Iterable[Row]]],
    *,
    metadata: Mapping[str, Sequence[object]] | None = None,
) -> Photometry:
    """Photometry of rows in the names of ZTF: ``magpsf`` with ``isdiffpos``, else ``diffmaglim`` as a limit.

    Magnitudes are rounded as ZTF does in the histories of later packets, so that one detection has one value
    wherever it is read from.

    Parameters
    ----------
    where : str
    groups : sequence of (object id, rows)
        A row has ``mjd`` or ``jd``, and ``fid``.
    metadata : mapping, optional
        Metadata by name, aligned with `groups`.
    """
    names = [name for name, _ in groups]
    listed = [(name, row) for name, rows in groups for row in rows]
    rows = [row for _, row in listed]
    time = np.where(
        np.isfinite(mjd := floats([row.get("mjd") for row in rows])),
        mjd,
        floats([row.get("jd") for row in rows]) - _JD_MJD,
    )
    sign = pa.array([_sign(row) for row in rows], type=pa.string())
    mag_err = np.round(floats([row.get("sigmapsf") for row in rows]), 6)
    limit = floats([row.get("diffmaglim", row.get("limit_mag")) for row in rows])
    with np.errstate(invalid="ignore"):
        limit = np.where((limit > _ZTF_LIMITS[0]) & (limit < _ZTF_LIMITS[1]), limit, np.nan)
    return from_rows(
        where,
        object_id=[name for name, _ in listed],
        known_ids=list(dict.fromkeys(names)),
        time=time,
        passband=[row.get("fid", row.get("band")) for row in rows],
        mag=np.round(floats([row.get("magpsf") for row in rows]), 4),
        mag_err=mag_err,
        sign=sign,
        detected=negative_detections(sign, mag_err),
        limit=np.round(limit, 4),
        survey="ZTF",
        metadata=metadata,
    )


def negative_detections(sign: pa.Array, mag_err: Floats) -> pa.Array:
    """True where an alert detected a negative difference; null, so that signal to noise decides, elsewhere.

    An alert of ZTF is a detection whatever its sign; the survey's threshold of 5 sigma holds for it too.
    """
    with np.errstate(invalid="ignore"):
        clear = (signs(sign, "isdiffpos") < 0) & (mag_err > 0) & (mag_err <= _FIVE_SIGMA)
    return pa.array(clear, mask=~clear)


def _sign(row: Row) -> str | None:
    """What the row says of its sign; who does not know the word speaks of positive differences."""
    if "isdiffpos" not in row:
        return "t"
    return str(row["isdiffpos"]) if is_known(row["isdiffpos"]) else None


def lsst_photometry(
    where: str,
    groups: Sequence[tuple[str, Iterable[Row], Iterable[Row]]],
    *,
    bands: Mapping[str, str] | None = None,
    metadata: Mapping[str, Sequence[object]] | None = None,
) -> Photometry:
    """Photometry of rows in the names of LSST: sources and forced sources, one observation a visit.

    Where a source and a forced source stand at one time and passband the forced flux is kept, because its
    position is the object's, and it counts as detected. Withdrawn rows are flagged.

    Parameters
    ----------
    where : str
    groups : sequence of (object id, sources, forced sources)
        A row has ``midpointMjdTai`` or ``mjd``, ``band``, ``psfFlux`` and ``psfFluxErr`` in nJy.
    bands : mapping, optional
        Passband by the number that stands for it.
    metadata : mapping, optional
        Metadata by name, aligned with `groups`.
    """
    kept: list[tuple[str, Row, bool | None]] = []
    for name, sources, forced in groups:
        visits = {_visit(row): row for row in forced}
        seen = {_visit(row) for row in sources}
        kept += [(name, row, True) for row in sources if _visit(row) not in visits]
        # Null: signal to noise decides for forced rows without a source.
        kept += [(name, row, True if _visit(row) in seen else None) for row in visits.values()]
    rows = [row for _, row, _ in kept]
    withdrawn = np.nan_to_num(floats([row.get("timeWithdrawnMjdTai") for row in rows])) > 0
    return from_rows(
        where,
        object_id=[name for name, _, _ in kept],
        known_ids=list(dict.fromkeys(name for name, _, _ in groups)),
        time=[_time(row) for row in rows],
        passband=[(bands or {}).get(str(row.get("band")), row.get("band")) for row in rows],
        flux=floats([row.get("psfFlux") for row in rows]),
        flux_err=floats([row.get("psfFluxErr") for row in rows]),
        detected=pa.array([detected for _, _, detected in kept], type=pa.bool_()),
        flux_unit="nJy",
        flags=np.where(withdrawn, int(Flag.BAD_QUALITY), 0).astype(np.uint16),
        survey="LSST",
        metadata=metadata,
    )


def _time(row: Row) -> Any:
    time = row.get("midpointMjdTai", row.get("mjd"))
    return row["jd"] - _JD_MJD if time is None and is_known(row.get("jd")) else time


def _visit(row: Row) -> tuple[object, object]:
    """What makes two rows one observation: time to 0.1 s and passband."""
    time = _time(row)
    return (round(float(time), 6) if is_known(time) else id(row)), row.get("band")
