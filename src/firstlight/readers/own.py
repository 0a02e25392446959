"""Light curves that firstlight wrote itself (`LightCurves.to_arrow`): read back as they were."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from firstlight import facts
from firstlight.errors import DataError
from firstlight.lightcurves import LightCurves
from firstlight.readers.columns import listed
from firstlight.readers.objects import Objects, select
from firstlight.readers.photometry import NJY
from firstlight.readers.source import Source
from firstlight.readers.table import Options

_MARK = b"firstlight.passbands"
_NESTED = "lightcurve"


def is_own(schema: pa.Schema) -> bool:
    """Whether a table was made by `LightCurves.to_arrow`: units, passbands and surveys stand in it."""
    return _MARK in (schema.metadata or {}) and _NESTED in schema.names


def own_batches(
    source: Source, options: Options, *, max_rows: int | None, objects: Objects | None, report: list[str]
) -> Iterator[LightCurves]:
    """The light curves of such a table, about `max_rows` observations at a time, or all at once with None.

    Parameters
    ----------
    source, options, report
        As for `table.plan`. What the options say must agree with the table.
    max_rows : int or None
    objects : Objects or None
        Metadata of a second table; objects that only it knows are reported and left out.

    Raises
    ------
    DataError
        When an option contradicts the table.
    """
    _check(source, options)
    held: list[pa.RecordBatch] = []
    rows, given = 0, False
    for batch in source.batches(dict.fromkeys(source.schema.names, "any"), report):
        for start in range(0, batch.num_rows, 1000):
            part = batch.slice(start, 1000)
            held.append(part)
            rows += int(pc.sum(pc.list_value_length(part.column(_NESTED))).as_py() or 0)
            if max_rows is not None and rows >= max_rows:
                yield _curves(held, source, options, objects, report)
                held, rows, given = [], 0, True
    if held or not given:
        yield _curves(held, source, options, objects, report)


def _check(source: Source, options: Options) -> None:
    stated = {
        "--flux-unit": options.flux_unit is not None and facts.zero_point(options.flux_unit) != NJY,
        "--zero-point": options.zero_point not in (None, NJY),
        "--time-format": options.time_format == "jd",
    }
    for option, wrong in stated.items():
        if wrong:
            raise DataError(
                f"was written by firstlight in nJy and MJD, {option} says otherwise",
                where=source.where,
                hint="Leave the option out.",
            )
    if options.label is not None and options.label not in source.schema.names:
        raise DataError(
            f"no label column '{options.label}'. Found: {listed(source.schema.names)}", where=source.where
        )


def _curves(
    held: list[pa.RecordBatch], source: Source, options: Options, objects: Objects | None, report: list[str]
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
            raise DataError(f"holds {listed(found)}, but --survey {name} is given", where=source.where)
    if objects is not None:
        ids = curves.objects.column("object_id").combine_chunks()
        curves = curves.with_objects(select(objects, ids).table(), report=report)
    return curves
