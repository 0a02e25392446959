"""What SNANA's files say of objects that a survey knows too: redshifts, extinction, position, survey."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight import facts
from firstlight.errors import DataError, UnknownNameError
from firstlight.readers.cells import Floats

Columns = dict[str, NDArray[Any]]
# Bit of PHOTFLAG that marks a detection; a FITS header may say another (PHOTFLAG_DETECT).
DETECTION_BIT = 4096
_MISSING = (-9.0, -99.0, -999.0, -9999.0)


def survey_of(named: object, given: Any, *, where: str) -> Any:
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
        raise DataError(
            f"survey '{named}' of the header is not known",
            where=where,
            hint=f"Say whose passbands these are: --survey {'|'.join(facts.surveys())}, or a TOML file.",
        ) from None


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
                values = np.where(np.isin(values, _MISSING), np.nan, values)
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
