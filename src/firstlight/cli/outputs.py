"""Where tables go: the file that is named, or standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from firstlight.tables.writing import WriteTable, refuse_output, table_writer

STDOUT = "-"


def checked(out: str, *, inputs: tuple[str, ...] = ()) -> None:
    """Refuse an output that cannot be written, before any work is done."""
    if out != STDOUT:
        refuse_output(out, inputs=[one for one in inputs if one != STDOUT])


@contextmanager
def sink(out: str) -> Iterator[str | IO[bytes]]:
    """What a function of Python writes to: the file, or the bytes of standard output."""
    yield out if out != STDOUT else sys.stdout.buffer
    if out == STDOUT:
        sys.stdout.buffer.flush()


@contextmanager
def table_output(out: str) -> Iterator[WriteTable]:
    """Write tables to what was typed behind ``--out``, batch by batch."""
    with sink(out) as target, table_writer(target) as write:
        yield write
