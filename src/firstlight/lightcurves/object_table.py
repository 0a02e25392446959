"""The table of objects of light curves: its standard columns, sentinels turned into missing values, flags."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight._arithmetic import COLUMNS
from firstlight._types import Bools, Floats, Ints
from firstlight.errors import Arg, DataError
from firstlight.facts import bounds
from firstlight.lightcurves.clock import is_time
from firstlight.lightcurves.flags import Flag, flag_column, mark
from firstlight.notes import Notes
from firstlight.tables.columns import floats, is_text, truths
from firstlight.tables.objects import NUMBERS, match, one_array, one_row_each, with_column

_FIRST = ("object_id", "survey", "flags", "dereddened")


def clean(table: pa.Table, notes: Notes, *, time_system: str = "mjd") -> pa.Table:
    """Metadata with sentinels and impossible values as NaN, `flags` that say so, and `notes` in words."""
    flags = flag_column(table.column("flags") if "flags" in table.column_names else None, len(table))
    values = {name: floats(table.column(name), name).copy() for name in NUMBERS if name in table.column_names}

    def drop(name: str, bad: Bools, flag: Flag, why: str) -> None:
        if bad.any():
            example = f"{values[name][np.flatnonzero(bad)[0]]:g}"
            notes.say(
                f"{int(bad.sum()):,} of {len(table):,} objects: {name} {example} read as missing ({why})."
            )
            values[name][bad] = np.nan
            mark(flags, bad, flag)

    limits = bounds()
    with np.errstate(invalid="ignore"):
        for name, value in list(values.items()):
            value[np.isinf(value)] = np.nan
            if name in ("redshift", "photoz"):
                low, high = limits.redshift
                why = f"a redshift lies in {low:g}..{high:g} and is not exactly 0"
                drop(name, (value < low) | (value >= high) | (value == 0), Flag.REDSHIFT_SENTINEL, why)
            elif name == "mwebv":
                low, high = limits.mwebv
                why = f"E(B-V) lies in {low:g}..{high:g}"
                drop(name, (value < low) | (value > high), Flag.BAD_METADATA, why)
            elif name == "ra":
                drop(name, (value < -360) | (value > 360), Flag.BAD_METADATA, "degrees")
            elif name == "dec":
                drop(name, np.abs(value) > 90, Flag.BAD_METADATA, "degrees")
            elif name == "trigger_mjd":
                value[np.isin(value, limits.sentinels) | (value == 0)] = np.nan
                values[name] = _trigger(value, time_system)
                known = np.isfinite(values[name])
                drop(name, known & ~is_time(values[name], COLUMNS), Flag.BAD_METADATA, "MJD of 1900 to 2100")
        for name in ("redshift", "photoz"):
            error = values.get(f"{name}_err")
            if error is not None:
                if name in values:
                    error[np.isnan(values[name])] = np.nan
                why = f"an uncertainty lies above 0 and below {limits.error:g}"
                drop(f"{name}_err", (error <= 0) | (error > limits.error), Flag.BAD_METADATA, why)
                if name not in values:  # an uncertainty of nothing, as where the column is empty
                    error[:] = np.nan
    for name, value in values.items():
        table = with_column(table, name, pa.array(value))
    return _plain_text(with_column(table, "flags", pa.array(flags)))


def _trigger(value: Floats, time_system: str) -> Floats:
    julian = value > 2_400_000
    if julian.any() and time_system != "jd":
        raise DataError(
            f"holds {value[julian][0]:.1f}: not MJD",
            where="column 'trigger_mjd'",
            hint=("Subtract 2400000.5, or say ", Arg("time_system", "jd"), " for all times."),
        )
    return np.where(julian, value - 2_400_000.5, value)


def _plain_text(table: pa.Table) -> pa.Table:
    """Text columns as plain strings, whatever library they came from; an empty label is a missing one."""
    for name in table.column_names:
        column = table.column(name)
        if name == "label" or is_text(column.type):
            table = with_column(table, name, column.cast(pa.string()))
    if "label" not in table.column_names:
        return table
    label = table.column("label")
    empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(label), ""), False)
    return with_column(table, "label", pc.if_else(empty, pa.scalar(None, pa.string()), label))


def assemble(
    names: pa.Array,
    given: pa.Table | None,
    notes: Notes,
    *,
    survey: str,
    dereddened: bool,
    time_system: str = "mjd",
    add_unmatched: bool = True,
) -> pa.Table:
    """The `objects` table of `names`, in their order, ids that only `given` knows behind them.

    Its `flags` hold what the metadata say; the flags of observations are joined later.
    """
    if given is None:
        return standard(pa.table({"object_id": names}), survey=survey, dereddened=dereddened)
    table = one_row_each(given)
    rows, unused = match(names, table)
    every, ids = rows, names
    if add_unmatched and unused.size:
        every = np.concatenate([rows, unused])
        ids = pa.concat_arrays([names, one_array(table.column("object_id")).take(pa.array(unused))])
    joined = table.take(pa.array(every, mask=every < 0))
    for name in NUMBERS:
        if name in joined.column_names:
            joined = with_column(joined, name, pc.fill_null(joined.column(name), np.nan))
    joined = clean(with_column(joined, "object_id", ids), notes, time_system=time_system)
    _tell_mismatches(names, rows, table, unused, notes)
    return _in_standard_form(joined, survey=survey, dereddened=dereddened)


def standard(table: pa.Table, *, survey: str = "", dereddened: bool = False) -> pa.Table:
    """The table with clean numbers and the columns that always stand there, first."""
    return _in_standard_form(clean(table, Notes()), survey=survey, dereddened=dereddened)


def _in_standard_form(table: pa.Table, *, survey: str, dereddened: bool) -> pa.Table:
    names = table.column_names
    column = pa.array([survey] * len(table), pa.string())
    if "survey" in names and is_text(table.column("survey").type):
        column = pc.fill_null(table.column("survey").cast(pa.string()), survey)
    table = with_column(table, "survey", column)
    corrected = np.full(len(table), dereddened)
    if "dereddened" in names:
        value, known = truths(table.column("dereddened"), "dereddened")
        corrected = np.where(known, value, dereddened)
    table = with_column(table, "dereddened", pa.array(corrected))
    return table.select([*_FIRST, *(name for name in table.column_names if name not in _FIRST)])


def _tell_mismatches(names: pa.Array, rows: Ints, table: pa.Table, unused: Ints, notes: Notes) -> None:
    lost = np.flatnonzero(rows < 0)
    if lost.size:
        example = names[int(lost[0])].as_py()
        notes.say(f"{lost.size:,} objects have observations and no metadata (e.g. '{example}').")
    if unused.size:
        example = table.column("object_id")[int(unused[0])].as_py()
        notes.say(f"{unused.size:,} objects have metadata and no observations (e.g. '{example}').")
