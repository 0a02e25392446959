"""Light curves as Arrow, pandas, nested-pandas, polars and astropy tables and back, without loss.

The names are the same in all conversions. One row an observation: ``object_id``, ``mjd``, ``band``
(qualified), ``flux``, ``flux_err``, ``detected``, ``limit`` (fluxes in nJy), ``flags``, and behind them what
is known of its object, whose own flags are ``object_flags``; an object without observations has one row, in
which nothing is measured. One row an object: the columns of `LightCurves.objects`; the nested forms add the
observations as a column ``lightcurve``.
The passbands stand in the metadata, packaged ones by name and a user's own with all their numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firstlight._types import Ints
from firstlight.errors import DataError, UnknownNameError
from firstlight.facts import Passband, is_packaged, passband, survey, surveys, to_plain
from firstlight.lightcurves.columnar import Columnar
from firstlight.lightcurves.flags import flag_column
from firstlight.lightcurves.from_columns import classify_rows
from firstlight.lightcurves.object_table import standard
from firstlight.lightcurves.rows import Rows, in_order, take_rows
from firstlight.tables import frames
from firstlight.tables.columns import as_arrow, floats, truths
from firstlight.tables.frames import arrow_table
from firstlight.tables.identifiers import as_text, identifiers
from firstlight.tables.nested import flattened, unnested
from firstlight.tables.objects import object_table, one_array, one_row_each, with_column

NESTED = "lightcurve"
PASSBANDS = b"firstlight.passbands"
_NEEDED = ("mjd", "band", "flux", "flux_err")
_OF_ROWS = ("object_id", *_NEEDED, "detected", "limit", "flags")
_OBJECT_FLAGS = "object_flags"
_OWN = "own_passbands"
_UNITS = {"mjd": "d", "flux": "nJy", "flux_err": "nJy", "limit": "nJy"}


def plain(bands: Iterable[Passband]) -> list[str | dict[str, Any]]:
    """Passbands as values of JSON, which `facts.passband` reads."""
    return [to_plain(band) for band in bands]


def dumps(bands: Iterable[Passband]) -> str:
    """Passbands as JSON."""
    return json.dumps(plain(bands))


def loads(text: str | bytes, *, among: Iterable[Passband] = ()) -> tuple[Passband, ...]:
    """The passbands that `dumps` wrote; names may mean one of `among` besides packaged ones."""
    own = tuple(among)
    return tuple(passband(band, among=own) for band in json.loads(text))


def _known(table: pa.Table) -> tuple[Passband, ...]:
    """The passbands that stand in the metadata of a table; none where none do."""
    known = (table.schema.metadata or {}).get(PASSBANDS)
    return loads(known) if known else ()


def _row_columns(curves: Columnar) -> dict[str, pa.Array]:
    codes = pa.array(curves.passband, mask=curves.passband < 0)
    return {
        "mjd": pa.array(curves.time),
        "band": pa.DictionaryArray.from_arrays(codes, pa.array(curves.passbands, pa.string())),
        "flux": pa.array(curves.flux),
        "flux_err": pa.array(curves.flux_err),
        "detected": pa.array(curves.detected),
        "limit": pa.array(curves.limit),
        "flags": pa.array(curves.flags),
    }


def _rows(
    columns: Mapping[str, Any], bands: tuple[Passband, ...] | None, among: Iterable[Passband] = ()
) -> tuple[Rows, tuple[Passband, ...]]:
    """Rows from columns in nJy and MJD with qualified passband names."""
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise DataError(
            f"no column {', '.join(missing)}. Found: {', '.join(columns)}",
            hint="For tables of another shape use read_table or LightCurves.from_columns.",
        )
    size = len(columns["mjd"])
    codes, bands = _codes(as_arrow(columns["band"], "band"), bands, among)
    rows = classify_rows(
        time=floats(columns["mjd"], "mjd"),
        passband=codes,
        flux=floats(columns["flux"], "flux"),
        flux_err=floats(columns["flux_err"], "flux_err"),
        limit=floats(columns["limit"], "limit") if "limit" in columns else np.full(size, np.nan),
        detected=truths(columns["detected"], "detected") if "detected" in columns else None,
        detection_snr=max((band.detection_snr for band in bands), default=5.0),
        flags=flag_column(columns.get("flags"), size),
    )
    return rows, bands


def _codes(
    band: pa.Array, bands: tuple[Passband, ...] | None, among: Iterable[Passband]
) -> tuple[NDArray[np.int16], tuple[Passband, ...]]:
    """Positions of names among `bands`; without these, among all of the surveys that occur."""
    encoded = band if isinstance(band, pa.DictionaryArray) else band.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    try:
        found = [passband(name, among=(*(bands or ()), *among)) for name in names if name is not None]
    except UnknownNameError as error:
        error.where = "column 'band'"
        raise
    if bands is None:
        bands = tuple(found) if isinstance(band, pa.DictionaryArray) else _whole_surveys(found, among)
    position = {one.name: code for code, one in enumerate(bands)}
    table = np.array([*(position.get(name, -1) for name in names), -1], np.int16)
    return table[np.asarray(encoded.indices.fill_null(len(names)), dtype=np.intp)], bands


def _whole_surveys(found: Iterable[Passband], among: Iterable[Passband]) -> tuple[Passband, ...]:
    """All passbands of the surveys of these: packaged ones in their order, then the user's own."""
    here = {band.survey for band in found}
    packaged = [survey(name) for name in surveys() if name in here]
    own = (band for band in among if band.survey in here - {one.name for one in packaged})
    return (*(band for one in packaged for band in one.passbands), *own)


