"""Tables of known shape: PLAsTiCC's pair of CSV files, SkyPortal's photometry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from firstlight.errors import DataError
from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers.alert_rows import object_name
from firstlight.readers.content import Content
from firstlight.readers.generic import whole
from firstlight.readers.joining import identity, read_objects, with_objects
from firstlight.readers.long_tables import Options
from firstlight.readers.roles import survey_prefixes
from firstlight.readers.table_files import TableSource, source_of
from firstlight.tables.columns import words

_CURVES = {"object_id", "mjd", "passband", "flux", "flux_err"}
_METADATA = {"object_id", "hostgal_photoz", "mwebv"}
# SkyPortal's photometry as it is uploaded, downloaded and served: magnitudes, or fluxes with a zero point.
_SKYPORTAL = (
    {"mjd", "mag", "magerr", "filter", "limiting_mag"},
    {"mjd", "flux", "fluxerr", "zp", "filter", "magsys"},
)
_OF_SKYPORTAL = {"magsys", "instrument_name", "instrument_id"}
_SUFFIXES = (".csv", ".csv.gz")
# The metadata of a whole data release stand beside numbered light-curve files.
_SPELLINGS = (("_lightcurves", "_metadata"), ("", "_metadata"))


def read_plasticc(
    content: Content, notes: Notes, *, label: str | None = None, metadata: Path | str | None = None
) -> Photometry:
    """Photometry of a PLAsTiCC light-curve file with its metadata.

    Fluxes have zero point 27.5 and are corrected for Milky Way extinction (checked on SN Ia: the colour does
    not follow E(B-V)). Redshift 0 stands for Galactic and is read as missing.

    Parameters
    ----------
    content : Content
        The light curves, the metadata, or the folder that holds both.
    notes : Notes
    label : str, optional
        Column of the class: ``target``, in the unblinded files ``true_target``.
    metadata : path, optional
        The metadata, where they are not found beside the light curves.
    """
    curves, found = find_pair(content)
    second = Path(metadata) if metadata is not None else found
    options = Options(survey="LSST", flux_unit="FLUXCAL", dereddened=True)
    with nullcontext(content) if curves == content.path else Content(curves) as own:
        photometry = whole(source_of(own), options, notes)
    if second is None:
        notes.at(curves.name).add("no metadata file found beside it")
        return photometry
    objects = read_objects(second, notes, chosen={}, label=label)
    if label is not None and "label" not in objects.table.column_names:
        raise notes.at(second.name).error(
            f"no label column '{label}'", hint="PLAsTiCC has target or true_target."
        )
    return with_objects(photometry, objects, notes)


def is_plasticc(content: Content) -> bool:
    """Whether it is PLAsTiCC's: light curves alone could be anyone's, with the metadata beside them not."""
    names = [] if content.path.is_dir() else header_names(content)
    if names and not is_curves(names) and not is_metadata(names):
        return False
    try:
        return find_pair(content)[1] is not None
    except DataError:
        return False


def find_pair(content: Content) -> tuple[Path, Path | None]:
    """The light-curve file and the metadata file that belong to a path, the latter if there is one.

    Raises
    ------
    DataError
        When the folder holds no pair, or several.
    """
    path = content.path
    if path.is_dir():
        curves = [file for file in _files(path) if is_curves(_header(file))]
        pairs = [(file, beside) for file in curves if (beside := _beside(file))]
        if len(pairs) != 1:
            names = ", ".join(file.name for file, _ in pairs) or "none"
            raise DataError(
                f"{len(pairs)} pairs of light curves and metadata found ({names})",
                where=str(path),
                hint="Name the light-curve file.",
            )
        return pairs[0]
    if is_metadata(header_names(content)):
        owners = [file for file in _files(path.parent) if is_curves(_header(file)) and _beside(file) == path]
        if len(owners) != 1:
            raise DataError("holds metadata, and no light curves were found beside it", where=path.name)
        return owners[0], path
    return path, _beside(path)


def is_curves(names: list[str]) -> bool:
    """Whether columns are those of PLAsTiCC light curves."""
    return set(names) >= _CURVES


def is_metadata(names: list[str]) -> bool:
    """Whether columns are those of PLAsTiCC metadata."""
    return set(names) >= _METADATA


def header_names(content: Content) -> list[str]:
    """The cells of the first line of a CSV that is no comment."""
    lines = content.head.decode("utf-8", "replace").lstrip("\ufeff").splitlines()
    line = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    return [name.strip() for name in line.split(",")]


def _header(path: Path) -> list[str]:
    try:
        with Content(path) as content:
            return header_names(content)
    except DataError:
        return []


def _files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.iterdir()) if file.name.endswith(_SUFFIXES)]


def _beside(path: Path) -> Path | None:
    """The metadata of a light-curve file: same name with ``metadata``, without a batch number."""
    stem = path.name.removesuffix(".gz").removesuffix(".csv")
    stems = [stem, stem.rstrip("0123456789").rstrip("_")]
    for base in stems:
        for old, new in _SPELLINGS:
            if old in base:
                name = base.replace(old, new) if old else base + new
                for suffix in _SUFFIXES:
                    file = path.with_name(name + suffix)
                    if file != path and file.exists() and is_metadata(_header(file)):
                        return file
    return None


def is_skyportal(names: Iterable[str]) -> bool:
    """Whether columns are those of SkyPortal's photometry."""
    names = set(names)
    return any(names >= columns for columns in _SKYPORTAL) and not names.isdisjoint(_OF_SKYPORTAL)


