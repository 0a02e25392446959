"""Large tables in pieces of whole objects, also where the rows of an object are scattered."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firstlight.errors import DataError, UsageError
from firstlight.readers import cells
from firstlight.readers.nested import is_nested
from firstlight.readers.objects import Objects, join, select
from firstlight.readers.photometry import Photometry
from firstlight.readers.source import Source
from firstlight.readers.table import Options, Plan, from_nested, plan


@dataclass(frozen=True)
class Layout:
    """Which piece each object belongs to.

    Attributes
    ----------
    index : dict
        Position of each id in order of first appearance.
    piece : int64 array
        Piece of each object, ascending.
    starts : int64 array
        Row where each piece begins, if the rows of every object stand together.
    contiguous : bool
        Whether they do.
    """

    index: dict[str, int]
    piece: NDArray[np.int64]
    starts: NDArray[np.int64]
    contiguous: bool

    @property
    def pieces(self) -> int:
        """How many pieces there are."""
        return int(self.piece[-1]) + 1 if len(self.piece) else 0


def photometry_batches(
    source: Source,
    options: Options,
    *,
    max_rows: int,
    objects: Objects | None,
    object_names: tuple[str, ...],
    report: list[str],
) -> Iterator[Photometry]:
    """Photometry of whole objects, about `max_rows` rows at a time.

    Parameters
    ----------
    source, options, object_names, report
        As for `table.plan`.
    max_rows : int
    objects : Objects or None
        Metadata of the second table.
    """
    if max_rows < 1:
        raise UsageError(f"max_rows is {max_rows}", hint="Give at least 1.")
    if is_nested(source.schema, chosen=options.columns or {}, where=source.where):
        pieces = _nested(source, options, max_rows=max_rows, object_names=object_names, report=report)
    else:
        settled = plan(source, options, object_names=object_names, report=report)
        pieces = _long(settled, max_rows=max_rows, report=report)
    yield from _with_metadata(pieces, objects, source.where, report)


def _with_metadata(
    pieces: Iterator[Photometry], objects: Objects | None, where: str, report: list[str]
) -> Iterator[Photometry]:
    """The pieces with the metadata of the second table; at the end the objects that only it knows."""
    if objects is None:
        yield from pieces
        return
    met = np.zeros(len(objects.ids), dtype=bool)
    unknown: list[str] = []
    missing = 0
    last: Photometry | None = None
    for photometry in pieces:
        ids = photometry.objects.ids
        at = pc.index_in(ids, value_set=objects.ids)
        met[np.asarray(pc.drop_null(at).to_numpy(zero_copy_only=False), dtype=np.int64)] = True
        missing += at.null_count
        unknown += ids.filter(pc.is_null(at)).slice(0, 3).to_pylist()[: 3 - len(unknown)]
        last = photometry
        yield replace(photometry, objects=join(photometry.objects, select(objects, ids), report=[]))
    if missing:
        report.append(f"{missing:,} ids in {where} are not in {objects.where} (first: {', '.join(unknown)})")
    rest = objects.ids.filter(pa.array(~met))
    if len(rest) and last is not None:
        first = ", ".join(rest.slice(0, 3).to_pylist())
        report.append(
            f"{len(rest):,} ids in {objects.where} have no photometry in {where}: "
            f"kept as objects without data (first: {first})"
        )
        none = last.take(np.zeros(0, dtype=np.int64))
        yield replace(none, objects=select(objects, rest))


def _nested(
    source: Source, options: Options, *, max_rows: int, object_names: tuple[str, ...], report: list[str]
) -> Iterator[Photometry]:
    """Pieces of a nested table; an id that comes again in a later piece is refused."""
    wanted = dict.fromkeys(source.schema.names, "any")
    seen: set[str] = set()
    held: list[pa.RecordBatch] = []
    size, given = 0, False
    # Bytes stand for rows here: an observation takes about 40 bytes in its lists.
    limit = 40 * max_rows
    for batch in source.batches(wanted, report):  # type: ignore[arg-type]
        for start in range(0, max(batch.num_rows, 1), 1000):
            part = batch.slice(start, 1000)
            held.append(part)
            size += part.get_total_buffer_size() * part.num_rows // max(batch.num_rows, 1)
            if size >= limit:
                yield _nested_piece(held, source, options, seen, object_names, report)
                held, size, given = [], 0, True
    if held or not given:
        yield _nested_piece(held, source, options, seen, object_names, report)


def _nested_piece(
    held: list[pa.RecordBatch],
    source: Source,
    options: Options,
    seen: set[str],
    object_names: tuple[str, ...],
    report: list[str],
) -> Photometry:
    table = pa.Table.from_batches(held, schema=source.schema if not held else None)
    photometry = from_nested(table, options, where=source.where, object_names=object_names, report=report)
    names = photometry.objects.ids.to_pylist()
    again = seen.intersection(names)
    if again:
        raise DataError(
            f"object '{min(again)}' has rows far apart in a nested table",
            where=source.where,
            hint="Read it at once with read_table.",
        )
    seen.update(names)
    return photometry


def _long(settled: Plan, *, max_rows: int, report: list[str]) -> Iterator[Photometry]:
    layout = find_layout(settled.source, settled.observed["object_id"], max_rows)
    if layout.pieces == 0:
        yield settled.photometry(settled.source.read(settled.wanted, report), report)
    elif layout.contiguous:
        yield from _streamed(settled, layout, report)
    else:
        yield from _spilled(settled, layout, max_rows, report)


def find_layout(source: Source, id_name: str, max_rows: int) -> Layout:
    """Where objects begin, from their ids alone.

    Parameters
    ----------
    source : Source
    id_name : str
        The column of object ids.
    max_rows : int
        Rows of a piece.
    """
    index: dict[str, int] = {}
    counts: list[NDArray[np.int64]] = []
    firsts: list[NDArray[np.int64]] = []
    contiguous, last, row = True, -1, 0
    for table in _gathered(source.batches({id_name: "text"}, []), max_rows):
        codes, names = cells.identities(table.column(0), name=id_name, where=source.where)
        known = len(index)
        place = np.array([index.setdefault(name, len(index)) for name in names.to_pylist()] or [-1])
        rows = place[codes] if len(codes) else codes
        rows = np.where(codes < 0, -1, rows)
        change = np.flatnonzero(np.diff(rows, prepend=last))
        runs = rows[change]
        # Each run must bring an id never met before, and missing ids break the count of rows.
        contiguous &= bool((runs == known + np.arange(len(runs))).all())
        new = len(index) - known
        first = np.full(new, -1, dtype=np.int64)
        fresh = np.flatnonzero(rows >= known)[::-1]
        first[rows[fresh] - known] = fresh + row
        firsts.append(first)
        counts.append(np.bincount(rows[rows >= 0], minlength=len(index)))
        row += len(rows)
        last = int(rows[-1]) if len(rows) else last
        if len(counts) > 64:
            counts = [_added(counts, len(index))]
    total = _added(counts, len(index))
    before = np.cumsum(total) - total
    piece = np.unique(before // max_rows, return_inverse=True)[1].astype(np.int64)
    heads = np.flatnonzero(np.diff(piece, prepend=-1))
    starts = np.concatenate(firsts)[heads] if len(heads) else np.zeros(0, dtype=np.int64)
    return Layout(index, piece, starts, contiguous)


def _added(counts: list[NDArray[np.int64]], n: int) -> NDArray[np.int64]:
    total = np.zeros(n, dtype=np.int64)
    for part in counts:
        total[: len(part)] += part
    return total


def _streamed(settled: Plan, layout: Layout, report: list[str]) -> Iterator[Photometry]:
    """Pieces of a table whose objects stand together: cut where the layout says."""
    cuts = [*layout.starts[1:].tolist(), None]
    held: list[pa.RecordBatch] = []
    row = 0
    for batch in settled.source.batches(settled.wanted, report):
        while cuts[0] is not None and row + batch.num_rows >= cuts[0]:
            head = cuts[0] - row
            held.append(batch.slice(0, head))
            yield _piece(settled, _table(held), layout.pieces - len(cuts), layout.pieces, report)
            held, batch, row = [], batch.slice(head), cuts[0]
            cuts.pop(0)
        held.append(batch)
        row += batch.num_rows
    yield _piece(settled, _table(held), layout.pieces - 1, layout.pieces, report)


def _table(batches: list[pa.RecordBatch]) -> pa.Table:
    """Batches as one table; a column that is text in one of them is text in all."""
    if len({tuple(batch.schema.types) for batch in batches}) > 1:
        tables = [pa.Table.from_batches([batch]) for batch in batches]
        names = batches[0].schema.names
        fields = []
        for name in names:
            types = {table.schema.field(name).type for table in tables}
            fields.append(pa.field(name, types.pop() if len(types) == 1 else pa.string()))
        return pa.concat_tables([table.cast(pa.schema(fields)) for table in tables])
    return pa.Table.from_batches(batches)


def _spilled(settled: Plan, layout: Layout, max_rows: int, report: list[str]) -> Iterator[Photometry]:
    """Pieces of a table whose objects' rows are scattered: sorted into pieces in a temporary Arrow file."""
    id_name = settled.observed["object_id"]
    with tempfile.TemporaryDirectory(prefix="firstlight-") as folder:
        path = Path(folder) / "pieces.arrow"
        slices: list[list[int]] = [[] for _ in range(layout.pieces)]
        writer: pa.RecordBatchFileWriter | None = None
        written = lost = 0
        for table in _gathered(map(_plain, settled.source.batches(settled.wanted, report)), max_rows):
            table = _typed(table, settled, report)
            codes, names = cells.identities(table.column(id_name), name=id_name, where=settled.source.where)
            place = np.array([layout.index[name] for name in names.to_pylist()] or [0])
            piece = np.where(codes < 0, -1, layout.piece[place][codes] if len(codes) else codes)
            order = np.argsort(piece, kind="stable")
            edges = np.searchsorted(piece[order], np.arange(layout.pieces + 1))
            lost += int(edges[0])
            writer = writer or pa.ipc.new_file(str(path), table.schema)
            for number in np.flatnonzero(np.diff(edges)).tolist():
                rows = pa.array(order[edges[number] : edges[number + 1]])
                batch = table.take(rows).combine_chunks().to_batches()[0]
                writer.write_batch(batch)
                slices[number].append(written)
                written += 1
        if lost:
            report.append(f"{settled.source.where}: {lost:,} rows without object id left out")
        if writer is None:
            return
        writer.close()
        with pa.OSFile(str(path)) as file:
            reader = pa.ipc.open_file(file)
            for number, parts in enumerate(slices):
                table = pa.Table.from_batches([reader.get_batch(part) for part in parts])
                yield _piece(settled, table, number, layout.pieces, report)


def _typed(table: pa.Table, settled: Plan, report: list[str]) -> pa.Table:
    """A table whose numbers are numbers, also where a later block of a text file came as text."""
    for name, kind in settled.wanted.items():
        if kind == "number" and pa.types.is_string(table.schema.field(name).type):
            values = cells.numbers(table.column(name), name=name, where=settled.source.where, report=report)
            table = table.set_column(table.column_names.index(name), name, pa.array(values))
    return table


def _piece(settled: Plan, table: pa.Table, number: int, pieces: int, report: list[str]) -> Photometry:
    """One piece; what is noticed in it says which of several, because its rows are counted anew."""
    notes: list[str] = []
    photometry = settled.photometry(table, notes)
    report += [f"piece {number + 1}: {note}" for note in notes] if pieces > 1 else notes
    return photometry


def _gathered(batches: Iterable[pa.RecordBatch], max_rows: int) -> Iterator[pa.Table]:
    """Batches put together to about `max_rows` rows."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(part.num_rows for part in held) >= max_rows:
            yield _table(held)
            held = []
    if held:
        yield _table(held)


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch without dictionaries: an Arrow file holds one dictionary a column, not one a batch."""
    arrays = [
        array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array
        for array in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
