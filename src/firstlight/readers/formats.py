"""`read` and `read_batches`: which format a file is in, and the reader that knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from firstlight import facts
from firstlight.errors import Arg, DataError, UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.lightcurves.from_columns import UnknownPassbands
from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers import alert_objects, brokers, forced_photometry, known_tables, snana_fits
from firstlight.readers.content import Content
from firstlight.readers.generic import batches_of
from firstlight.readers.joining import light_curves, read_objects, with_objects
from firstlight.readers.long_tables import Options
from firstlight.readers.many_files import files_in, found, is_several, together
from firstlight.readers.parquet_files import is_parquet_folder
from firstlight.readers.roles import UnnamedObjectError
from firstlight.readers.simulated_folders import simulated_folder
from firstlight.readers.sniffing import seen
from firstlight.readers.table_files import in_memory, source_of
from firstlight.tables.objects import Objects, one_array

# Arguments that only generic tables need: everything else is settled by the format.
_TABLE_ONLY = ("flux_unit", "zero_point", "time_format", "columns", "dereddened")


@dataclass(frozen=True)
class Format:
    """A named format: what it is, its survey, the reader's own options, and the reader."""

    name: str
    what: str
    survey: str | None
    options: tuple[str, ...]
    read: Callable[..., Photometry | list[Photometry]] | None


FORMATS: Mapping[str, Format] = {
    entry.name: entry
    for entry in (
        Format("table", "generic long or nested table", None, ("object_id",), None),
        Format(
            "plasticc",
            "PLAsTiCC pair of CSV files",
            "LSST",
            ("label", "metadata"),
            known_tables.read_plasticc,
        ),
        Format("snana", "SNANA HEAD/PHOT FITS or text", None, ("label", "survey"), snana_fits.read_snana),
        Format("alerce", "ALeRCE JSON or CSV", None, ("object_id",), brokers.read_alerce),
        Format("antares", "ANTARES JSON or CSV", None, ("object_id",), brokers.read_antares),
        Format("lasair", "Lasair JSON", None, ("object_id",), alert_objects.read_alert_objects),
        Format("boom", "BOOM object JSON", None, ("object_id",), alert_objects.read_alert_objects),
        Format(
            "pitt-google", "Pitt-Google rows as JSON", None, ("object_id",), alert_objects.read_alert_objects
        ),
        Format(
            "ztf-forced",
            "ZTF forced-photometry service",
            "ZTF",
            ("object_id", "baseline_before"),
            forced_photometry.read_ztf_forced,
        ),
        Format(
            "atlas-forced",
            "ATLAS forced photometry",
            "ATLAS",
            ("object_id", "stack_nights"),
            forced_photometry.read_atlas_forced,
        ),
        Format("skyportal", "SkyPortal CSV", None, ("object_id", "survey"), known_tables.read_skyportal),
    )
}


def formats() -> tuple[str, ...]:
    """The formats that `read` understands."""
    return tuple(FORMATS)


def read(
    path: Any,
    format: str = "auto",
    *,
    survey: Any = None,
    objects: Any = None,
    label: str | None = None,
    unknown_passbands: UnknownPassbands = "error",
    report: list[str] | None = None,
    **options: Any,
) -> LightCurves:
    """Light curves of a file or folder in any format of the field.

    Parameters
    ----------
    path : path, list of paths, or table
        A file, a folder (of parts of one table, of SNANA or PLAsTiCC files, that `simulate` wrote, or of one
        file an object), a pattern (``"night*/*.csv"``), a tar or zip archive, an address (``s3://`` and
        others through fsspec, where it is installed), or a list of these: each file is read as
        what it is, and a file that does not name its object holds the one of its name. A table in
        memory is a generic one.
    format : str
        One of `formats`; ``"auto"`` looks at the content. Arguments that only generic tables need
        (`flux_unit`, `zero_point`, `time_format`, `columns`, `dereddened`) say that it is one.
    survey : optional
        For generic tables, and where the file does not say it.
    objects : path or table, optional
        A second table with one row an object: metadata, joined by object id.
    label : str, optional
        Column of the class, in the file or in `objects`.
    unknown_passbands : {"error", "drop"}
        ``"drop"`` keeps such rows, flagged and unused.
    report : list of str, optional
        Receives a sentence for each thing noticed.
    **options
        Of generic tables (`read_table`), or of the format: ``object_id`` (table, alerce, antares, lasair,
        boom, pitt-google, ztf-forced, atlas-forced, skyportal), ``metadata`` (plasticc),
        ``baseline_before`` (ztf-forced), ``stack_nights`` (atlas-forced).

    Raises
    ------
    DataError
        When the file is damaged, or of no known format.
    UsageError
        When an option does not belong to the format.

    Examples
    --------
    >>> table = {"id": ["a"], "mjd": [59000.1], "band": ["g"], "flux_uJy": [9.0], "fluxerr_uJy": [1.0]}
    >>> read(table, survey="ZTF")
    LightCurves(1 object, 1 observations; ZTF-g, ZTF-r, ZTF-i)
    """
    asked = _Asked(survey, label, unknown_passbands, objects, Notes.of(report))
    (curves,) = _pieces(path, format, None, asked, options)
    return curves


