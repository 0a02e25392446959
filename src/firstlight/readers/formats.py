"""`read` and `read_batches`: which format a file is in, and the reader that knows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstlight import facts
from firstlight.errors import Arg, DataError, UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.lightcurves.from_columns import UnknownPassbands
from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers import alert_objects, brokers, forced_photometry, known_tables, snana_fits, snana_text
from firstlight.readers.content import Content
from firstlight.readers.generic import batches_of
from firstlight.readers.joining import light_curves, with_objects
from firstlight.readers.long_tables import Options
from firstlight.readers.table_files import in_memory, is_json_table, source_of

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
    path : path or table
        A table in memory is a generic one.
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
    with Content(path) if isinstance(path, (str, Path)) else nullcontext(path) as place:
        entry, given = _chosen(place, format, options)
        if entry.read is not None:
            yield _of_format(entry.read, entry.options, place, asked, given)
            return
        source = source_of(place) if isinstance(place, Content) else in_memory(place)
        chosen = asked.of_table(given)
        yield from batches_of(source, chosen, asked.notes, max_rows=max_rows, objects=asked.objects)


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
        format = "table" if is_table else _seen(place)
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
        return _seen(content)


def _seen(content: Content) -> str:
    """The format of what stands there: a folder, JSON, a binary table or text."""
    path = content.path
    if path.is_dir():
        fits = {"snana": snana_fits.is_snana(path), "plasticc": known_tables.is_plasticc(content)}
        return _one(fits, content)
    if content.is_json:
        return _seen_in_json(content)
    if snana_fits.is_snana(path):
        return "snana"
    start = content.head
    if start.startswith(b"SIMPLE  ="):
        return "snana" if "PTROBS_MIN" in source_of(content).schema.names else "table"
    if start.startswith((b"PAR1", b"ARROW1", b"FEA1", b"# %ECSV")) or b"<VOTABLE" in start.upper():
        return "table"
    text, names = start.decode("utf-8", "replace"), set(known_tables.header_names(content))
    fits = {
        "ztf-forced": forced_photometry.is_ztf_forced(text),
        "atlas-forced": forced_photometry.is_atlas_forced(text),
        "snana": snana_text.is_snana_text(text),
        "skyportal": known_tables.is_skyportal(names),
        "alerce": names >= brokers.ALERCE_CSV,
        "antares": names >= brokers.ANTARES_CSV,
        "plasticc": known_tables.is_plasticc(content),
    }
    return _one(fits, content)


def _seen_in_json(content: Content) -> str:
    """The broker whose answer it is, or a table: rows as a list or one a line, or columns."""
    if content.is_json_lines and not alert_objects.is_alert_object(content.first_line):
        return "table"
    data = content.json
    fits = {
        "antares": brokers.is_antares(data),
        "alerce": brokers.is_alerce(data),
        "boom": alert_objects.is_boom(data),
        "pitt-google": alert_objects.is_pittgoogle(data),
        "lasair": alert_objects.is_lasair(data) or alert_objects.is_cone(data),
        "skyportal": isinstance(data, list) and bool(data) and known_tables.is_skyportal(data[0]),
    }
    if any(fits.values()) or is_json_table(data):
        return _one(fits, content)
    raise DataError(
        "is JSON of no known kind",
        where=content.name,
        hint=f"Known formats: {', '.join(FORMATS)}; a list of rows is a 'table'.",
    )


def _one(fits: Mapping[str, bool], content: Content) -> str:
    names = [name for name, fit in fits.items() if fit]
    if len(names) > 1:
        raise DataError(
            f"could be {' or '.join(names)}",
            where=content.name,
            hint=("Say ", Arg("format", tuple(names)), "."),
        )
    return names[0] if names else "table"
