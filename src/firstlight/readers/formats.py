"""`read`: which format a file is in, and the reader that knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstlight.errors import DataError, FirstlightError, UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.readers import (
    alerce,
    antares,
    atlas_forced,
    lasair,
    plasticc,
    skyportal,
    snana,
    snana_text,
    ztf_forced,
)
from firstlight.readers.answers import is_json, is_json_lines, load_json
from firstlight.readers.generic import read_table
from firstlight.readers.photometry import Photometry, UnknownPassbands, with_objects
from firstlight.readers.source import open_source
from firstlight.readers.text import head

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
            "plasticc", "PLAsTiCC pair of CSV files", "LSST", ("label", "metadata"), plasticc.read_plasticc
        ),
        Format("snana", "SNANA HEAD/PHOT FITS or text", None, ("label", "survey"), snana.read_snana),
        Format("alerce", "ALeRCE JSON or CSV", None, ("object_id",), alerce.read_alerce),
        Format("antares", "ANTARES JSON or CSV", None, ("object_id",), antares.read_antares),
        Format("lasair", "Lasair JSON", None, ("object_id",), lasair.read_lasair),
        Format(
            "ztf-forced",
            "ZTF forced-photometry service",
            "ZTF",
            ("object_id", "baseline_before"),
            ztf_forced.read_ztf_forced,
        ),
        Format(
            "atlas-forced",
            "ATLAS forced photometry",
            "ATLAS",
            ("object_id", "stack_nights"),
            atlas_forced.read_atlas_forced,
        ),
        Format("skyportal", "SkyPortal CSV", None, ("object_id", "survey"), skyportal.read_skyportal),
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
        ztf-forced, atlas-forced, skyportal), ``metadata`` (plasticc), ``baseline_before`` (ztf-forced),
        ``stack_nights`` (atlas-forced).

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
    notes = [] if report is None else report
    options = {key: value for key, value in options.items() if value is not None}
    chosen = _chosen(path, format, options)
    entry = FORMATS[chosen]
    if entry.read is None:
        _refuse_options(entry, options, (*_TABLE_ONLY, *entry.options))
        return read_table(
            path,
            survey=survey,
            objects=objects,
            label=label,
            unknown_passbands=unknown_passbands,
            report=notes,
            **options,
        )
    _refuse_options(entry, options, entry.options)
    path = Path(path)
    if not path.exists():
        raise DataError("no such file", where=str(path))
    if "label" in entry.options:
        options["label"] = label if objects is None or label is None else None
    if "survey" in entry.options and survey is not None:
        options["survey"] = survey
    parts = entry.read(path, report=notes, **options)
    curves = [
        _finish(part, entry, survey, objects, label, unknown_passbands, notes)
        for part in (parts if isinstance(parts, list) else [parts])
    ]
    try:
        return curves[0] if len(curves) == 1 else LightCurves.concat(curves)
    except FirstlightError as error:
        error.where = f"{path.name}: {error.where}"
        raise


def _finish(
    part: Photometry,
    entry: Format,
    survey: Any,
    objects: Any,
    label: str | None,
    unknown_passbands: UnknownPassbands,
    report: list[str],
) -> LightCurves:
    part = with_objects(part, objects, chosen={}, label=label, report=report)
    if label is not None and "label" not in part.objects.columns:
        raise DataError(f"no label column '{label}'", where=part.where, hint="Give it in a table of objects.")
    curves = part.light_curves(unknown_passbands=unknown_passbands, report=report)
    _check_survey(curves, survey, entry, part.where)
    return curves


def _check_survey(curves: LightCurves, survey: Any, entry: Format, where: str) -> None:
    """Refuse a survey that the format contradicts."""
    if survey is None or "survey" in entry.options or len(curves) == 0:
        return
    from firstlight import facts

    stated, found = facts.survey(survey).name, set(curves.objects.column("survey").to_pylist())
    if found != {stated}:
        raise DataError(
            f"holds {', '.join(sorted(found))}, but --survey {stated} is given",
            where=where,
            hint="Leave it out.",
        )


def _refuse_options(entry: Format, options: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in options:
        if key not in known:
            every = {*_TABLE_ONLY, *(name for other in FORMATS.values() for name in other.options)}
            if key not in every:
                raise UnknownNameError("option", key, sorted(every))
            raise UsageError(
                f"'{key}' has no meaning for format '{entry.name}' ({entry.what})",
                hint=f"Its options: {', '.join(known) or 'none'}; or say format='table'.",
            )


def _chosen(path: Any, format: str, options: Mapping[str, Any]) -> str:
    if format != "auto":
        if format not in FORMATS:
            raise UnknownNameError("format", format, ["auto", *FORMATS])
        return format
    if not isinstance(path, (str, Path)) or any(key in options for key in _TABLE_ONLY):
        return "table"
    return sniff(path)


def sniff(path: str | Path) -> str:
    """The format of a file or folder, by its content.

    Raises
    ------
    DataError
        When there is no such file, or it is JSON of no known kind, or fits several formats.
    """
    path = Path(path)
    if not path.exists():
        raise DataError("no such file", where=str(path))
    if path.is_dir():
        fits = [name for name, test in _FOLDERS.items() if test(path)]
        return _one(fits, path)
    if is_json_lines(path):
        return "table"
    if is_json(path):
        data = load_json(path)
        fits = [
            name
            for name, test in (
                ("antares", antares.is_antares),
                ("alerce", alerce.is_alerce),
                ("lasair", lasair.is_lasair),
            )
            if test(data)
        ]
        if not fits:
            raise DataError(
                "is JSON of no known kind",
                where=path.name,
                hint=f"Known formats: {', '.join(FORMATS)}; a list of rows is a 'table'.",
            )
        return _one(fits, path)
    if snana.is_snana(path):
        return "snana"
    start = head(path)
    if (
        start.startswith((b"PAR1", b"ARROW1", b"FEA1", b"SIMPLE  =", b"# %ECSV"))
        or b"<VOTABLE" in start.upper()
    ):
        return "snana" if _is_snana_head(path, start) else "table"
    return _one([name for name, test in _TEXTS.items() if test(path, start.decode("utf-8", "replace"))], path)


def _is_snana_head(path: Path, start: bytes) -> bool:
    return start.startswith(b"SIMPLE  =") and "PTROBS_MIN" in open_source(path).schema.names


def _one(fits: list[str], path: Path) -> str:
    if len(fits) > 1:
        raise DataError(
            f"could be {' or '.join(fits)}", where=path.name, hint=f"Say --format {'|'.join(fits)}."
        )
    return fits[0] if fits else "table"


def _names(start: str) -> list[str]:
    line = next((line for line in start.splitlines() if line.strip() and not line.startswith("#")), "")
    return [name.strip() for name in line.lstrip("\ufeff").split(",")]


def _is_alerce_csv(start: str) -> bool:
    return {"mjd", "fid", "magpsf", "sigmapsf", "isdiffpos"} <= set(_names(start))


def _is_plasticc(path: Path) -> bool:
    """A light-curve file alone could be anyone's; with its metadata beside it is PLAsTiCC's."""
    try:
        curves, metadata = plasticc.find_pair(path)
    except DataError:
        return False
    return metadata is not None and plasticc.is_curves(curves)


_FOLDERS: Mapping[str, Callable[[Path], bool]] = {"snana": snana.is_snana, "plasticc": _is_plasticc}
_TEXTS: Mapping[str, Callable[[Path, str], bool]] = {
    "ztf-forced": lambda _, start: ztf_forced.is_ztf_forced(start),
    "atlas-forced": lambda _, start: atlas_forced.is_atlas_forced(start),
    "snana": lambda _, start: snana_text.is_snana_text(start),
    "skyportal": lambda _, start: skyportal.is_skyportal(_names(start)),
    "alerce": lambda _, start: _is_alerce_csv(start),
    "antares": lambda _, start: {"ant_mjd", "ant_passband"} <= set(_names(start)),
    "plasticc": lambda path, _: _is_plasticc(path),
}
