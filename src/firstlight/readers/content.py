"""A file that is looked at and read: opened once, unpacked where it is gzip, its text always UTF-8."""

from __future__ import annotations

import bz2
import codecs
import gzip
import json
import lzma
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from firstlight.errors import DataError

HEAD = 1 << 16
_BLOCK = 1 << 23
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)
_PACKED = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}


class Content:
    """What stands in a file; opened when first asked, and closed at the end of ``with``.

    Whoever looks at the beginning, reads it whole or streams it through, does so over one open file.

    Attributes
    ----------
    path : Path
        The file; a folder has no content, but may be handed on.
    name : str
        Its name: where errors are.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = self.path.name
        if not self.path.exists():
            raise DataError("no such file", where=str(path))
        self._open = ExitStack()

    def __enter__(self) -> Content:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def _file(self) -> IO[bytes]:
        if self.path.stat().st_size == 0:
            raise DataError("the file is empty (0 bytes)", where=self.name)
        file: Any = self._open.enter_context(self.path.open("rb"))
        start = file.read(6)
        file.seek(0)
        unpack: Any = next((reader for mark, reader in _PACKED.items() if start.startswith(mark)), None)
        return self._open.enter_context(unpack(file)) if unpack else file

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB.

        Raises
        ------
        DataError
            When the file is empty or its compressed data are damaged.
        """
        try:
            self._file.seek(0)
            return self._file.read(HEAD)
        except _BROKEN as error:
            raise self.unreadable(error) from error

    def whole(self) -> bytes:
        """All bytes; errors as for `head`."""
        if len(self.head) < HEAD:
            return self.head
        try:
            self._file.seek(0)
            return self._file.read()
        except _BROKEN as error:
            raise self.unreadable(error) from error

    def text(self) -> str:
        """All of it as text, with a mark for each byte that is none."""
        return self.whole().decode("utf-8", "replace")

    def blocks(self) -> Iterator[bytes]:
        """The text from its beginning as UTF-8, some megabytes at a time; an empty block is the end.

        A byte that is no text becomes a mark, so that a damaged cell costs one row.
        """
        decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        place, raw = 0, b" "
        while raw:
            self._file.seek(place)
            raw = self._file.read(_BLOCK)
            place += len(raw)
            yield decoder.decode(raw, not raw).encode()

    @property
    def is_json(self) -> bool:
        """Whether it begins as JSON does."""
        return self.head.lstrip()[:1] in (b"{", b"[")

    @property
    def is_json_lines(self) -> bool:
        """Whether it holds one JSON object a line, at least two of them."""
        first, _, rest = self.head.lstrip().partition(b"\n")
        return first.startswith(b"{") and first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")

    @property
    def first_line(self) -> Any:
        """What the first line of JSON lines says; None where it is damaged."""
        try:
            return json.loads(self.head.lstrip().partition(b"\n")[0])
        except ValueError:
            return None

    @cached_property
    def json(self) -> Any:
        """What the JSON says, without the envelope of a server (``status`` and ``data``); lines as a list.

        Bare NaN is understood, integers keep all digits.

        Raises
        ------
        DataError
            When the file is empty, truncated or no JSON.
        """
        data = self.whole()
        if not data.strip():
            raise DataError("the file is empty", where=self.name)
        try:
            if self.is_json_lines:
                return [json.loads(line) for line in data.splitlines() if line.strip()]
            said = json.loads(data)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"is not complete JSON: {error}", where=self.name) from error
        if not isinstance(said, dict) or not {"status", "data"} <= said.keys():
            return said
        if not isinstance(said["data"], (dict, list)):
            words = ": ".join(str(said[key]) for key in ("status", "message") if said.get(key))
            raise DataError(f"is the answer of a server without data ({words})", where=self.name)
        return said["data"]

    def unreadable(self, error: Exception) -> DataError:
        """What an error of reading means."""
        text = str(error)
        if isinstance(error, EOFError) or "end-of-stream" in text:
            return DataError("the file is truncated: its compressed data end too early", where=self.name)
        if isinstance(error, (zlib.error, lzma.LZMAError, gzip.BadGzipFile)):
            return DataError(f"the file is damaged: {error}", where=self.name)
        if "UTF8" in text or "utf-8" in text.lower():
            return DataError(
                "is not UTF-8 text", where=self.name, hint="Convert it, e.g. with iconv -t utf-8."
            )
        first = (text.splitlines() or [type(error).__name__])[0]
        return DataError(f"cannot be read as delimited text: {first}", where=self.name)
