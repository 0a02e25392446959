"""What the golden values are made from: small light curves, the same everywhere; and how values are kept."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import firstlight as fl

HILLTOP: dict[str, Any] = {
    "name": "Hilltop",
    "passbands": {
        "w": {"wavelength_um": 0.61, "width_um": 0.35, "depth": 20.5},
        "b": {"wavelength_um": 0.45, "width_um": 0.10, "depth": 20.0},
    },
}
SURVEYS: dict[str, tuple[Any, str]] = {
    "ZTF": ("ZTF", "gri"),
    "LSST": ("LSST", "ugrizy"),
    "Pan-STARRS": ("Pan-STARRS", "grizy"),
    "Hilltop": (HILLTOP, "wb"),
}
CLASSES = ("SN Ia", "SN II", "TDE")
FEW = 300  # numbers of an array that are kept to look at; its hash is that of all


def light(survey: str, objects: int = 6, seed: int = 0) -> fl.LightCurves:
    """Light curves of a survey: one to three seasons, limits, negative fluxes, metadata or none."""
    given, bands = SURVEYS[survey]
    random = np.random.default_rng([seed, len(survey), len(bands)])
    rows: list[tuple[str, float, str, float, float, float]] = []
    for k in range(objects):
        seasons = 1 + k % 3
        for season in range(seasons):
            for day in np.sort(random.integers(0, 8 * 90, 6 + 5 * (k % 4))) / 8.0:
                band = bands[int(random.integers(len(bands)))]
                flux = (
                    10 ** random.uniform(3.6, 5.2) * np.exp(-day / (20.0 + 10 * k)) * random.uniform(0.8, 1.2)
                )
                error = 0.04 * flux + 10 ** random.uniform(2.3, 2.8)
                kind = random.integers(0, 12)
                flux, limit = (np.nan, 5.0 * error) if kind == 0 else (flux, np.nan)
                flux = -flux / 3.0 if kind == 1 else flux
                error = 0.0 if kind == 2 else error
                rows.append(
                    (f"{survey} {k}", 59_000.0 + 365 * season + 40 * k + day, band, flux, error, limit)
                )
    rows.append((f"{survey} dark", 59_010.0, bands[0], 10.0, 500.0, np.nan))
    names = [f"{survey} {k}" for k in range(objects)] + [f"{survey} dark", f"{survey} empty"]
    some = np.where(np.arange(len(names)) % 2 == 0, 1.0, np.nan)
    return fl.LightCurves.from_columns(
        **{
            key: [row[i] for row in rows]
            for i, key in enumerate(("object_id", "time", "passband", "flux", "flux_err", "limit"))
        },
        flux_unit="nJy",
        survey=given,
        objects={
            "object_id": names,
            "redshift": some * random.uniform(0.01, 0.4, len(names)),
            "redshift_err": some * 0.001,
            "mwebv": np.where(np.arange(len(names)) % 3 == 0, np.nan, random.uniform(0.01, 0.3, len(names))),
            "trigger_mjd": np.where(np.arange(len(names)) == 3, 59_130.0, np.nan),
            "label": [CLASSES[k % 3] if k % 4 == 1 else None for k in range(len(names))],
        },
    )


def mixed() -> fl.LightCurves:
    """One table of four surveys, one of them a user's own."""
    return fl.LightCurves.concat([light(name) for name in SURVEYS])


def labelled(survey: str = "ZTF", objects: int = 30, seed: int = 0) -> fl.LightCurves:
    """Objects whose class shows in how fast they fade and in their colour."""
    given, bands = SURVEYS[survey]
    random = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {"object_id": [], "time": [], "passband": [], "flux": [], "flux_err": []}
    for k in range(objects):
        kind, size = k % 3, int(random.integers(4, 13))
        days = np.sort(random.uniform(0, 60, size))
        band = random.integers(0, 2, size)
        flux = (
            20_000 * np.exp(-days / (15 + 25 * kind)) * np.where(band, 1 + kind, 2) * random.uniform(0.7, 1.4)
        )
        error = 0.03 * flux + 50
        columns["object_id"] += [f"o{seed}-{k}"] * size
        columns["time"] += list(59_000 + random.uniform(0, 300) + days)
        columns["passband"] += [bands[b] for b in band]
        columns["flux"] += list(flux + random.normal(size=size) * error * 0.3)
        columns["flux_err"] += list(error)
    objects_table = {
        "object_id": [f"o{seed}-{k}" for k in range(objects)],
        "label": [CLASSES[k % 3] for k in range(objects)],
        "mwebv": random.uniform(0.01, 0.1, objects),
    }
    return fl.LightCurves.from_columns(**columns, survey=given, flux_unit="nJy", objects=objects_table)