def read_batches(
    path: Any,
    format: str = "auto",
    *,
    max_rows: int = 1_000_000,
    survey: Any = None,
    objects: Any = None,
    label: str | None = None,
    unknown_passbands: UnknownPassbands = "error",
    report: list[str] | None = None,
    **options: Any,
) -> Iterator[LightCurves]:
    """Light curves piece by piece, whole objects only, in memory that does not grow with the file.

    The ids of a table are read first, alone: they say where objects begin, and whether the rows of some
    object do not stand together. Where they do not, the needed columns are written once to a temporary file,
    sorted into pieces, so such a table costs one more writing and reading. Memory: some times `max_rows`
    rows, and the distinct ids. Formats other than tables come in one piece.

    Parameters
    ----------
    path, format
        As for `read`.
    max_rows : int
        Observations of a piece; the last object of a piece may exceed it.
    survey, objects, label, unknown_passbands, report, **options
        As for `read`. `objects` is held in memory.

    Yields
    ------
    LightCurves
        Objects in order of first appearance; at the end those that only `objects` knows. A table without rows
        gives one empty piece.
    """
    asked = _Asked(survey, label, unknown_passbands, objects, Notes.of(report))
    yield from _pieces(path, format, max_rows, asked, options)


def _pieces(
    path: Any, format: str, max_rows: int | None, asked: _Asked, options: Mapping[str, Any]
) -> Iterator[LightCurves]:
    """The light curves in pieces of about `max_rows` rows, or in one with None."""
    simulated = simulated_folder(path, asked.notes, survey=asked.survey)
    if simulated is not None:
        objects = simulated.objects if asked.objects is None else asked.objects
        asked = replace(asked, survey=simulated.survey, objects=objects)
        for curves in _pieces(simulated.photometry, format, max_rows, asked, options):
            yield simulated.with_truth(curves)
        return
    if is_several(path):
        with found(path) as paths:
            try:
                if len(paths) == 1:
                    yield from _pieces(paths[0], format, max_rows, asked, options)
                    return
            except UnnamedObjectError:
                pass  # the one file of a pattern or archive is named like any of several
            yield from _together(_files_of(paths), format, max_rows, asked, options)
        return
    if isinstance(path, (str, Path)) and _is_folder_of_files(Path(path), format):
        yield from _together(files_in(Path(path)), format, max_rows, asked, options)
        return
    for _, curves in _of_one(path, format, max_rows, asked, options):
        yield curves


def _of_one(
    path: Any, format: str, max_rows: int | None, asked: _Asked, options: Mapping[str, Any]
) -> Iterator[tuple[str, LightCurves]]:
    """The light curves of one file, folder of one table, or table in memory, and what its format is."""
    with Content(path) if isinstance(path, (str, Path)) else nullcontext(path) as place:
        entry, given = _chosen(place, format, options)
        if entry.read is not None:
            yield entry.name, _of_format(entry.read, entry.options, place, asked, given)
            return
        source = source_of(place) if isinstance(place, Content) else in_memory(place)
        chosen = asked.of_table(given)
        for curves in batches_of(source, chosen, asked.notes, max_rows=max_rows, objects=asked.objects):
            yield entry.name, curves


def _files_of(paths: list[Path]) -> list[Path]:
    """Files, and those of the folders among them that are no table or simulation of their own."""
    return [
        file for path in paths for file in (files_in(path) if _is_folder_of_files(path, "auto") else [path])
    ]


def _is_folder_of_files(path: Path, format: str) -> bool:
    """Whether a folder holds files to be read each by itself: neither a pair of tables nor parts of one."""
    if not path.is_dir():
        return False
    if format in ("auto", "table") and is_parquet_folder(path):
        return False
    if format in ("auto", "snana") and snana_fits.is_snana(path):
        return False
    if format in ("auto", "plasticc"):
        with Content(path) as content:
            return format == "auto" and not known_tables.is_plasticc(content)
    return bool(files_in(path))


