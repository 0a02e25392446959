"""Several files as one: lists, patterns, folders of one file an object, archives, addresses."""

from __future__ import annotations

import glob
import re
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from firstlight.errors import DataError
from firstlight.lightcurves import LightCurves
from firstlight.notes import Notes
from firstlight.readers.joining import merged
from firstlight.readers.roles import UnnamedObjectError, roles

_PATTERN = re.compile(r"[*?\[]")
_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
_PACKED = (".gz", ".bz2", ".xz", ".zst")
# What stands beside data and is none.
_BESIDE = {
    ".md",
    ".readme",
    ".list",
    ".ignore",
    ".log",
    ".pdf",
    ".png",
    ".jpg",
    ".html",
    ".toml",
    ".yaml",
    ".yml",
    ".py",
    ".sh",
}
_BESIDE_STEMS = ("readme", "license", "licence", "checksums", "md5sums", "sha256sums")
# More than this, and a hundred times what the archive takes, no light curves unpack to.
_LARGE, _RATIO = 1 << 30, 100
# So many files are put together at once, so that what each of them costs in memory is not held for all.
_TOGETHER = 256


def is_several(path: Any) -> bool:
    """Whether a path names no single file or folder of this machine."""
    if isinstance(path, (list, tuple)):
        return bool(path) and all(isinstance(one, (str, Path)) for one in path)
    if not isinstance(path, (str, Path)):
        return False
    return bool(_ADDRESS.match(str(path))) or is_pattern(path) or _is_archive(Path(path))


def is_pattern(path: str | Path) -> bool:
    """Whether a path is a pattern such as ``night*/*.csv``; a file of that very name is none."""
    return bool(_PATTERN.search(str(path))) and not Path(path).exists()


@contextmanager
def found(path: Any) -> Iterator[list[Path]]:
    """The files and folders that lists, patterns, archives and addresses name, on this machine, each once.

    Raises
    ------
    DataError
        When a pattern fits nothing, an archive is damaged or an address cannot be reached.
    """
    with ExitStack() as stack:
        places = [
            one
            for item in (path if isinstance(path, (list, tuple)) else [path])
            for one in _each(item, stack)
        ]
        yield list({place.resolve(): place for place in places}.values())


def _each(path: str | Path, stack: ExitStack) -> list[Path]:
    if _ADDRESS.match(str(path)):
        return _fetched(str(path), stack)
    if is_pattern(path):
        places = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 (absolute patterns)
        if not places:
            raise DataError("no file fits the pattern", where=str(path))
        return [one for place in places for one in _each(Path(place), stack)]
    return [_unpacked(Path(path), stack)] if _is_archive(Path(path)) else [Path(path)]


def _folder(stack: ExitStack, name: str) -> Path:
    """A new folder that is there until the light curves are read."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="firstlight-"))) / name
    folder.mkdir()
    return folder


def _fetched(address: str, stack: ExitStack) -> list[Path]:
    """Copies of the files at an address; ``file://`` is a path of this machine."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        return _each(url2pathname(parts.path), stack)
    try:
        import fsspec  # type: ignore[import-untyped]
    except ImportError:
        raise DataError(
            "addresses are read through fsspec, which is not installed",
            where=address,
            hint="Install it with: pip install fsspec (and s3fs for s3://), or copy the file here first.",
        ) from None
    try:
        system, name = fsspec.url_to_fs(address)
        names = sorted(system.glob(name)) if _PATTERN.search(name) else [name]
        if len(names) == 1 and system.isdir(names[0]):
            names = sorted(system.find(names[0]))
        folder = _folder(stack, PurePosixPath(parts.path).stem or "fetched")
        places = []
        for number, one in enumerate(names):
            place = folder / f"{number}" / PurePosixPath(one).name
            place.parent.mkdir()
            system.get_file(one, str(place))
            places.append(place)
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        raise DataError(f"cannot be reached: {error}", where=address) from error
    except Exception as error:  # each system has errors of its own
        raise DataError(f"cannot be reached: {type(error).__name__}: {error}", where=address) from error
    if not places:
        raise DataError("no file fits the pattern", where=address)
    return [one for place in places for one in _each(place, stack)]


def _is_archive(path: Path) -> bool:
    # By its name, as archives are passed on; a look inside would open every file twice.
    return path.is_file() and bool(re.search(r"\.(zip|tar|tar\.\w+|tgz|tbz2?|txz)$", path.name.lower()))


def _unpacked(path: Path, stack: ExitStack) -> Path:
    """The folder with the files of an archive, or its only file."""
    folder = _folder(stack, path.name)
    size, written = path.stat().st_size, 0
    try:
        for name, member in _members(path):
            parts = [
                part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("..", "/", ".")
            ]
            place = folder.joinpath(*(part.replace(":", "_") for part in parts))
            place.parent.mkdir(parents=True, exist_ok=True)
            with member, place.open("wb") as file:
                while block := member.read(1 << 20):
                    written += file.write(block)
                    if written > max(_LARGE, _RATIO * size):
                        raise DataError(
                            f"unpacks to more than {_RATIO} times its size",
                            where=path.name,
                            hint="Unpack it first.",
                        )
    except (
        OSError,
        EOFError,
        zipfile.BadZipFile,
        tarfile.TarError,
        RuntimeError,
        ValueError,
        NotImplementedError,
    ) as error:
        raise DataError(f"the archive cannot be read: {error}", where=path.name) from error
    inside = [one for one in folder.rglob("*") if one.is_file()]
    if any(one.name == "[Content_Types].xml" or one.suffix == ".npy" for one in inside):
        kind = (
            "a spreadsheet" if any(one.suffix == ".xml" for one in inside) else "an archive of NumPy arrays"
        )
        raise DataError(f"is {kind}", where=path.name, hint="Save the table as CSV or Parquet.")
    if not inside:
        raise DataError("the archive holds no files", where=path.name)
    kept = files_in(folder) if len(inside) > 1 else inside
    return kept[0] if len(kept) == 1 else folder


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The regular files of an archive, by name."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for one in archive.infolist():
                if not one.is_dir():
                    yield one.filename, archive.open(one)
        return
    with tarfile.open(path) as tar:
        for entry in tar:
            member = tar.extractfile(entry) if entry.isfile() else None
            if member is not None:
                yield entry.name, member


