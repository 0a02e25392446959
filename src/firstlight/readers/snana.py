"""SNANA: pairs of HEAD and PHOT FITS files, single or in folders and lists."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight import facts
from firstlight.errors import DataError
from firstlight.readers.cells import passbands
from firstlight.readers.columns import listed
from firstlight.readers.objects import Objects
from firstlight.readers.photometry import Photometry
from firstlight.readers.snana_objects import DETECTION_BIT, Columns, metadata, survey_of
from firstlight.readers.snana_text import read_snana_text
from firstlight.readers.text import content

_KEYWORDS = ("SURVEY", "PHOTFILE", "PHOTFLAG_DETECT", "MWEBV_APPLYFLAG")


@dataclass(frozen=True)
class Pair:
    """One HEAD file, its PHOT file and the keywords of the primary header."""

    head: Path
    phot: Path
    keywords: dict[str, Any]


def is_snana(path: Path) -> bool:
    """Whether a path is a HEAD or PHOT file, a list of them, or a folder with some."""
    if path.is_dir():
        return any(path.glob("*_HEAD.FITS*")) or any(path.glob("*.DAT")) or any(path.glob("*.dat"))
    name = path.name.upper().removesuffix(".GZ")
    return name.endswith(("_HEAD.FITS", "_PHOT.FITS", ".LIST"))


def read_snana(
    path: Path, *, label: str | None = None, survey: Any = None, report: list[str]
) -> list[Photometry]:
    """Photometry of SNANA files, one value a pair of files.

    FLUXCAL has zero point 27.5; whether Milky Way extinction is taken out stands in ``MWEBV_APPLYFLAG``. What
    only the simulation knows (``SIM_*``, ``SNTYPE``) is read as the label if asked for, and never else.

    Parameters
    ----------
    path : Path
        A HEAD or PHOT file, gzipped or not, a ``.LIST`` of them, a ``.DAT`` text file, or a folder of these.
    label : str, optional
        Column of HEAD (or key of the text file) with the class, e.g. ``SIM_TYPE_INDEX`` or ``SNTYPE``.
    survey : optional
        Where the header names none that is known.
    """
    heads = find_heads(path)
    if not heads:
        return [read_snana_text(path, label=label, survey=survey, report=report)]
    return [_read_pair(_pair(head), label=label, survey=survey, report=report) for head in heads]


def find_heads(path: Path) -> list[Path]:
    """The HEAD files of a path; empty where it is text."""
    if path.is_dir():
        heads = sorted(path.glob("*_HEAD.FITS*"))
        lists = sorted(path.glob("*.LIST"))
        return find_heads(lists[0]) if len(lists) == 1 and heads else heads
    name = path.name.upper()
    if name.endswith(".LIST"):
        lines = [
            line.split("#")[0].strip()
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        ]
        files = [_either(path.with_name(line), path.name) for line in lines if line]
        if not files:
            raise DataError("the list names no files", where=path.name)
        return [file for file in files if "_HEAD.FITS" in file.name.upper()]
    if "_PHOT.FITS" in name:
        return [_either(path.with_name(path.name.replace("_PHOT.FITS", "_HEAD.FITS")), path.name)]
    return [path] if "FITS" in name else []


def _either(path: Path, where: str) -> Path:
    """The file or its gzipped form: lists and headers name files without ``.gz``."""
    for file in (path, path.with_name(path.name + ".gz"), path.with_name(path.name.removesuffix(".gz"))):
        if file.exists():
            return file
    raise DataError(f"no such file: '{path.name}' (nor with .gz)", where=where)


def _pair(head: Path) -> Pair:
    keywords = _keywords(head)
    named = str(keywords.get("PHOTFILE") or head.name.replace("_HEAD.FITS", "_PHOT.FITS")).strip()
    return Pair(head, _either(head.with_name(named), head.name), keywords)


def _open(path: Path) -> Any:
    from astropy.io import fits

    data = content(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a truncated file warns before it fails
            hdus = fits.open(io.BytesIO(data), memmap=False)
            if len(hdus) > 1 and isinstance(hdus[1], fits.BinTableHDU):
                return hdus
    except Exception as error:  # astropy fails in many ways on damaged files
        raise _damaged(error, path) from error
    raise DataError("holds no table", where=path.name, hint="The file is damaged or not complete.")


def _damaged(error: Exception, path: Path) -> DataError:
    return DataError(
        f"cannot be read as FITS: {error}", where=path.name, hint="The file is damaged or not complete."
    )


def _keywords(path: Path) -> dict[str, Any]:
    with _open(path) as hdus:
        try:
            return {key: hdus[0].header.get(key) for key in _KEYWORDS}
        except Exception as error:  # cards that cannot be parsed
            raise _damaged(error, path) from error


def _columns(path: Path, wanted: tuple[str, ...] | None = None) -> Columns:
    """Columns in native byte order; text without padding. Vector columns are left out."""
    with _open(path) as hdus, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = hdus[1].data
            names = data.names if wanted is None else [name for name in wanted if name in data.names]
            columns = {name: np.asarray(data[name]) for name in names}
        except Exception as error:  # as when opening
            raise _damaged(error, path) from error
        return {name: _native(values) for name, values in columns.items() if values.ndim == 1}


def _native(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        return np.char.strip(values)
    return values.astype(values.dtype.newbyteorder("="))


def _read_pair(pair: Pair, *, label: str | None, survey: Any, report: list[str]) -> Photometry:
    where = pair.head.name
    head = _columns(pair.head)
    phot = _columns(pair.phot, ("MJD", "BAND", "FLT", "PHOTFLAG", "FLUXCAL", "FLUXCALERR"))
    for name in ("SNID", "PTROBS_MIN", "PTROBS_MAX"):
        if name not in head:
            raise DataError(f"no column {name}. Found: {listed(head)}", where=where)
    band = "BAND" if "BAND" in phot else "FLT"
    for name in ("MJD", band, "FLUXCAL", "FLUXCALERR"):
        if name not in phot:
            raise DataError(f"no column {name}. Found: {listed(phot)}", where=pair.phot.name)
    rows, codes = _rows(head, len(phot["MJD"]), pair)
    # Files without a single flag were made without detection logic: signal to noise decides there.
    bit = int(pair.keywords.get("PHOTFLAG_DETECT") or DETECTION_BIT)
    flag = phot.get("PHOTFLAG", np.zeros(len(phot["MJD"]), dtype=np.int32))[rows]
    detected = pa.array((flag & bit) > 0) if (flag & bit).any() else None
    return Photometry(
        where=where,
        codes=codes,
        time=phot["MJD"][rows].astype(np.float64),
        passband=passbands(pa.array(phot[band][rows].tolist(), type=pa.string())),
        objects=_objects(head, codes, label, where=where, report=report),
        flux=phot["FLUXCAL"][rows].astype(np.float64),
        flux_err=phot["FLUXCALERR"][rows].astype(np.float64),
        detected=detected,
        survey=survey_of(pair.keywords.get("SURVEY"), survey, where=where),
        zero_point=facts.zero_point("FLUXCAL"),
        dereddened=int(pair.keywords.get("MWEBV_APPLYFLAG") or 0) > 0,
    )


def _rows(head: Columns, size: int, pair: Pair) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of PHOT of all objects, and their objects: the pointers count from 1 and include the last row."""
    first, last = head["PTROBS_MIN"].astype(np.int64) - 1, head["PTROBS_MAX"].astype(np.int64)
    counts = np.where(last > first, last - first, 0)
    wrong = np.flatnonzero((counts > 0) & ((first < 0) | (last > size)))
    if len(wrong):
        name = head["SNID"][wrong[0]]
        raise DataError(
            f"object '{name}' has rows up to {last[wrong[0]]:,}, {pair.phot.name} has {size:,}",
            where=pair.head.name,
            hint="The PHOT file is not complete or belongs to another HEAD file.",
        )
    codes = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return first[codes] + within, codes


def _objects(
    head: Columns, codes: NDArray[np.int64], label: str | None, *, where: str, report: list[str]
) -> Objects:
    """What SNANA's HEAD knows that a survey knows too."""
    names = head["SNID"].astype(str).tolist()
    repeated = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if repeated:
        raise DataError(f"object '{min(repeated)}' stands more than once", where=where)
    columns = {name: pa.array(values, from_pandas=True) for name, values in metadata(head).items()}
    if label is not None:
        if label not in head:
            raise DataError(f"no label column '{label}'. Found: {listed(head)}", where=where)
        columns["label"] = pa.array([str(value) for value in head[label].tolist()], type=pa.string())
    hidden = [name for name in head if name.startswith("SIM_")]
    if hidden:
        report.append(f"{where}: {len(hidden)} truth columns (SIM_*) are not read as metadata")
    return Objects(pa.array(names, type=pa.string()), columns, np.zeros(len(names), dtype=np.bool_), where)
