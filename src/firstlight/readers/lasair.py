"""Lasair: alerts and objects of LSST (sources and forced sources) and of ZTF (candidates), as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firstlight.errors import DataError
from firstlight.readers.answers import Row, is_known, load_json, lsst_photometry, object_name, ztf_photometry
from firstlight.readers.photometry import Photometry


def is_lasair(data: Any) -> bool:
    """Whether JSON content is an alert or object of Lasair, or a list of them."""
    if isinstance(data, list):
        return bool(data) and is_lasair(data[0])
    if not isinstance(data, Mapping):
        return False
    inner = _alert(data)
    return any(
        key in inner for key in ("diaSourcesList", "diaSource", "candidates", "prv_candidates", "candidate")
    )


def read_lasair(path: Path, *, object_id: str | int | None = None, report: list[str]) -> Photometry:
    """Photometry of the objects of a Lasair answer or stream message.

    LSST: ``diaSourcesList`` and ``diaForcedSourcesList``, or the packet's ``diaSource``, ``prvDiaSources``,
    ``prvDiaForcedSources``. ZTF: ``candidates``, or ``candidate`` with ``prv_candidates``.

    Parameters
    ----------
    path : Path
        JSON; one object or a list.
    object_id : str, optional
        Name of the object, where the file does not say it (light curves of the form "lite").
    """
    where = path.name
    data = load_json(path)
    items = data if isinstance(data, list) else [data]
    for item in items:
        if not is_lasair(item):
            raise DataError(
                "is no light curve of Lasair", where=where, hint="Expected diaSourcesList or candidates."
            )
    single = path if len(items) == 1 else None
    names = [object_name(object_id, _identity(item), single, where=where, report=report) for item in items]
    metadata = _metadata(items)
    alerts = [_alert(item) for item in items]
    if all(_is_lsst(alert) for alert in alerts):
        lsst = [(name, *_sources(alert)) for name, alert in zip(names, alerts, strict=True)]
        return lsst_photometry(where, lsst, metadata=metadata)
    ztf = [(name, _candidates(alert)) for name, alert in zip(names, alerts, strict=True)]
    return ztf_photometry(where, ztf, metadata=metadata)


def _alert(item: Row) -> Row:
    inner = item.get("alert")
    return inner if isinstance(inner, Mapping) else item


def _is_lsst(alert: Row) -> bool:
    return "diaSourcesList" in alert or "diaSource" in alert


def _sources(alert: Row) -> tuple[list[Row], list[Row]]:
    own = [alert["diaSource"]] if isinstance(alert.get("diaSource"), Mapping) else []
    sources = own + list(alert.get("diaSourcesList") or alert.get("prvDiaSources") or [])
    return sources, list(alert.get("diaForcedSourcesList") or alert.get("prvDiaForcedSources") or [])


def _candidates(alert: Row) -> list[Row]:
    own = [alert["candidate"]] if isinstance(alert.get("candidate"), Mapping) else []
    return own + list(alert.get("candidates") or alert.get("prv_candidates") or [])


def _places(item: Row) -> list[Row]:
    """Where an answer may keep what it says of the object, best first."""
    alert = _alert(item)
    places = [
        item,
        item.get("objectData"),
        alert.get("diaObject"),
        alert.get("diaSource"),
        alert.get("candidate"),
    ]
    return [place for place in places if isinstance(place, Mapping)]


def _identity(item: Row) -> object:
    for place in _places(item):
        for key in ("diaObjectId", "objectId"):
            if place.get(key):
                return place[key]
    return None


def _metadata(items: list[Row]) -> dict[str, list[object]]:
    spellings = {"ra": ("ra", "ramean"), "dec": ("decl", "dec", "decmean"), "mwebv": ("ebv",)}
    return {name: [_first(_places(item), keys) for item in items] for name, keys in spellings.items()}


def _first(places: list[Row], keys: tuple[str, ...]) -> float | None:
    values = (place[key] for place in places for key in keys if is_known(place.get(key)))
    value = next(values, None)
    return None if value is None else float(value)
