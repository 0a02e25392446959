"""What the package itself holds, so that parametric classes need no data folder: ``compact/*.npz``.

Made by ``scripts/compact_simulation.py`` from the data folder. ``ztf`` and ``lsst`` are samples of places
with their visits; ``dust`` is the SFD map on 3 degrees; ``slsn`` the magnetar fits of Gomez+ 2024 (MIT).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Photosphere:
    """Temperature (K) and log10 radius (cm) against rest days from the r maximum of one SLSN-I."""

    name: str
    phase: Floats
    temperature: Floats
    log_radius: Floats


@dataclass(frozen=True, eq=False)
class PackedVisits:
    """Places (`ra`, `dec`, `offsets` [n + 1]) and their visits: MJD, name of the band, 5-sigma magnitude."""

    time: Floats
    band: NDArray[np.str_]
    limit: Floats
    offsets: NDArray[np.int64]
    ra: Floats
    dec: Floats


def _load(name: str) -> dict[str, NDArray[np.generic]]:
    data = resources.files("firstlight.simulate").joinpath(f"compact/{name}.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as store:
        return {key: store[key] for key in store.files}


@cache
def visits(survey: str) -> PackedVisits:
    """The sample of visits of ``"ztf"`` or ``"lsst"``."""
    store = _load(survey)
    time = store["night"].astype(np.float64) + store["fraction"].astype(np.float64) / 65536.0
    limit = 15.0 + store["limit"].astype(np.float64) / 20.0
    return PackedVisits(
        time,
        store["bands"][store["band"].astype(np.intp)].astype(np.str_),
        limit,
        np.concatenate(([0], np.cumsum(store["count"].astype(np.int64)))),
        store["ra"].astype(np.float64),
        store["dec"].astype(np.float64),
    )


@cache
def dust_map() -> NDArray[np.float32]:
    """SFD E(B-V) [b + 90, l], 3 degrees repeated on one."""
    coarse = _load("dust")["ebv"].astype(np.float32) / 500.0
    return np.repeat(np.repeat(coarse, 3, axis=0), 3, axis=1)


@cache
def photospheres() -> tuple[Photosphere, ...]:
    """The magnetar fits of 265 SLSNe-I."""
    store = _load("slsn")
    phase = store["phase"].astype(np.float64)
    temperature = 10.0 ** (store["temperature"].astype(np.float64) / 10_000.0)
    radius = store["radius"].astype(np.float64) / 3_000.0
    return tuple(
        Photosphere(str(name), phase[i], temperature[i], radius[i]) for i, name in enumerate(store["name"])
    )
