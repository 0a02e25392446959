"""Where tables go: the file that is named, or standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from firstlight.tables.writing import WriteTable

STDOUT = "-"


def checked(out: str, *, inputs: Sequence[str] = ()) -> None:
    """Refuse an output that cannot be written, before any work is done."""
    from firstlight.tables.writing import refuse_output

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
    from firstlight.tables.writing import table_writer

    with sink(out) as target, table_writer(target) as write:
        yield write
