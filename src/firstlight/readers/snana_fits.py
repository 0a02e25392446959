"""SNANA: pairs of HEAD and PHOT FITS files, single or in folders and lists."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight._types import AnyArray, Ints
from firstlight.errors import DataError
from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers.content import Content
from firstlight.readers.roles import listed
from firstlight.readers.snana_text import (
    DETECTION_BIT,
    SAME_TYPE,
    Columns,
    metadata,
    observed_by,
    read_snana_text,
)
from firstlight.tables.columns import words

_KEYWORDS = ("SURVEY", "PHOTFILE", "PHOTFLAG_DETECT", "MWEBV_APPLYFLAG")
_PHOT_COLUMNS = ("MJD", "BAND", "FLT", "PHOTFLAG", "FLUXCAL", "FLUXCALERR")


def is_snana(path: Path) -> bool:
    """Whether a path is a HEAD or PHOT file, a list of them, or a folder with some."""
    if path.is_dir():
        return any(path.glob("*_HEAD.FITS*"))
    name = path.name.upper().removesuffix(".GZ")
    return name.endswith(("_HEAD.FITS", "_PHOT.FITS", ".LIST"))


def read_snana(
    content: Content, notes: Notes, *, label: str | None = None, survey: Any = None
) -> list[Photometry]:
    """Photometry of SNANA files, one value a pair of files.

    FLUXCAL has zero point 27.5; whether Milky Way extinction is taken out stands in ``MWEBV_APPLYFLAG``. What
    only the simulation knows (``SIM_*``, ``SNTYPE``) is read as the label if asked for, and never else.

    Parameters
    ----------
    content : Content
        A HEAD or PHOT file, gzipped or not, a ``.LIST`` of them, a ``.DAT`` text file, or a folder of pairs.
    notes : Notes
    label : str, optional
        Column of HEAD (or key of the text file) with the class, e.g. ``SIM_TYPE_INDEX`` or ``SNTYPE``.
    survey : optional
        Where the header names none that is known.
    """
    heads = find_heads(content.path)
    if not heads:
        return [read_snana_text(content, notes, label=label, survey=survey)]
    return [_read_pair(head, notes.at(head.name), label=label, survey=survey) for head in heads]


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


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The units of a FITS file with a table; whatever goes wrong inside means that it is damaged."""
    from astropy.io import fits

    with Content(path) as content:
        data = content.whole()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a truncated file warns before it fails
            with fits.open(io.BytesIO(data), memmap=False) as units:
                if len(units) < 2 or not isinstance(units[1], fits.BinTableHDU):
                    raise DataError(
                        "holds no table", where=path.name, hint="The file is damaged or not complete."
                    )
                yield units
    except DataError:
        raise
    except Exception as error:  # astropy fails in many ways on damaged files
        raise DataError(
            f"cannot be read as FITS: {error}", where=path.name, hint="The file is damaged or not complete."
        ) from error


def _columns(data: Any, wanted: tuple[str, ...] | None = None) -> Columns:
    """Columns in native byte order; text without padding. Vector columns are left out."""
    names = data.names if wanted is None else [name for name in wanted if name in data.names]
    columns = {name: np.asarray(data[name]) for name in names}
    return {name: _native(values) for name, values in columns.items() if values.ndim == 1}


def _native(values: AnyArray) -> AnyArray:
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        return np.char.strip(values)
    return values.astype(values.dtype.newbyteorder("="))


def _read_pair(path: Path, notes: Notes, *, label: str | None, survey: Any) -> Photometry:
    """Photometry of one HEAD file and its PHOT file."""
    with _opened(path) as units:
        keywords = {key: units[0].header.get(key) for key in _KEYWORDS}
        head = _columns(units[1].data)
    named = str(keywords.get("PHOTFILE") or path.name.replace("_HEAD.FITS", "_PHOT.FITS")).strip()
    phot_path = _either(path.with_name(named), path.name)
    with _opened(phot_path) as units:
        phot = _columns(units[1].data, _PHOT_COLUMNS)
    for name in ("SNID", "PTROBS_MIN", "PTROBS_MAX"):
        if name not in head:
            raise notes.error(f"no column {name}. Found: {listed(head)}")
    band = "BAND" if "BAND" in phot else "FLT"
    for name in ("MJD", band, "FLUXCAL", "FLUXCALERR"):
        if name not in phot:
            raise notes.at(phot_path.name).error(f"no column {name}. Found: {listed(phot)}")
    rows, codes = _rows(head, len(phot["MJD"]), phot_path.name, notes)
    # Files without a single flag were made without detection logic: signal to noise decides there.
    bit = int(keywords.get("PHOTFLAG_DETECT") or DETECTION_BIT)
    flag = phot.get("PHOTFLAG", np.zeros(len(phot["MJD"]), dtype=np.int32))[rows]
    detected = pa.array((flag & bit) > 0) if (flag & bit).any() else None
    objects = _objects(head, label, notes)
    whose, bands = observed_by(keywords.get("SURVEY"), survey, phot[band][rows].tolist(), notes)
    return Photometry(
        object_id=pa.DictionaryArray.from_arrays(pa.array(codes), objects.column("object_id").chunk(0)),
        time=phot["MJD"][rows].astype(np.float64),
        passband=words(pa.array(bands, type=pa.string())),
        survey=whose,
        flux=phot["FLUXCAL"][rows].astype(np.float64),
        flux_err=phot["FLUXCALERR"][rows].astype(np.float64),
        flux_unit="FLUXCAL",
        detected=detected,
        objects=objects,
        dereddened=int(keywords.get("MWEBV_APPLYFLAG") or 0) > 0,
        where=notes.where,
    )


def _rows(head: Columns, size: int, phot: str, notes: Notes) -> tuple[Ints, Ints]:
    """Rows of PHOT of all objects, and their objects: the pointers count from 1 and include the last row."""
    first, last = head["PTROBS_MIN"].astype(np.int64) - 1, head["PTROBS_MAX"].astype(np.int64)
    counts = np.where(last > first, last - first, 0)
    wrong = np.flatnonzero((counts > 0) & ((first < 0) | (last > size)))
    if len(wrong):
        name = head["SNID"][wrong[0]]
        raise notes.error(
            f"object '{name}' has rows up to {last[wrong[0]]:,}, {phot} has {size:,}",
            hint="The PHOT file is not complete or belongs to another HEAD file.",
        )
    codes = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
    return first[codes] + within, codes


def _objects(head: Columns, label: str | None, notes: Notes) -> pa.Table:
    """What SNANA's HEAD knows that a survey knows too."""
    names = head["SNID"].astype(str).tolist()
    repeated = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if repeated:
        raise notes.error(f"object '{min(repeated)}' stands more than once")
    columns = {name: pa.array(values, from_pandas=True) for name, values in metadata(head).items()}
    if label is not None:
        label = label if label in head else SAME_TYPE.get(label, label)
        if label not in head:
            raise notes.error(f"no label column '{label}'. Found: {listed(head)}")
        columns["label"] = pa.array([str(value) for value in head[label].tolist()], type=pa.string())
    hidden = [name for name in head if name.startswith("SIM_")]
    if hidden:
        notes.add(f"{len(hidden)} truth columns (SIM_*) are not read as metadata")
    return pa.table({"object_id": pa.array(names, type=pa.string()), **columns})