def _with_survey(objects: pa.Table, rows: Rows, offsets: Ints, bands: tuple[Passband, ...]) -> pa.Table:
    """The objects with a column `survey`: where it is missing, that of the first known passband."""
    if "survey" in objects.column_names:
        return objects
    first = np.full(len(offsets) - 1, -1)
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    seen = np.flatnonzero(rows.passband >= 0)[::-1]
    first[owner[seen]] = rows.passband[seen]
    usual = bands[0].survey if bands else ""
    names = [bands[code].survey if code >= 0 else usual for code in first.tolist()]
    return with_column(objects, "survey", pa.array(names, pa.string()))


def _rows_and_objects(long: pa.Table, ids: pa.Array) -> tuple[pa.Table, pa.Table]:
    """The columns of observations, and what stands on them of their objects, one row each in order."""
    others = [name for name in long.column_names if name not in _OF_ROWS and name != _OWN]
    objects = long.select(others).append_column("object_id", ids)
    if _OBJECT_FLAGS in others:
        objects = objects.rename_columns(
            ["flags" if name == _OBJECT_FLAGS else name for name in objects.column_names]
        )
    return long.select([name for name in long.column_names if name not in others]), object_table(
        one_row_each(objects)
    )


def _measured(long: pa.Table) -> pa.Array:
    """Which rows are observations: the others say that there is none of their object."""
    absent = [
        pc.is_null(long.column(name), nan_is_null=True)
        for name in (*_NEEDED, "flags")
        if name in long.column_names
    ]
    return pc.invert(reduce(pc.and_, absent))


def _pair(observations: Any, objects: Any) -> tuple[Any, Any]:
    """Observations and objects, also where they came as the pair that the conversions give."""
    if isinstance(observations, tuple) and len(observations) == 2 and objects is None:
        return observations[0], observations[1]
    return observations, objects


