"""Files that are no light curves firstlight reads, known by their first bytes: named, with the way out."""

from __future__ import annotations

import re

from firstlight.errors import DataError
from firstlight.readers.content import Content

_TABLE = "Save the table as CSV or Parquet."
_UNPACK = "Unpack it first."
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"Obj\x01",
        "a file of Avro packets",
        "Write the records as JSON, one object a line, e.g. with fastavro.",
    ),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _TABLE),
    (b"\x93NUMPY", "a NumPy array", _TABLE),
    (b"SQLite format 3\x00", "an SQLite database", _TABLE),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet", _TABLE),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "Unpack it, or give it to read."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", _UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (b"Rar!", "a rar archive", _UNPACK),
    (b"%PDF", "a PDF document", _TABLE),
    (b"\x89PNG", "a picture", _TABLE),
    (b"\xff\xfe", "text in UTF-16", "Convert it: iconv -f utf-16 -t utf-8."),
    (b"\xfe\xff", "text in UTF-16", "Convert it: iconv -f utf-16 -t utf-8."),
)
_PAGE = re.compile(rb"^\s*(<\?xml[^>]*>\s*)?(<!doctype html|<html)", re.IGNORECASE)
_TITLE = re.compile(rb"<title>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def refuse_foreign(content: Content) -> None:
    """Raise for what is none of the formats that are read, in words of what it is.

    Raises
    ------
    DataError
    """
    start = content.head
    for mark, kind, hint in _KINDS:
        if start.startswith(mark):
            raise DataError(f"is {kind}", where=content.name, hint=hint)
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        hint = "Load it where you trust it and save the table as CSV or Parquet."
        raise DataError(
            "is a Python pickle, which may run code when it is read", where=content.name, hint=hint
        )
    if start[:3] == b"\x00\x00\x00" and 700 <= int.from_bytes(start[1:5], "big") < 10_000:
        raise DataError(
            f"is an alert as Kafka carries it (schema {int.from_bytes(start[1:5], 'big')})",
            where=content.name,
            hint="Decode it with its schema and write it as JSON.",
        )
    if _PAGE.match(start):
        title = _TITLE.search(start)
        said = f": '{title.group(1).decode('utf-8', 'replace').strip()[:60]}'" if title else ""
        hint = "The server answered with a page instead of the data; download it again."
        raise DataError(f"is a web page{said}", where=content.name, hint=hint)