# -- how values are kept ---------------------------------------------------------------------------------


def fingerprint() -> dict[str, str]:
    """What decides the last bit of a sum: processor, threads, and the libraries that compute."""
    told = {"python": platform.python_version(), "machine": platform.machine()}
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        said = dict(reversed([line.split(":", 1) for line in lines if ":" in line]))
        features = {key.strip(): value.strip() for key, value in said.items()}
        told["cpu"] = " ".join(features.get(key, "?") for key in ("model name", "cpu family", "model"))
        told["cpu features"] = hashlib.sha256(features.get("flags", "?").encode()).hexdigest()[:12]
    except OSError:
        told["cpu"] = platform.processor()
    told["threads"] = os.environ.get("OMP_NUM_THREADS", "any")
    for name in ("numpy", "pyarrow", "onnxruntime", "torch", "scikit-learn", "sncosmo", "astropy"):
        try:
            told[name] = version(name)
        except PackageNotFoundError:
            told[name] = "none"
    return told


def flat(found: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """Every value as an array: a table by its columns, a text by its lines, None as nothing."""
    for key, value in found.items():
        if isinstance(value, pa.Table):
            for name in value.column_names:
                yield f"{key}/{name}", column(value.column(name))
        elif isinstance(value, str):
            yield key, np.array(value.splitlines() or [""])
        elif isinstance(value, Mapping):
            yield f"{key}/names", np.array([str(name) for name in value])
            yield f"{key}/values", np.array(list(value.values()))
        elif value is not None:
            yield key, np.asarray(value)


def column(values: Any) -> np.ndarray:
    """A column of an Arrow table as an array; missing is NaN or ``None`` in words."""
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_floating(values.type) or (pa.types.is_integer(values.type) and not values.null_count):
        return np.asarray(values.to_numpy(zero_copy_only=False))
    if pa.types.is_boolean(values.type) and not values.null_count:
        return np.asarray(values.to_numpy(zero_copy_only=False))
    return np.array([str(value) for value in values.to_pylist()], dtype=np.str_)


def digest(array: np.ndarray) -> str:
    """SHA-256 of type, shape and values; one NaN is like another."""
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array + np.array(0, array.dtype))
    text = array.dtype.kind == "U"
    content = "\n".join(array.ravel().tolist()).encode() if text else np.ascontiguousarray(array).tobytes()
    head = f"{'text' if text else array.dtype.str} {array.shape}\n".encode()
    return hashlib.sha256(head + content).hexdigest()


def few(array: np.ndarray) -> np.ndarray:
    """About `FEW` of its numbers or 60 of its lines, spread over the rows, to show what differs and where."""
    if array.ndim == 0:
        return array
    row = array[0].size if array.ndim > 1 and len(array) else 1
    most = 60 if array.dtype.kind == "U" else max(FEW // row, 8)
    return array[:: max(-(-len(array) // most), 1)]


# -- comparing -------------------------------------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def alike(found: np.ndarray, kept: np.ndarray, tolerance: float) -> bool:
    """Whether two arrays say the same but for rounding; in text, numbers to their last written digit."""
    if found.shape != kept.shape or found.dtype.kind != kept.dtype.kind:
        return False
    if kept.dtype.kind == "U":
        lines = list(zip(found.ravel().tolist(), kept.ravel().tolist(), strict=True))
        return all(one == other or like_text(one, other, tolerance) for one, other in lines)
    if kept.dtype.kind in "iub":  # decisions: a tie may fall to the other side
        return bool(np.mean(found != kept) <= 0.01) if kept.size else True
    return bool(np.allclose(found, kept, rtol=tolerance, atol=tolerance, equal_nan=True))


def like_text(found: str, kept: str, tolerance: float) -> bool:
    if NUMBER.sub("#", found) != NUMBER.sub("#", kept):
        return False
    for one, other in zip(NUMBER.findall(found), NUMBER.findall(kept), strict=True):
        decimals = len(other.partition(".")[2].partition("e")[0])
        last = 10.0**-decimals * 1.01 if decimals and "e" not in other else 0.0
        if abs(float(one) - float(other)) > max(last, tolerance * max(abs(float(other)), 1.0)):
            return False
    return True
