"""Light curves that firstlight wrote itself (`LightCurves.to_arrow`): read back as they were."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from firstlight import facts
from firstlight.errors import Arg
from firstlight.lightcurves import LightCurves
from firstlight.notes import Notes
from firstlight.readers.long_tables import Options, no_label
from firstlight.readers.roles import listed
from firstlight.readers.table_files import Source
from firstlight.tables.objects import Objects, one_array

_MARK = b"firstlight.passbands"
_NESTED = "lightcurve"


def is_written(schema: pa.Schema) -> bool:
    """Whether a table was made by `LightCurves.to_arrow`: units, passbands and surveys stand in it."""
    return _MARK in (schema.metadata or {}) and _NESTED in schema.names


def written_batches(
    source: Source, options: Options, notes: Notes, *, max_rows: int | None, objects: Objects | None
) -> Iterator[LightCurves]:
    """The light curves of such a table, about `max_rows` observations at a time, or all at once with None.

    Parameters
    ----------
    source, options, notes
        As for `long_tables.plan`. What the options say must agree with the table.
    max_rows : int or None
    objects : Objects or None
        Metadata of a second table; objects that only it knows are reported and left out.

    Raises
    ------
    DataError
        When an option contradicts the table.
    """
    notes = notes.at(source.where)
    _check(source, options, notes)
    held: list[pa.RecordBatch] = []
    rows, given = 0, False
    for batch in source.batches(dict.fromkeys(source.schema.names, "any"), notes):
        for start in range(0, batch.num_rows, 1000):
            part = batch.slice(start, 1000)
            held.append(part)
            rows += int(pc.sum(pc.list_value_length(part.column(_NESTED))).as_py() or 0)
            if max_rows is not None and rows >= max_rows:
                yield _curves(held, source, options, objects, notes)
                held, rows, given = [], 0, True
    if held or not given:
        yield _curves(held, source, options, objects, notes)


def _check(source: Source, options: Options, notes: Notes) -> None:
    njy = facts.zero_point("nJy")
    unit, point = options.flux_unit, options.zero_point
    stated = {
        Arg("flux_unit", unit): unit is not None and facts.zero_point(unit) != njy,
        Arg("zero_point", point): point not in (None, njy),
        Arg("time_format", options.time_format): options.time_format == "jd",
    }
    for option, wrong in stated.items():
        if wrong:
            raise notes.error(
                ("was written by firstlight in nJy and MJD, ", option, " says otherwise"),
                hint="Leave the option out.",
            )
    if options.label is not None and options.label not in source.schema.names:
        raise no_label(options.label, source.schema.names, notes)


def _curves(
    held: list[pa.RecordBatch], source: Source, options: Options, objects: Objects | None, notes: Notes
) -> LightCurves:
    table = pa.Table.from_batches(held, schema=source.schema).replace_schema_metadata(source.schema.metadata)
    if options.label is not None and options.label != "label":
        if "label" in table.column_names:
            table = table.drop_columns(["label"])
        table = table.append_column("label", table.column(options.label).cast(pa.string()))
    curves = LightCurves.from_arrow(table)
    if options.survey is not None and len(curves):
        name = facts.survey(options.survey).name
        found = sorted(set(curves.objects.column("survey").to_pylist()))
        if found != [name]:
            raise notes.error((f"holds {listed(found)}, but ", Arg("survey", name), " is given"))
    if objects is not None:
        ids = one_array(curves.objects.column("object_id"))
        curves = curves.with_objects(objects.select(ids), report=notes.lines)
    return curves