def files_in(folder: Path) -> list[Path]:
    """The files of a folder and those below that may hold light curves, in the order of their names."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not _stands_beside(path, folder)]


def _stands_beside(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    return hidden or path.suffix.lower() in _BESIDE or path.name.lower().startswith(_BESIDE_STEMS)


def object_names(paths: Sequence[Path]) -> list[str]:
    """What the one object of each file is called, where the file does not say it.

    The stem of its name, with the folder where stems repeat; or ``object_id=NAME`` anywhere in the path, as
    partitioned folders have it.
    """
    stems = [_stem(path) for path in paths]
    counts = Counter(stems)
    return [
        _partition(path) or (stem if counts[stem] == 1 else f"{path.parent.name}/{stem}")
        for path, stem in zip(paths, stems, strict=True)
    ]


def _stem(path: Path) -> str:
    name = path.name
    for suffix in _PACKED:
        name = name.removesuffix(suffix)
    return Path(name).stem


def _partition(path: Path) -> str | None:
    """The object of a partitioned folder: ``object_id=A`` anywhere in the path."""
    pairs = (part.partition("=") for part in path.parts)
    return next(
        (value for key, _, value in pairs if value and key in roles("observation")["object_id"].strong), None
    )


Read = Callable[[Path, Notes, Mapping[str, Any]], LightCurves]


def together(
    paths: Sequence[Path], read: Read, notes: Notes, *, max_rows: int | None, named: str | int | None = None
) -> Iterator[LightCurves]:
    """Light curves of many files, each read as what it is, in pieces of about `max_rows` rows or all at once.

    An object whose rows stand in several files is one object. A file that does not say which object it is
    holds the one of its name.

    Parameters
    ----------
    paths : sequence of Path
    read : callable
        Reads one file: path, notes, and what is said of the object (``object_id``).
    notes : Notes
    max_rows : int or None
    named : optional
        The name of the one object of all files, where the caller gives it.

    Raises
    ------
    DataError
        When an object of a piece that is given already stands in a later file.
    """
    held = _Held()
    counted = _Counted()
    given: set[str] = set()
    unnamed = 0
    rows = 0
    for path, name in zip(paths, object_names(paths), strict=True):
        own = Notes()
        try:
            curves = read(path, own, {} if named is None else {"object_id": named})
        except UnnamedObjectError:
            unnamed += 1
            curves = read(path, own, {"object_id": name})
        counted.count(own.lines, path.name)
        again = given.intersection(curves.objects.column("object_id").to_pylist()) if given else set()
        if again:
            raise DataError(
                f"object '{min(again)}' has rows in files far apart: also in {path.name}",
                hint="Read all files at once with read.",
            )
        held.add(curves)
        rows += len(curves.time)
        if max_rows is not None and rows >= max_rows:
            whole = held.whole(notes)
            given.update(whole.objects.column("object_id").to_pylist())
            yield whole
            held, rows = _Held(), 0
    if unnamed:
        notes.say(f"{unnamed:,} files do not name their object: it is called by the name of the file")
    counted.tell(notes)
    if held.parts or not given:
        yield held.whole(notes)


@dataclass
class _Held:
    """Light curves of files read so far, put together now and then."""

    parts: list[LightCurves] = field(default_factory=list)
    few: list[LightCurves] = field(default_factory=list)
    several: Counter[str] = field(default_factory=Counter)

    def add(self, curves: LightCurves) -> None:
        self.few.append(curves)
        if len(self.few) >= _TOGETHER:
            self._join()

    def _join(self) -> None:
        if self.few:
            self.parts.append(self._one(self.few))
            self.few = []

    def _one(self, parts: list[LightCurves]) -> LightCurves:
        ids = [name for part in parts for name in part.objects.column("object_id").to_pylist()]
        counts = Counter(ids)
        if len(counts) == len(ids):
            return parts[0] if len(parts) == 1 else LightCurves.concat(parts)
        self.several.update({name: count for name, count in counts.items() if count > 1})
        return merged(parts)

    def whole(self, notes: Notes) -> LightCurves:
        """All of them as one."""
        self._join()
        curves = self._one(self.parts)
        if self.several:
            first = min(self.several)
            notes.say(
                f"{len(self.several):,} objects have rows in several files, read together (first: '{first}')"
            )
        return curves


@dataclass
class _Counted:
    """What was noticed in many files: each kind of sentence once, with the number of files."""

    first: dict[str, str] = field(default_factory=dict)
    files: Counter[str] = field(default_factory=Counter)

    def count(self, lines: Sequence[str], name: str) -> None:
        for line in lines:
            kind = re.sub(r"[\d,.]+", "#", line.replace(name, ""))
            self.first.setdefault(kind, line)
            self.files[kind] += 1

    def tell(self, notes: Notes) -> None:
        for kind, line in self.first.items():
            more = self.files[kind] - 1
            notes.say(line if not more else f"{line} (and the like {more:,} times more)")
