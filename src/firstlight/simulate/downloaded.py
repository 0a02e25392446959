"""Templates by name through sncosmo, which downloads each once: what a user has without a data folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import Arg, DataError, MissingExtraError, UnknownNameError

Series = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]  # phase, wavelength, flux
_STEP = 20.0
_RENAMED = {"nugent-sn91bg-snpy": "nugent-sn91bg", "hsiao-v3-snpy": "hsiao"}
_HINT = (
    "sncosmo downloads it once, into $SNCOSMO_DATA_DIR where that is set; or give the simulator's data "
    "folder as ",
    Arg("data", "FOLDER"),
    ".",
)


def _sncosmo() -> Any:
    try:
        import sncosmo
    except ImportError:
        raise MissingExtraError(
            "sncosmo", "simulate", where="simulate: templates without a data folder"
        ) from None
    return sncosmo


@cache
def names(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Names of sncosmo's templates of these classes: host-corrected ones of V19, of SNANA, of Sako+ 2011."""
    from_registry = _sncosmo().models._SOURCES.get_loaders_metadata()
    found = {
        str(one["name"]): str(one.get("type"))
        for one in from_registry
        if str(one["name"]).startswith(("snana-", "s11-")) or str(one["name"]).endswith("-corr")
    }
    return tuple(sorted(name for name, kind in found.items() if kind in classes))


@cache
def series(name: str) -> tuple[Series, str]:
    """A template by name on 20 A, as float32 with a maximum of 1, and its class.

    Raises
    ------
    MissingExtraError, UnknownNameError, DataError
        sncosmo is not installed, does not know the name, or cannot download it.
    """
    sncosmo, wanted = _sncosmo(), _RENAMED.get(name, name)
    registry = {
        str(one["name"]): str(one.get("type")) for one in sncosmo.models._SOURCES.get_loaders_metadata()
    }
    known = next((one for one in registry if one.casefold() == wanted.casefold()), None)
    if known is None:
        raise UnknownNameError("template of sncosmo", wanted, registry, where="simulate")
    try:
        source = sncosmo.get_source(known)
    except (URLError, OSError) as error:
        raise DataError(f"template '{known}' is not here: {error}", where="sncosmo", hint=_HINT) from None
    low, high = max(source.minwave(), 1_000.0), min(source.maxwave(), 12_000.0)
    wave = np.arange(np.ceil(low / _STEP) * _STEP, high + 0.1, _STEP)
    phase = np.asarray(source._phase, dtype=np.float64)
    flux = np.asarray(source._flux(phase, wave))
    return (phase, wave, (flux / flux.max()).astype(np.float32)), registry[known]


def salt3() -> Path:
    """The folder of SALT3-F22.

    Raises
    ------
    MissingExtraError, DataError
        sncosmo is not installed, or cannot download it.
    """
    builtins = _sncosmo().builtins
    try:
        folder = Path(builtins.DATADIR.abspath("models/salt3/salt3-f22", isdir=True))
    except (URLError, OSError) as error:
        raise DataError(f"SALT3 is not here: {error}", where="sncosmo", hint=_HINT) from None
    return folder
