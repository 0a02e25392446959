"""Photometry by role, whatever file it came from, and its way into `LightCurves`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firstlight import facts
from firstlight.errors import DataError, FirstlightError, UsageError
from firstlight.lightcurves import Flag, LightCurves, flux_from_magnitude
from firstlight.readers.cells import Floats, identities, passbands
from firstlight.readers.columns import listed
from firstlight.readers.objects import Objects, join, read_objects
from firstlight.readers.surveys import merge

TimeSystem = Literal["mjd", "jd"]
UnknownPassbands = Literal["error", "drop"]
NJY = facts.zero_point("nJy")
# No limit of the field lies outside; 0, 99 and -999 stand for "none".
_LIMITS = (5.0, 40.0)
_PER_ROW = ("codes", "time", "flux", "flux_err", "mag", "mag_err", "limit_mag", "flags")


@dataclass(frozen=True)
class Photometry:
    """Rows of observations by role and what is known of their objects.

    Attributes
    ----------
    where : str
        File, for errors.
    codes : int64 array, shape (N,)
        Position in ``objects.ids`` of each row's object.
    time : float64 array, shape (N,)
        Days, in `time_system`.
    passband : pa.DictionaryArray, length N
        Names as the survey spells them.
    objects : Objects
        Ids in order of first appearance, and metadata.
    flux, flux_err : float64 arrays or None
        In the unit of `zero_point`.
    mag, mag_err : float64 arrays or None
        AB magnitudes of differences.
    sign : pa.Array or None
        Signs of the magnitudes in any spelling (None: all positive).
    limit_mag : float64 array or None
        5-sigma AB limits; they count where a row holds no measurement.
    detected : pa.Array or None
        Null where nothing says so: then signal to noise decides.
    flags : uint16 array or None
        What the reader knows against a row.
    survey : str, mapping, path or None
        One survey for all rows.
    surveys : pa.DictionaryArray or None
        A survey for each row, where a column says so.
    zero_point : float or float64 array
        AB zero point of `flux`.
    time_system : {"mjd", "jd"}
    dereddened : bool
        Whether Milky Way extinction was taken out.
    """

    where: str
    codes: NDArray[np.int64]
    time: Floats
    passband: pa.DictionaryArray
    objects: Objects
    flux: Floats | None = None
    flux_err: Floats | None = None
    mag: Floats | None = None
    mag_err: Floats | None = None
    sign: pa.Array | None = None
    limit_mag: Floats | None = None
    detected: pa.Array | None = None
    flags: NDArray[np.uint16] | None = None
    survey: Any = None
    surveys: pa.DictionaryArray | None = None
    zero_point: float | Floats = NJY
    time_system: TimeSystem = "mjd"
    dereddened: bool = False

    def take(self, rows: NDArray[np.int64]) -> Photometry:
        """The same with only some rows; objects stay."""
        changed: dict[str, Any] = {}
        for name in ("passband", "surveys", "sign", "detected"):
            column = getattr(self, name)
            changed[name] = None if column is None else column.take(pa.array(rows))
        for name in _PER_ROW:
            values = getattr(self, name)
            changed[name] = None if values is None else values[rows]
        if isinstance(self.zero_point, np.ndarray):
            changed["zero_point"] = self.zero_point[rows]
        return replace(self, **changed)

    def light_curves(self, *, unknown_passbands: UnknownPassbands, report: list[str]) -> LightCurves:
        """Light curves of all objects, those without rows too, in the order of `objects`.

        Raises
        ------
        UsageError
            When no survey is stated.
        FirstlightError
            What `LightCurves.from_columns` refuses, with the file named.
        """
        try:
            if self.surveys is None:
                curves = self._of_survey(
                    self.survey, None, unknown_passbands=unknown_passbands, report=report
                )
            else:
                curves = self._of_surveys(unknown_passbands=unknown_passbands, report=report)
        except FirstlightError as error:
            error.where = f"{self.where}: {error.where}" if error.where else self.where
            raise
        return _in_order(curves, self.objects.ids)

    def _of_surveys(self, *, unknown_passbands: UnknownPassbands, report: list[str]) -> LightCurves:
        assert self.surveys is not None  # the caller saw to it
        only = None if self.survey is None else facts.survey(self.survey)
        names, code_of = _surveys(self.surveys, only)
        if only is not None:
            stated = only.name
            if any(name != stated for name in names):
                raise DataError(
                    f"rows of survey {listed(names)}, but --survey {stated} is given",
                    hint="Leave the option out.",
                )
        if len(names) <= 1:
            of_all = only or (names[0] if names else None)
            return self._of_survey(of_all, None, unknown_passbands=unknown_passbands, report=report)
        parts = []
        for position, name in enumerate(names):
            rows = np.flatnonzero(code_of == position)
            parts.append(self._of_survey(name, rows, unknown_passbands=unknown_passbands, report=report))
        return merge(parts)

    def _of_survey(
        self,
        survey: Any,
        rows: NDArray[np.int64] | None,
        *,
        unknown_passbands: UnknownPassbands,
        report: list[str],
    ) -> LightCurves:
        if survey is None:
            raise UsageError(
                "no survey is stated",
                hint=f"Say --survey {'|'.join(facts.surveys())}, or a survey's TOML file.",
            )
        part = self if rows is None else self.take(rows)
        objects = self.objects.table()
        if rows is not None:  # the objects of this survey's rows; ids keep their order
            present = np.zeros(len(self.objects.ids), dtype=bool)
            present[part.codes] = True
            objects = objects.filter(pa.array(present))
        return LightCurves.from_columns(
            object_id=pa.DictionaryArray.from_arrays(pa.array(part.codes), self.objects.ids),
            time=part.time,
            passband=part.passband,
            survey=survey,
            objects=objects,
            detected=part.detected,
            flags=part._all_flags(),
            unknown_passbands=unknown_passbands,
            dereddened=self.dereddened,
            time_system=self.time_system,
            report=report,
            **part._measured(),
        )

    def _measured(self) -> dict[str, Any]:
        if self.mag is not None:
            return {"mag": self.mag, "mag_err": self.mag_err, "sign": self.sign, "limit": self.limit_mag}
        limit = None
        if self.limit_mag is not None:
            with np.errstate(invalid="ignore"):
                good = (self.limit_mag > _LIMITS[0]) & (self.limit_mag < _LIMITS[1])
            in_njy = flux_from_magnitude(np.where(good, self.limit_mag, np.nan))
            limit = in_njy * 10.0 ** (0.4 * (np.asarray(self.zero_point) - NJY))
        return {"flux": self.flux, "flux_err": self.flux_err, "limit": limit, "zero_point": self.zero_point}

    def _all_flags(self) -> NDArray[np.uint16] | None:
        if not self.objects.scattered.any():
            return self.flags
        flags = np.zeros(len(self.codes), dtype=np.uint16) if self.flags is None else self.flags.copy()
        flags[self.objects.scattered[self.codes]] |= np.uint16(Flag.POSITION_SCATTER)
        return flags


def _surveys(column: pa.DictionaryArray, stated: facts.Survey | None) -> tuple[list[str], NDArray[np.int64]]:
    """Canonical names of the surveys of a column, and the position among them of each row's.

    The column may name the survey that is stated, which may be a user's own, and packaged ones.
    """

    def canonical(name: str) -> str:
        return stated.name if stated is not None and stated.answers_to(name) else facts.survey(name).name

    spelled = column.dictionary.to_pylist()
    known = [None if not name else canonical(name) for name in spelled]
    indices = np.asarray(column.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
    used = {spelled_code for spelled_code in np.unique(indices).tolist() if spelled_code >= 0}
    empty = [code for code in used if known[code] is None]
    if empty or (indices < 0).any():
        count = int(np.isin(indices, [*empty, -1]).sum())
        raise DataError(f"{count:,} rows name no survey", hint="Fill the column, or drop these rows.")
    names = list(dict.fromkeys(str(known[code]) for code in sorted(used)))
    place = np.array(
        [names.index(str(name)) if code in used else -1 for code, name in enumerate(known)] or [-1]
    )
    return names, place[indices] if len(indices) else indices


def _in_order(curves: LightCurves, ids: pa.Array) -> LightCurves:
    """The curves in the order of `ids`; objects without rows are otherwise last."""
    if len(ids) != len(curves):
        raise DataError(f"{len(ids)} objects went in, {len(curves)} came out")
    found = curves.objects.column("object_id").combine_chunks()
    if isinstance(found, pa.ChunkedArray) or found.equals(ids):
        return curves
    return curves.take(np.asarray(pc.index_in(ids, value_set=found), dtype=np.int64))


def from_rows(
    where: str,
    *,
    object_id: Sequence[object],
    time: Sequence[float | None],
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
    codes, ids = identities(every, name="object_id", where=where)
    codes = codes[len(known_ids) :]
    # Numbers are float64 even where all are missing.
    known = {
        name: pa.array(
            [*values, *[None] * (len(ids) - len(values))],
            type=pa.string() if name == "label" else pa.float64(),
            from_pandas=True,
        )
        for name, values in (metadata or {}).items()
    }
    arrays: dict[str, Any] = {
        name: floats(value) if isinstance(value, list) else value for name, value in columns.items()
    }
    bands = passbands(pa.array([None if band is None else str(band) for band in passband], type=pa.string()))
    return Photometry(
        where=where,
        codes=codes,
        time=floats(time),
        passband=bands,
        objects=Objects(ids, known, np.zeros(len(ids), dtype=np.bool_), where),
        **arrays,
    )


def floats(values: Sequence[Any]) -> Floats:
    """Numbers as float64, NaN where None or no number."""
    return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: Any) -> float:
    if isinstance(value, bool) or value is None:
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def with_objects(
    photometry: Photometry,
    objects: Any,
    *,
    chosen: Mapping[str, str | None],
    label: str | None,
    report: list[str],
) -> Photometry:
    """Photometry with the metadata of a second table, joined by id; ids in one table only are reported."""
    if objects is None:
        return photometry
    if not isinstance(objects, Objects):
        objects = read_objects(objects, chosen=chosen, label=label, report=report)
    joined = join(photometry.objects, objects, report=report)
    return replace(photometry, objects=joined)