class Conversions(Columnar):
    """Light curves as tables of other packages, and back."""

    def observations(self) -> pa.Table:
        """One row an observation, as an Arrow table; `object_id` and `band` are dictionaries."""
        names = one_array(self.objects.column("object_id"))
        owner = pa.array(self.owner.astype(np.int32))
        columns = {"object_id": pa.DictionaryArray.from_arrays(owner, names), **_row_columns(self)}
        return pa.table(columns).replace_schema_metadata({PASSBANDS: dumps(self.bands)})

    def _complete(self) -> pa.Table:
        """`observations` with what is known of their objects on each row: all in one table."""
        absent = np.flatnonzero(self.n_observations == 0)
        owner = np.concatenate([self.owner, absent])
        order = np.argsort(owner, kind="stable")
        row = np.concatenate([np.arange(len(self.time)), np.full(len(absent), -1)])[order]
        table = self.observations()
        objects = self.objects.take(pa.array(owner[order]))
        names = objects.column("object_id").dictionary_encode() if len(absent) else table.column("object_id")
        table = table.take(pa.array(row, mask=row < 0)) if len(absent) else table
        table = with_column(table, "object_id", names)
        for name in objects.column_names[1:]:
            taken = _OBJECT_FLAGS if name == "flags" else name
            table = with_column(table, taken, objects.column(name)) if taken not in _OF_ROWS else table
        return table

    def to_arrow(self) -> pa.Table:
        """An Arrow table with one row an object, its observations in ``lightcurve`` (list of struct).

        `from_arrow` gives the same light curves back; so does Parquet in between.
        """
        columns = _row_columns(self)
        columns["band"] = columns[
            "band"
        ].dictionary_decode()  # dictionaries inside lists do not survive Parquet
        struct = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
        small = len(self.time) < 2**31
        kind, offsets = (pa.ListArray, np.int32) if small else (pa.LargeListArray, np.int64)
        nested = kind.from_arrays(pa.array(self.offsets.astype(offsets)), struct)
        table = self.objects.append_column(NESTED, nested)
        return table.replace_schema_metadata({PASSBANDS: dumps(self.bands), "firstlight.flux_unit": "nJy"})

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Self:
        """Light curves from a table with one row an object and the observations in ``lightcurve``.

        Lists of structs and structs of lists are both understood, and so is the table of `observations`;
        fluxes are nJy, passbands qualified names.
        """
        if NESTED not in table.column_names:
            if not {"object_id", *_NEEDED} <= set(table.column_names):
                raise DataError(f"no column {NESTED}. Found: {', '.join(table.column_names)}")
            return cls._from_observations(table, None, among=_known(table))
        objects = object_table(table.drop_columns([NESTED]))
        columns, counts = flattened(unnested(table.column(NESTED), NESTED), objects.column("object_id"))
        offsets = np.concatenate([[0], np.cumsum(counts)])
        rows, bands = _rows(columns, _known(table) or None)
        objects = _with_survey(objects, rows, offsets, bands)
        return cls.from_rows(in_order(rows, offsets), offsets, bands, standard(objects))

    def to_pandas(self, *, observations: bool = True) -> Any:
        """A data frame, which `from_pandas` and `read_table` read back.

        Parameters
        ----------
        observations : bool
            True: one row an observation, with what is known of its object. False: one row an
            object, without observations.

        Examples
        --------
        >>> self.to_pandas().groupby("object_id").flux.max()  # doctest: +SKIP
        """
        where = "LightCurves.to_pandas"
        if not observations:
            return frames.to_pandas(self.objects, where=where)
        rows = frames.to_pandas(self._complete(), where=where)
        rows.attrs[PASSBANDS.decode()] = dumps(self.bands)
        return rows

    @classmethod
    def from_pandas(cls, observations: Any, objects: Any = None) -> Self:
        """Light curves from the frame of `to_pandas`, or from one of observations and one of objects."""
        observations, objects = _pair(observations, objects)
        long = arrow_table(observations)
        # Not the order: frames that were put together keep what the first of them says.
        return cls._from_observations(long, objects, among=_known(long))

    def to_nested_pandas(self) -> Any:
        """A `NestedFrame` with one row an object and the observations in the nested column ``lightcurve``."""
        where = "LightCurves.to_nested_pandas"
        nested_pandas = frames.library("nested-pandas", where=where)
        array = nested_pandas.NestedDtype.construct_array_type()(self.to_arrow().column(NESTED))
        frame = nested_pandas.NestedFrame(frames.to_pandas(self.objects, where=where))
        frame[NESTED] = frames.library("pandas", where=where).Series(array, index=frame.index)
        frame.attrs[PASSBANDS.decode()] = dumps(self.bands)
        return frame

    @classmethod
    def from_nested_pandas(cls, frame: Any) -> Self:
        """Light curves from a `NestedFrame` like that of `to_nested_pandas`."""
        return cls.from_arrow(arrow_table(frame))

    def to_polars(self, *, observations: bool = True) -> Any:
        """As `to_pandas`, as a polars data frame; `from_polars` reads it back."""
        polars = frames.library("polars", where="LightCurves.to_polars")
        if not observations:
            return polars.from_arrow(self.objects)
        long = self._complete()
        for name in ("object_id", "band"):
            long = with_column(long, name, long.column(name).cast(pa.string()))
        # An Enum carries all passbands, those without observations too, in their order.
        frame = polars.from_arrow(long).with_columns(
            polars.col("band").cast(polars.Enum(list(self.passbands)))
        )
        own = [dumps([band]) for band in self.bands if not is_packaged(band)]
        if own:  # polars keeps no metadata; the type of a column that is empty says what they are
            frame = frame.with_columns(polars.lit(None, polars.Enum(own)).alias(_OWN))
        return frame

    @classmethod
    def from_polars(cls, observations: Any, objects: Any = None) -> Self:
        """Light curves from the frame of `to_polars`, or from one of observations and one of objects."""
        observations, objects = _pair(observations, objects)
        among: list[Passband] = []
        if _OWN in observations.columns:
            among = [band for text in observations.schema[_OWN].categories for band in loads(text)]
            observations = observations.drop(_OWN)
        return cls._from_observations(arrow_table(observations), objects, among=among)

    def to_astropy(self, *, observations: bool = True) -> Any:
        """As `to_pandas`, as an astropy table with units; `from_astropy` reads it back."""
        if not observations:
            return frames.to_astropy(self.objects)
        rows = frames.to_astropy(self._complete(), _UNITS)
        rows.meta[PASSBANDS.decode()] = dumps(self.bands)
        return rows

    @classmethod
    def from_astropy(cls, observations: Any, objects: Any = None) -> Self:
        """Light curves from the table of `to_astropy`, or from one of observations and one of objects.

        Units are honoured.
        """
        observations, objects = _pair(observations, objects)
        long = frames.in_unit(arrow_table(observations), _UNITS)
        return cls._from_observations(long, objects, _known(long) or None)

    @classmethod
    def _from_observations(
        cls,
        long: pa.Table,
        objects: Any,
        bands: tuple[Passband, ...] | None = None,
        *,
        among: Iterable[Passband] = (),
    ) -> Self:
        """Light curves from one table of observations and one of objects (or None).

        `bands` are the passbands in their order; without them they follow from the column ``band``, whose
        names may mean one of `among` besides packaged ones.
        """
        if "object_id" not in long.column_names:
            raise DataError(f"no column object_id. Found: {', '.join(long.column_names)}")
        ids = as_text(identifiers(long.column("object_id")))
        long, own = _rows_and_objects(long, ids)
        table = own if objects is None else object_table(objects)
        if "flags" in long.column_names and long.column("flags").null_count:
            measured = _measured(long)
            long, ids = long.filter(measured), ids.filter(measured)
        owner = np.asarray(pc.fill_null(pc.index_in(ids, one_array(table.column("object_id"))), -1))
        if (owner < 0).any():
            example = ids[int(np.flatnonzero(owner < 0)[0])].as_py()
            raise DataError(
                "has observations and no row in the table of objects", where=f"object '{example}'"
            )
        among = tuple(among)
        rows, bands = _rows({name: long.column(name) for name in long.column_names}, bands, among)
        rows = take_rows(rows, np.argsort(owner, kind="stable"))
        offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(table)))]).astype(np.int64)
        table = _with_survey(table, rows, offsets, bands)
        return cls.from_rows(in_order(rows, offsets), offsets, bands, standard(table))
