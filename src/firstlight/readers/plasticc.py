"""PLAsTiCC: light curves and metadata as CSV files, in the layouts of Kaggle and of the unblinded release."""

from __future__ import annotations

from pathlib import Path

from firstlight.errors import DataError
from firstlight.readers.objects import read_objects
from firstlight.readers.photometry import Photometry, with_objects
from firstlight.readers.source import open_source
from firstlight.readers.table import Options, whole
from firstlight.readers.text import head

_CURVES = {"object_id", "mjd", "passband", "flux", "flux_err"}
_METADATA = {"object_id", "hostgal_photoz", "mwebv"}
_SUFFIXES = (".csv", ".csv.gz")
# The metadata of a whole data release stand beside numbered light-curve files.
_SPELLINGS = (("_lightcurves", "_metadata"), ("", "_metadata"))


def read_plasticc(
    path: Path, *, label: str | None = None, metadata: Path | str | None = None, report: list[str]
) -> Photometry:
    """Photometry of a PLAsTiCC light-curve file with its metadata.

    Fluxes have zero point 27.5 and are corrected for Milky Way extinction (checked on SN Ia: the colour does
    not follow E(B-V)). Redshift 0 stands for Galactic and is read as missing.

    Parameters
    ----------
    path : Path
        The light curves, the metadata, or the folder that holds both.
    label : str, optional
        Column of the class: ``target``, in the unblinded files ``true_target``.
    metadata : path, optional
        The metadata, where they are not found beside the light curves.
    """
    curves, found = find_pair(path)
    second = Path(metadata) if metadata is not None else found
    options = Options(survey="LSST", flux_unit="FLUXCAL", dereddened=True)
    photometry = whole(open_source(curves), options, report=report)
    if second is None:
        report.append(f"{curves.name}: no metadata file found beside it")
        return photometry
    objects = read_objects(second, chosen={}, label=label, report=report)
    if label is not None and "label" not in objects.columns:
        raise DataError(
            f"no label column '{label}'", where=second.name, hint="PLAsTiCC has target or true_target."
        )
    return with_objects(photometry, objects, chosen={}, label=None, report=report)


def find_pair(path: Path) -> tuple[Path, Path | None]:
    """The light-curve file and the metadata file that belong to a path, the latter if there is one.

    Raises
    ------
    DataError
        When the folder holds no pair, or several.
    """
    if path.is_dir():
        pairs = [(file, beside) for file in _files(path) if is_curves(file) and (beside := _beside(file))]
        if len(pairs) != 1:
            names = ", ".join(file.name for file, _ in pairs) or "none"
            raise DataError(
                f"{len(pairs)} pairs of light curves and metadata found ({names})",
                where=str(path),
                hint="Name the light-curve file.",
            )
        return pairs[0]
    if is_metadata(path):
        owners = [file for file in _files(path.parent) if is_curves(file) and _beside(file) == path]
        if len(owners) != 1:
            raise DataError("holds metadata, and no light curves were found beside it", where=path.name)
        return owners[0], path
    return path, _beside(path)


def is_curves(path: Path) -> bool:
    """Whether a file has the columns of PLAsTiCC light curves."""
    return set(_header(path)) >= _CURVES


def is_metadata(path: Path) -> bool:
    """Whether a file has the columns of PLAsTiCC metadata."""
    return set(_header(path)) >= _METADATA


def _header(path: Path) -> list[str]:
    try:
        line = head(path, 4096).split(b"\n", 1)[0].decode("utf-8", "replace")
    except DataError:
        return []
    return [name.strip() for name in line.lstrip("\ufeff").split(",")]


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
                    if file != path and file.exists() and is_metadata(file):
                        return file
    return None