def read_skyportal(
    content: Content, notes: Notes, *, object_id: str | int | None = None, survey: str | None = None
) -> Photometry:
    """Photometry of a SkyPortal CSV or JSON: magnitudes, or limits where there is none; else fluxes.

    Passbands are named with their survey (``ztfg``, ``atlaso``). A download has no name of the object, but
    its file has; ``id`` numbers the observations, and ``flux`` beside ``mag`` repeats it.

    Parameters
    ----------
    content : Content
    notes : Notes
    object_id : str, optional
        Name of the object, where no column holds it; by default the file's.
    survey : str, optional
        Survey of all passbands, where their names do not say it.
    """
    source = source_of(content)
    names = [field.name for field in source.schema if not pa.types.is_nested(field.type)]
    table = source.read(dict.fromkeys(names, "text"), notes)
    columns: dict[str, str | None] = (
        {} if "mag" not in names else dict.fromkeys(("flux", "flux_err", "zero_point"))
    )
    found = identity([name for name in names if name != "id"], notes, chosen={}).get("object_id")
    if found is None or object_id is not None:
        found = "object_id"
        name = object_name(object_id, _of_download(notes.where), notes)
        table = table.drop_columns(["object_id"]) if found in names else table
        table = table.append_column(found, pa.array([name] * table.num_rows, type=pa.string()))
    columns["object_id"] = found
    photometry = whole(TableSource(table, notes.where), Options(survey=survey, columns=columns), notes)
    return photometry if survey is not None else replace(photometry, survey=_surveys(photometry.passband))


def _of_download(name: str) -> str | None:
    """The object in the name of a download: ``ZTF25abc_photometry.csv``."""
    match = re.fullmatch(r"(.+)_photometry(?: ?\(\d+\))?\.csv", name)
    return match.group(1) if match else None


def _surveys(bands: pa.DictionaryArray) -> pa.DictionaryArray:
    """The survey of each row by the beginning of its passband's name.

    Passbands of no known survey go to the first that is known, where they are unknown passbands; as given
    where none is known.
    """
    spelled = [(band or "").lower() for band in bands.dictionary.to_pylist()]
    fits = [
        next((survey for prefix, survey in survey_prefixes().items() if band.startswith(prefix)), None)
        for band in spelled
    ]
    known = next((survey for survey in fits if survey), None)
    named = [survey or known or band for survey, band in zip(fits, spelled, strict=True)]
    column = pa.DictionaryArray.from_arrays(bands.indices, pa.array(named, type=pa.string()))
    return words(pc.cast(column, pa.string()))
