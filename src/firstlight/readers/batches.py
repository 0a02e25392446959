"""Large tables in pieces of whole objects, also where the rows of an object are scattered."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight._types import Ints
from firstlight.errors import UsageError, spelled
from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers.long_tables import Options, Plan, plan
from firstlight.readers.nested_tables import from_nested, is_nested
from firstlight.readers.table_files import Source
from firstlight.tables.columns import numbers
from firstlight.tables.frames import one_table
from firstlight.tables.identifiers import identities
from firstlight.tables.objects import Objects, join, one_array, with_column


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
    piece: Ints
    starts: Ints
    contiguous: bool

    @property
    def pieces(self) -> int:
        """How many pieces there are."""
        return int(self.piece[-1]) + 1 if len(self.piece) else 0


def photometry_batches(
    source: Source, options: Options, notes: Notes, *, max_rows: int, objects: Objects | None
) -> Iterator[Photometry]:
    """Photometry of whole objects, about `max_rows` rows at a time.

    Parameters
    ----------
    source, options, notes
        As for `long_tables.plan`.
    max_rows : int
    objects : Objects or None
        Metadata of the second table.
    """
    if max_rows < 1:
        raise UsageError(f"max_rows is {max_rows}", hint="Give at least 1.")
    notes, names = notes.at(source.where), () if objects is None else objects.columns
    if is_nested(source.schema, notes, chosen=options.columns or {}):
        pieces = _nested(source, options, notes, max_rows=max_rows, object_names=names)
    else:
        pieces = _long(plan(source, options, notes, object_names=names), notes, max_rows=max_rows)
    yield from pieces if objects is None else _with_metadata(pieces, objects, notes)


def _with_metadata(pieces: Iterator[Photometry], objects: Objects, notes: Notes) -> Iterator[Photometry]:
    """The pieces with the metadata of the second table; at the end the objects that only it knows."""
    met = np.zeros(len(objects.ids), dtype=bool)
    unknown: list[str] = []
    missing = 0
    last: Photometry | None = None
    for photometry in pieces:
        ids = one_array(photometry.objects.column("object_id"))
        at = pc.index_in(ids, value_set=objects.ids)
        met[np.asarray(pc.drop_null(at).to_numpy(zero_copy_only=False), dtype=np.int64)] = True
        missing += at.null_count
        unknown += ids.filter(pc.is_null(at)).slice(0, 3).to_pylist()[: 3 - len(unknown)]
        last = photometry
        part = Objects(objects.select(ids), objects.where)
        yield replace(photometry, objects=join(photometry.objects, part, Notes(notes.where)))
    if missing:
        first = ", ".join(unknown)
        notes.say(f"{missing:,} ids in {notes.where} are not in {objects.where} (first: {first})")
    rest = objects.ids.filter(pa.array(~met))
    if len(rest) and last is not None:
        first = ", ".join(rest.slice(0, 3).to_pylist())
        notes.say(
            f"{len(rest):,} ids in {objects.where} have no photometry in {notes.where}: "
            f"kept as objects without data (first: {first})"
        )
        none = last.take(np.zeros(0, dtype=np.int64))
        yield replace(none, objects=objects.select(rest))


def _nested(
    source: Source, options: Options, notes: Notes, *, max_rows: int, object_names: tuple[str, ...]
) -> Iterator[Photometry]:
    """Pieces of a nested table; an id that comes again in a later piece is refused."""
    wanted = dict.fromkeys(source.schema.names, "any")
    seen: set[str] = set()
    held: list[pa.RecordBatch] = []
    size, given = 0, False
    # Bytes stand for rows here: an observation takes about 40 bytes in its lists.
    limit = 40 * max_rows
    for batch in source.batches(wanted, notes):  # type: ignore[arg-type]
        for start in range(0, max(batch.num_rows, 1), 1000):
            part = batch.slice(start, 1000)
            held.append(part)
            size += part.get_total_buffer_size() * part.num_rows // max(batch.num_rows, 1)
            if size >= limit:
                yield _nested_piece(held, source, options, seen, object_names, notes)
                held, size, given = [], 0, True
    if held or not given:
        yield _nested_piece(held, source, options, seen, object_names, notes)


def _nested_piece(
    held: list[pa.RecordBatch],
    source: Source,
    options: Options,
    seen: set[str],
    object_names: tuple[str, ...],
    notes: Notes,
) -> Photometry:
    table = pa.Table.from_batches(held, schema=source.schema if not held else None)
    photometry = from_nested(table, options, notes, object_names=object_names)
    names = photometry.objects.column("object_id").to_pylist()
    again = seen.intersection(names)
    if again:
        raise notes.error(
            f"object '{min(again)}' has rows far apart in a nested table",
            hint="Read it at once with read_table.",
        )
    seen.update(names)
    return photometry


def _long(settled: Plan, notes: Notes, *, max_rows: int) -> Iterator[Photometry]:
    layout = find_layout(settled.source, settled.observed["object_id"], max_rows)
    if layout.pieces == 0:
        yield settled.photometry(settled.source.read(settled.wanted, notes), notes)
    elif layout.contiguous:
        yield from _streamed(settled, layout, notes)
    else:
        yield from _spilled(settled, layout, max_rows, notes)


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
    counts: list[Ints] = []
    firsts: list[Ints] = []
    contiguous, last, row = True, -1, 0
    for table in _gathered(source.batches({id_name: "id"}, Notes()), max_rows):
        codes, names = identities(table.column(0), id_name, Notes(source.where))
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


def _added(counts: list[Ints], n: int) -> Ints:
    total = np.zeros(n, dtype=np.int64)
    for part in counts:
        total[: len(part)] += part
    return total


def _streamed(settled: Plan, layout: Layout, notes: Notes) -> Iterator[Photometry]:
    """Pieces of a table whose objects stand together: cut where the layout says."""
    cuts = [*layout.starts[1:].tolist(), None]
    held: list[pa.RecordBatch] = []
    row = 0
    for batch in settled.source.batches(settled.wanted, notes):
        while cuts[0] is not None and row + batch.num_rows >= cuts[0]:
            head = cuts[0] - row
            held.append(batch.slice(0, head))
            yield _piece(settled, one_table(held), layout.pieces - len(cuts), layout.pieces, notes)
            held, batch, row = [], batch.slice(head), cuts[0]
            cuts.pop(0)
        held.append(batch)
        row += batch.num_rows
    yield _piece(settled, one_table(held), layout.pieces - 1, layout.pieces, notes)


def _spilled(settled: Plan, layout: Layout, max_rows: int, notes: Notes) -> Iterator[Photometry]:
    """Pieces of a table whose objects' rows are scattered: sorted into pieces in a temporary Arrow file."""
    id_name = settled.observed["object_id"]
    with tempfile.TemporaryDirectory(prefix="firstlight-") as folder:
        path = Path(folder) / "pieces.arrow"
        slices: list[list[int]] = [[] for _ in range(layout.pieces)]
        writer: pa.RecordBatchFileWriter | None = None
        written = lost = 0
        for table in _gathered(map(_plain, settled.source.batches(settled.wanted, notes)), max_rows):
            table = _typed(table, settled, notes)
            codes, names = identities(table.column(id_name), id_name, notes)
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
            notes.add(f"{lost:,} rows without object id left out")
        if writer is None:
            return
        writer.close()
        with pa.OSFile(str(path)) as file:
            reader = pa.ipc.open_file(file)
            for number, parts in enumerate(slices):
                table = pa.Table.from_batches([reader.get_batch(part) for part in parts])
                yield _piece(settled, table, number, layout.pieces, notes)


def _typed(table: pa.Table, settled: Plan, notes: Notes) -> pa.Table:
    """A table whose numbers are numbers, also where a later block of a text file came as text."""
    for name, kind in settled.wanted.items():
        if kind == "number" and pa.types.is_string(table.schema.field(name).type):
            table = with_column(table, name, pa.array(numbers(table.column(name), name, notes)))
    return table


def _piece(settled: Plan, table: pa.Table, number: int, pieces: int, notes: Notes) -> Photometry:
    """One piece; what is noticed in it says which of several, because its rows are counted anew."""
    own = Notes(notes.where)
    photometry = settled.photometry(table, own)
    for line in own.lines:
        notes.say(f"piece {number + 1}: {spelled(line)}" if pieces > 1 else line)
    return photometry


def _gathered(batches: Iterable[pa.RecordBatch], max_rows: int) -> Iterator[pa.Table]:
    """Batches put together to about `max_rows` rows."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= max_rows:
            yield one_table(held)
            held, rows = [], 0
    if held:
        yield one_table(held)


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch without dictionaries: an Arrow file holds one dictionary a column, not one a batch."""
    arrays = [
        array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array
        for array in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)