def _together(
    paths: list[Path], format: str, max_rows: int | None, asked: _Asked, options: Mapping[str, Any]
) -> Iterator[LightCurves]:
    """The light curves of many files; metadata of a second table are joined to all of them."""
    if not paths:
        raise DataError("the folder holds no files that may be light curves")
    given = {key: value for key, value in options.items() if key != "object_id"}
    objects = asked.objects
    if objects is not None and not isinstance(objects, Objects):
        objects = read_objects(objects, asked.notes, chosen=options.get("columns") or {}, label=asked.label)

    events: dict[str, str] = {}

    def read(path: Path, notes: Notes, said: Mapping[str, Any]) -> LightCurves:
        alone = replace(asked, notes=notes, objects=None, label=None if objects is not None else asked.label)
        ((name, curves),) = _of_one(path, format, None, alone, {**given, **said})
        for event in curves.objects.column("object_id").to_pylist() if name == "snana" else ():
            if events.setdefault(event, path.name) != path.name:
                raise DataError(
                    f"'{event}' is the SNID of {events[event]} and of {path.name}",
                    where=path.parent.name,
                    hint="Two objects under one id? Give one of them another SNID, or read the files apart.",
                )
        return curves

    pieces = together(paths, read, asked.notes, max_rows=max_rows, named=options.get("object_id"))
    if objects is None:
        yield from pieces
        return
    met: set[str] = set()
    for curves in pieces:
        ids = one_array(curves.objects.column("object_id"))
        met.update(ids.to_pylist())
        yield curves.with_objects(objects.select(ids), report=asked.notes.lines)
    spare = len(set(objects.ids.to_pylist()) - met)
    if spare:
        asked.notes.say(f"{spare:,} ids in {objects.where} have no photometry: left out")


@dataclass(frozen=True)
class _Asked:
    """What the caller says whatever the format."""

    survey: Any
    label: str | None
    unknown_passbands: UnknownPassbands
    objects: Any
    notes: Notes

    def of_table(self, given: Mapping[str, Any]) -> Options:
        """The options of a generic table."""
        return Options(
            survey=self.survey, label=self.label, unknown_passbands=self.unknown_passbands, **given
        )


def _of_format(
    read: Callable[..., Photometry | list[Photometry]],
    own: tuple[str, ...],
    content: Content,
    asked: _Asked,
    given: dict[str, Any],
) -> LightCurves:
    """Light curves of a file or folder that a reader with options of its own knows."""
    label, notes = asked.label, asked.notes
    if "label" in own:
        given["label"] = label if asked.objects is None else None
    if "survey" in own and asked.survey is not None:
        given["survey"] = asked.survey
    parts = read(content, notes.at(content.name), **given)
    curves = []
    for part in parts if isinstance(parts, list) else [parts]:
        part, here = with_objects(part, asked.objects, notes, label=label), notes.at(part.where)
        if label is not None and "label" not in part.objects.column_names:
            raise here.error(f"no label column '{label}'", hint="Give it in a table of objects.")
        curves.append(light_curves(part, notes, unknown_passbands=asked.unknown_passbands))
        if "survey" not in own:
            _check_survey(curves[-1], asked.survey, here)
    with notes.at(content.name).blamed():
        return curves[0] if len(curves) == 1 else LightCurves.concat(curves)


def _check_survey(curves: LightCurves, survey: Any, notes: Notes) -> None:
    """Refuse a survey that the format contradicts."""
    if survey is None or len(curves) == 0:
        return
    stated, found = facts.survey(survey).name, set(curves.objects.column("survey").to_pylist())
    if found != {stated}:
        raise notes.error(
            (f"holds {', '.join(sorted(found))}, but ", Arg("survey", stated), " is given"),
            hint="Leave it out.",
        )


def _chosen(place: Any, format: str, options: Mapping[str, Any]) -> tuple[Format, dict[str, Any]]:
    """The format asked for, or seen, and what is said of it."""
    given = {key: value for key, value in options.items() if value is not None}
    if format not in ("auto", *FORMATS):
        raise UnknownNameError("format", format, ["auto", *FORMATS])
    if not isinstance(place, Content) and format not in ("auto", "table"):
        raise UsageError(f"a table in memory is no file of format '{format}'", hint="Leave the format out.")
    if format == "auto":
        is_table = not isinstance(place, Content) or not given.keys().isdisjoint(_TABLE_ONLY)
        format = "table" if is_table else seen(place, FORMATS)
    _refuse_options(FORMATS[format], given)
    return FORMATS[format], given


def _refuse_options(entry: Format, options: Mapping[str, Any]) -> None:
    known = (*_TABLE_ONLY, *entry.options) if entry.read is None else entry.options
    for key in options:
        if key not in known:
            every = {*_TABLE_ONLY, *(name for other in FORMATS.values() for name in other.options)}
            if key not in every:
                raise UnknownNameError("option", key, sorted(every))
            raise UsageError(
                f"'{key}' has no meaning for format '{entry.name}' ({entry.what})",
                hint=(f"Its options: {', '.join(known) or 'none'}; or say ", Arg("format", "table"), "."),
            )


def sniff(path: str | Path) -> str:
    """The format of a file or folder, by its content.

    Raises
    ------
    DataError
        When there is no such file, or it is JSON of no known kind, or fits several formats.
    """
    with Content(path) as content:
        return seen(content, FORMATS)
