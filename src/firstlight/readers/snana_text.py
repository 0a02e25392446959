"""SNANA: what its headers say of objects, and its text files (``KEY: value``, ``VARLIST:``, ``OBS:``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight import facts
from firstlight._types import AnyArray, Floats
from firstlight.errors import Arg, UnknownNameError
from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers.alert_rows import floats, from_rows
from firstlight.readers.content import Content
from firstlight.readers.roles import listed
from firstlight.tables.columns import words

Columns = dict[str, AnyArray]
# Bit of PHOTFLAG that marks a detection; a FITS header may say another (PHOTFLAG_DETECT).
DETECTION_BIT = 4096
_KEY = re.compile(r"^\s*([A-Za-z][\w-]*):\s*(.*)$")
# The older text files spell the host's columns otherwise.
_HOST = {
    "HOST_GALAXY_PHOTO-Z": "HOSTGAL_PHOTOZ",
    "HOST_GALAXY_SPEC-Z": "HOSTGAL_SPECZ",
    "REDSHIFT_SPEC": "HOSTGAL_SPECZ",
}
# The Young Supernova Experiment (YSE) calls the passbands of ZTF so, beside those of Pan-STARRS (YSE DR1).
_OF_ZTF = {"X": "g", "Y": "r"}
# The key of the type has two names: SNANA renamed it.
SAME_TYPE = {"TYPE": "SNTYPE", "SNTYPE": "TYPE"}
_SN_TYPE = re.compile(r"SN Type\s*=\s*([^,]+)")
_NUMBERS = (
    "REDSHIFT_HELIO",
    "REDSHIFT_FINAL",
    "MWEBV",
    "RA",
    "DEC",
    "DECL",
    "HOSTGAL_PHOTOZ",
    "HOSTGAL_SPECZ",
)
_GOOD_LINES = ("VARLIST", "OBS", "END")


def survey_of(named: object, given: Any, notes: Notes) -> Any:
    """The survey that the caller or the header names.

    Raises
    ------
    DataError
        When the header's is not known and the caller names none.
    """
    if given is not None:
        return given
    try:
        return facts.survey(str(named).strip()).name
    except UnknownNameError:
        raise notes.error(
            f"survey '{named}' of the header is not known",
            hint=("Say whose passbands these are: ", Arg("survey", facts.surveys()), ", or a TOML file."),
        ) from None


def observed_by(
    named: object, given: Any, bands: Sequence[str | None], notes: Notes
) -> tuple[Any, list[str | None]]:
    """The survey of the rows and their passbands: of YSE Pan-STARRS, and ZTF where it is ZTF's.

    Raises
    ------
    DataError
        As `survey_of`.
    """
    if given is not None or str(named).strip().upper() != "YSE":
        return survey_of(named, given, notes), list(bands)
    short = [None if band is None else _OF_ZTF.get(band.strip().rpartition("-")[2], band) for band in bands]
    ztf = [band != own for band, own in zip(bands, short, strict=True)]
    surveys = pa.array(["ZTF" if one else "Pan-STARRS" for one in ztf], pa.string())
    plain = [None if band is None else band.strip().rpartition("-")[2] for band in short]
    return words(surveys), plain


def metadata(head: Columns) -> dict[str, Floats]:
    """Metadata by role from columns of HEAD (or keys of text files); NaN where missing.

    ``REDSHIFT_HELIO`` (else ``REDSHIFT_FINAL``) is taken as a redshift unless it merely repeats the host's
    photometric redshift, as SNANA writes it for objects without a spectrum.
    """
    size = len(next(iter(head.values()))) if head else 0

    def known(*names: str) -> Floats:
        result = np.full(size, np.nan)
        for name in names:
            if name in head and head[name].dtype.kind in "iuf":
                values = head[name].astype(np.float64)
                values = np.where(np.isin(values, facts.bounds().sentinels), np.nan, values)
                result = np.where(np.isfinite(result), result, values)
        return result

    redshift, error = (
        known("REDSHIFT_HELIO", "REDSHIFT_FINAL"),
        known("REDSHIFT_HELIO_ERR", "REDSHIFT_FINAL_ERR"),
    )
    photoz, spec = known("HOSTGAL_PHOTOZ"), known("HOSTGAL_SPECZ")
    with np.errstate(invalid="ignore"):
        repeats = (np.abs(redshift - photoz) < 1e-4) & ~np.isfinite(spec)
    trigger = known("MJD_TRIGGER")
    return {
        "redshift": np.where(repeats, np.nan, redshift),
        "redshift_err": np.where(repeats, np.nan, error),
        "photoz": photoz,
        "photoz_err": known("HOSTGAL_PHOTOZ_ERR"),
        "mwebv": known("MWEBV"),
        "ra": known("RA"),
        # Declination -9 and -99 cannot be told from missing; only impossible ones are.
        "dec": np.asarray(head.get("DEC", head.get("DECL", np.full(size, np.nan))), dtype=np.float64),
        "trigger_mjd": np.where(trigger > 0, trigger, np.nan),
    }


def is_snana_text(start: str) -> bool:
    """Whether a text begins like a SNANA file of one object."""
    return bool(re.search(r"^\s*(SNID|SURVEY):", start, re.MULTILINE))


def read_snana_text(content: Content, notes: Notes, *, label: str | None, survey: Any) -> Photometry:
    """Photometry of one text file, which holds one object.

    Parameters
    ----------
    content : Content
    notes : Notes
    label : str or None
        Key of the class, e.g. ``SNTYPE``; of ``SIM_COMMENT`` the type named in it.
    survey : optional
        Where the files name none that is known.
    """
    own, rows = _parse(content, notes)
    named = next(iter(own.get("SURVEY", "").split()), "")
    whose, bands = observed_by(named, survey, [row.get("BAND", row.get("FLT")) for row in rows], notes)
    flag = np.nan_to_num(floats([row.get("PHOTFLAG") for row in rows])).astype(np.int64)
    known = {name: values.tolist() for name, values in metadata(_table(own)).items()}
    if label is not None:
        known["label"] = [_label(own, label, notes)]
    return from_rows(
        notes.where,
        object_id=[own["SNID"]] * len(rows),
        known_ids=[own["SNID"]],
        time=[row.get("MJD") for row in rows],
        passband=bands,
        flux=floats([row.get("FLUXCAL") for row in rows]),
        flux_err=floats([row.get("FLUXCALERR") for row in rows]),
        detected=pa.array((flag & DETECTION_BIT) > 0) if (flag & DETECTION_BIT).any() else None,
        flux_unit="FLUXCAL",
        survey=whose,
        dereddened=int(float((own.get("MWEBV_APPLYFLAG") or "0").split()[0])) > 0,
        metadata=known,
    )


def _parse(content: Content, notes: Notes) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Keys and rows of one file."""
    keys: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    names: list[str] = []
    names_of: list[str] = []
    for number, line in enumerate(content.text().splitlines(), start=1):
        match = _KEY.match(line)
        if not match:
            continue
        key, value = match.groups()
        if key == "VARLIST":
            names = value.split()
        elif key == "OBS":
            cells = value.split()
            if len(cells) != len(names):
                raise notes.error(
                    f"line {number:,} has {len(cells)} cells, VARLIST {len(names)}",
                    hint="The file is damaged or was not written to its end.",
                )
            rows.append(dict(zip(names, cells, strict=True)))
        elif key == "SNID":
            names_of.append(value.partition("#")[0].strip())
        elif key not in _GOOD_LINES:
            keys.setdefault(key, value.strip())
    if len(names_of) > 1:
        raise notes.error(
            f"holds {len(names_of)} events: SNID {listed(names_of, 8)}",
            hint="Write each into a file of its own.",
        )
    keys["SNID"] = "".join(names_of)
    if not keys["SNID"]:
        raise notes.error("no SNID: line", hint="Is it a SNANA text file?")
    if not names:
        raise notes.error("no VARLIST: line", hint="The file is not complete.")
    for needed in ("MJD", "FLUXCAL", "FLUXCALERR"):
        if needed not in names:
            raise notes.error(f"no column {needed}. Found: {listed(names)}")
    expected = keys.get("NOBS", "").split()
    if expected and expected[0].isdigit() and int(expected[0]) > len(rows):
        raise notes.error(f"{len(rows)} OBS: lines, NOBS says {expected[0]}", hint="The file is truncated.")
    return keys, rows


def _table(keys: Mapping[str, str]) -> Columns:
    """Numbers of the keys that metadata are made of; ``0.951 +- 0.017`` gives a value and an error."""
    named = {**keys, **{_HOST[key]: value for key, value in keys.items() if key in _HOST}}
    table: dict[str, Floats] = {"RA": np.full(1, np.nan)}
    for name in _NUMBERS:
        value, _, error = named.get(name, "").partition("+-")
        for key, text in ((name, value), (f"{name}_ERR", error)):
            number = floats(text.split()[:1])
            if np.isfinite(number).any():
                table[key] = number
    return table


def _label(keys: Mapping[str, str], label: str, notes: Notes) -> str | None:
    label = next((name for name in (label, SAME_TYPE.get(label, label)) if name in keys), label)
    if label not in keys:
        raise notes.error(f"no key '{label}'. Found: {listed(keys)}")
    match = _SN_TYPE.search(keys[label])
    return match.group(1).strip() if match else next(iter(keys[label].split()), None)
