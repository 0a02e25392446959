"""From photometry to light curves: rows of one survey, or of several that saw the same objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight import facts
from firstlight._types import Bools, Ints
from firstlight.errors import Arg, DataError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.lightcurves.columnar import stacked
from firstlight.lightcurves.from_columns import UnknownPassbands
from firstlight.lightcurves.photometry import Photometry
from firstlight.lightcurves.rows import take_rows
from firstlight.notes import Notes
from firstlight.tables.objects import one_array

# TAI - UTC since 2017-01-01 (IERS Bulletin C 52); before that at most one second less per 1.5 years.
_TAI_MINUS_UTC_DAYS = 37.0 / 86_400.0


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
    return LightCurves.from_photometry(photometry, notes.at(""), unknown_passbands=unknown_passbands)


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
    """One `LightCurves` of parts of different surveys; the clock of the first part holds for all.

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
    # What an object's flags say follows from all its rows.
    return LightCurves.from_rows(take_rows(rows, order), offsets, bands, _objects(parts, ids))


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
