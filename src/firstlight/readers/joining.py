"""From rows to light curves: what they say of their objects, a second table, and several surveys as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight import facts
from firstlight._types import Bits, Bools, Floats, Ints
from firstlight.errors import Arg, DataError, UsageError
from firstlight.lightcurves import Flag, LightCurves
from firstlight.lightcurves.columnar import stacked
from firstlight.lightcurves.from_columns import UnknownPassbands
from firstlight.lightcurves.photometry import Photometry
from firstlight.lightcurves.rows import in_order, take_rows
from firstlight.notes import Notes
from firstlight.readers.delimited import CellKind
from firstlight.readers.roles import is_truth, listed, match, require, roles
from firstlight.readers.table_files import opened
from firstlight.tables.columns import numbers, texts
from firstlight.tables.identifiers import identities
from firstlight.tables.objects import Objects, join, one_array, settled

# Columns of LightCurves.objects that no input table may set.
_RESERVED = ("object_id", "survey", "flags")
# Roles whose cells are words.
_TEXTS = ("label", "dereddened")
# Astrometric scatter that one source does not have (asteroids linked under one id: github
# astrolabsoftware/fink-science, issue 253).
_SCATTER_DEG = 2.0 / 3600.0
# TAI - UTC since 2017-01-01 (IERS Bulletin C 52); before that at most one second less per 1.5 years.
_TAI_MINUS_UTC_DAYS = 37.0 / 86_400.0


def kinds(by_role: Mapping[str, str]) -> dict[str, CellKind]:
    """How the columns of object roles are to be read."""
    return {column: "text" if role in _TEXTS else "number" for role, column in by_role.items()}


def gather(
    table: pa.Table,
    by_role: Mapping[str, str],
    codes: Ints,
    ids: pa.Array,
    notes: Notes,
    *,
    others: tuple[str, ...] = (),
) -> tuple[pa.Table, Bools]:
    """One value an object and column: the first that is not missing.

    Parameters
    ----------
    table : pa.Table
        Rows, several to an object.
    by_role : mapping
        Column by role (``redshift``, ``label``, ...); it is named by its role in the result.
    codes : int64 array
        Position in `ids` of each row's object, -1 for none.
    others : tuple of str
        Columns that pass through under their own names.

    Returns
    -------
    objects : pa.Table
        ``object_id`` and metadata, null where not known.
    scattered : bool array
        Objects whose positions lie more than 2 arcsec from the first one.

    Raises
    ------
    DataError
        When an object has two values for one property; positions may scatter.
    """
    columns = {"object_id": ids}
    positions: dict[str, Floats] = {}
    for role, column in by_role.items():
        values = table.column(column)
        values = texts(values) if role in _TEXTS else numbers(values, column, notes)
        columns[role] = settled(values, column, codes, ids, role=role, where=notes.where)
        if role in ("ra", "dec"):
            positions[role] = values
    for name in others:
        columns[name] = settled(table.column(name), name, codes, ids, where=notes.where)
    both = len(positions) == 2 and len(ids) > 0
    scattered = _scattered(positions, columns, codes) if both else np.zeros(len(ids), dtype=np.bool_)
    return pa.table(columns), scattered


def _scattered(positions: Mapping[str, Floats], settled: Mapping[str, pa.Array], codes: Ints) -> Bools:
    flagged = np.zeros(len(settled["object_id"]), dtype=np.bool_)
    ra0, dec0 = (settled[name].to_numpy(zero_copy_only=False)[codes] for name in ("ra", "dec"))
    far = apart(positions["ra"], positions["dec"], ra0, dec0)
    flagged[codes[far & (codes >= 0)]] = True
    return flagged


def apart(ra: Floats, dec: Floats, ra0: Any, dec0: Any) -> Bools:
    """Which positions (degrees) lie further from another than one source scatters."""
    east = ((ra - ra0 + 180.0) % 360.0 - 180.0) * np.cos(np.radians(dec0))
    return np.asarray(np.hypot(east, dec - dec0) > _SCATTER_DEG)


def scatter_flags(codes: Ints, scattered: Bools) -> Bits:
    """Flags of the rows of objects whose positions scatter."""
    return np.where(scattered[codes], int(Flag.POSITION_SCATTER), 0).astype(np.uint16)


def read_objects(
    objects: Any, notes: Notes, *, chosen: Mapping[str, str | None], label: str | None
) -> Objects:
    """The metadata of a table of objects: a path or a table, one row an object.

    Columns without a role pass through; what only a simulation knows does not, except as the label.

    Parameters
    ----------
    objects : path or table
    notes : Notes
    chosen : mapping
        Columns named by the caller, by role.
    label : str or None
        Column of the class, where it is not ``label``.

    Raises
    ------
    DataError
        When the ids are missing or an object has two values for one property.
    """
    with opened(objects) as source:
        names, notes = source.schema.names, notes.at(source.where)
        here = {role: column for role, column in chosen.items() if column is None or column in names}
        if label is not None and label in names:
            here["label"] = label
        id_name = require(identity(names, notes, chosen=here), "object_id", names, notes)
        by_role = match(names, "object", notes, chosen=here)
        rest = [name for name in names if name not in (*by_role.values(), id_name, *_RESERVED)]
        hidden = [name for name in rest if is_truth(name)]
        if hidden:
            notes.add(f"truth columns are not read as metadata: {listed(hidden, 8)}")
        others = tuple(name for name in rest if name not in hidden and name not in roles("object"))
        wanted: dict[str, CellKind] = {id_name: "id", **kinds(by_role), **dict.fromkeys(others, "any")}
        table = source.read(wanted, notes)
    codes, ids = identities(table.column(id_name), id_name, notes)
    known, _ = gather(table, by_role, codes, ids, notes, others=others)
    return Objects(known, notes.where, tuple(names))


def identity(names: list[str], notes: Notes, *, chosen: Mapping[str, str | None]) -> dict[str, str]:
    """The column of object ids by its role, looked for alone; empty where there is none."""
    others = dict.fromkeys(roles("observation"))
    del others["object_id"]
    given = {role: column for role, column in chosen.items() if role == "object_id"}
    return match(names, "observation", notes, chosen={**others, **given})


def with_objects(
    photometry: Photometry,
    objects: Any,
    notes: Notes,
    *,
    label: str | None = None,
) -> Photometry:
    """Photometry with the metadata of a second table, joined by id; ids in one table only are told."""
    if objects is None:
        return photometry
    if not isinstance(objects, Objects):
        objects = read_objects(objects, notes, chosen={}, label=label)
    return replace(photometry, objects=join(photometry.objects, objects, notes.at(photometry.where)))


def light_curves(photometry: Photometry, notes: Notes, *, unknown_passbands: UnknownPassbands) -> LightCurves:
    """Light curves of all objects, those without rows too, in the order of the table of objects.

    Raises
    ------
    UsageError
        When no survey is stated.
    FirstlightError
        What `LightCurves.from_columns` refuses, with the file named.
    """
    notes = notes.at(photometry.where)
    with notes.blamed():
        survey = photometry.survey
        if not isinstance(survey, pa.DictionaryArray):
            curves = _of_one(photometry, notes, unknown_passbands)
        else:
            names, code_of = surveys_of(survey, Notes())
            if len(names) < 2:
                curves = _of_one(
                    replace(photometry, survey=names[0] if names else None), notes, unknown_passbands
                )
            else:
                several = [_only(photometry, name, code_of == k) for k, name in enumerate(names)]
                curves = merged([_of_one(part, notes, unknown_passbands) for part in several])
    ids = one_array(photometry.objects.column("object_id"))
    if len(ids) != len(curves):
        raise DataError(f"{len(ids)} objects went in, {len(curves)} came out")
    found = one_array(curves.objects.column("object_id"))
    # Objects without rows, and what several surveys saw, come in another order.
    return curves if found.equals(ids) else curves.take(np.asarray(pc.index_in(ids, value_set=found)))


def _of_one(photometry: Photometry, notes: Notes, unknown_passbands: UnknownPassbands) -> LightCurves:
    """Light curves of one survey."""
    if photometry.survey is None:
        raise UsageError(
            "no survey is stated",
            hint=("Say ", Arg("survey", facts.surveys()), ", or a survey's TOML file."),
        )
    return LightCurves.from_photometry(
        _measured(photometry), notes.at(""), unknown_passbands=unknown_passbands
    )


def _measured(photometry: Photometry) -> Photometry:
    """Without the rows that say only that their object exists: no time, no passband, nothing measured."""
    band = photometry.passband
    unnamed = [not name for name in band.dictionary.to_pylist()]
    if not band.null_count and not any(unnamed):
        return photometry
    blank = np.array([*unnamed, True])[np.asarray(band.indices.fill_null(-1))]
    for values in (photometry.time, photometry.flux, photometry.mag, photometry.limit):
        if values is not None:
            blank &= np.isnan(values)
    return photometry.take(np.flatnonzero(~blank)) if blank.any() else photometry


def _only(photometry: Photometry, survey: str, rows: Bools) -> Photometry:
    """The rows of one survey, and the objects that they belong to; ids keep their order."""
    part = replace(photometry.take(np.flatnonzero(rows)), survey=survey)
    present = np.zeros(len(photometry.objects), dtype=bool)
    present[np.asarray(part.object_id.indices)] = True
    return replace(part, objects=photometry.objects.filter(pa.array(present)))


def surveys_of(
    column: pa.DictionaryArray, notes: Notes, *, stated: facts.Survey | None = None
) -> tuple[list[str], Ints]:
    """Canonical names of the surveys of a column, and the position among them of each row's.

    The column may name the survey that is stated, which may be a user's own, and packaged ones.

    Raises
    ------
    DataError
        When a row names none.
    """

    def canonical(name: str) -> str:
        return stated.name if stated is not None and stated.answers_to(name) else facts.survey(name).name

    known = [canonical(name) if name else None for name in column.dictionary.to_pylist()]
    indices = np.asarray(column.indices.cast(pa.int64()).fill_null(-1))
    counts = np.bincount(indices + 1, minlength=len(known) + 1)
    used = [(known[code], int(counts[code + 1])) for code in range(len(known)) if counts[code + 1]]
    lost = int(counts[0]) + sum(count for name, count in used if name is None)
    if lost:
        raise notes.error(f"{lost:,} rows name no survey", hint="Fill the column, or drop these rows.")
    names = list(dict.fromkeys(str(name) for name, _ in used))
    place = np.array([names.index(str(name)) if name in names else -1 for name in known] or [-1])
    return names, place[indices] if len(indices) else indices


def merged(parts: Sequence[LightCurves]) -> LightCurves:
    """One `LightCurves` of parts that share objects (surveys, files); the clock of the first holds for all.

    Raises
    ------
    DataError
        When surveys know different things of one object, or two of one name have different numbers.
    """
    scales = [part.bands[0].time_scale if len(part) else None for part in parts]
    clock = next((scale for scale in scales if scale), "utc")
    days = _TAI_MINUS_UTC_DAYS * (1.0 if clock == "tai" else -1.0)
    shift = np.array([0.0 if scale in (clock, None) else days for scale in scales])
    ids = pc.unique(pa.chunked_array([one_array(part.objects.column("object_id")) for part in parts]))
    owner = np.concatenate([_places(part, ids)[part.owner] for part in parts])
    rows, bands = stacked(parts)
    rows = replace(rows, time=rows.time + np.repeat(shift, [len(part.time) for part in parts]))
    order = np.lexsort((rows.flux, rows.passband, rows.time, owner))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(ids)))])
    # What an object's flags say follows from all its rows; a row that two parts hold counts once.
    rows = in_order(take_rows(rows, order), offsets)
    return LightCurves.from_rows(rows, offsets, bands, _objects(parts, ids))


def _places(part: LightCurves, ids: pa.Array) -> Ints:
    """The place of each object among `ids`."""
    return np.asarray(pc.index_in(one_array(part.objects.column("object_id")), value_set=ids), np.int64)


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
