"""Objects as brokers serve them, an alert with its history: Lasair, BOOM and Pitt-Google, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers.alert_rows import Row, is_known, lsst_photometry, object_name, ztf_photometry
from firstlight.readers.content import Content

_LSST_LISTS = ("diaSourcesList", "diaSource")
_ZTF_LISTS = ("candidates", "prv_candidates", "candidate", "prv_nondetections", "rows")
# What only rows of LSST have.
_LSST_KEYS = ("midpointMjdTai", "diaSourceId")


def is_alert_object(data: Any) -> bool:
    """Whether JSON content is an object with its alerts, or a list of them."""
    if isinstance(data, list):
        return bool(data) and is_alert_object(data[0])
    return isinstance(data, Mapping) and any(
        _is_rows(_alert(data).get(key)) for key in (*_LSST_LISTS, *_ZTF_LISTS)
    )


def is_boom(data: Any) -> bool:
    """Whether the objects are BOOM's: passbands by name, and non-detections apart."""
    first = data[0] if isinstance(data, list) and data else data
    if not is_alert_object(data):
        return False
    return "prv_nondetections" in first or any(
        "band" in row and "fid" not in row for row in _candidates(first)[:1]
    )


def is_pittgoogle(data: Any) -> bool:
    """Whether it is an object with rows of Pitt-Google's tables."""
    return is_alert_object(data) and isinstance(data, Mapping) and "rows" in data


def is_lasair(data: Any) -> bool:
    """Whether JSON content is an alert or object of Lasair, or a list of them."""
    return is_alert_object(data) and not is_boom(data) and not is_pittgoogle(data)


def is_cone(data: Any) -> bool:
    """Whether it is the answer of a cone search: names and distances, without light curves."""
    first = data[0] if isinstance(data, list) and data else data
    if isinstance(first, Mapping) and isinstance(first.get("nearest"), Mapping):
        first = first["nearest"]
    return isinstance(first, Mapping) and "separation" in first and not is_alert_object(data)


def _is_rows(value: Any) -> bool:
    """A row, or a list of rows, which may be empty."""
    return isinstance(value, Mapping) or (
        isinstance(value, list) and all(isinstance(row, Mapping) for row in value)
    )


def read_alert_objects(content: Content, notes: Notes, *, object_id: str | int | None = None) -> Photometry:
    """Photometry of the objects of an answer, file or stream message of Lasair, BOOM or Pitt-Google.

    LSST: ``diaSourcesList`` and ``diaForcedSourcesList``, or the packet's ``diaSource``, ``prvDiaSources``,
    ``prvDiaForcedSources``. ZTF: ``candidates`` (Lasair) or ``rows`` (Pitt-Google), or ``candidate`` with
    ``prv_candidates`` and ``prv_nondetections``. Magnitudes without ``isdiffpos`` are positive differences.

    Parameters
    ----------
    content : Content
        JSON; one object or a list, in the broker's envelope or without.
    notes : Notes
    object_id : str, optional
        Name of the object, where the file does not say it (light curves of the form "lite").
    """
    data = content.json
    items = data if isinstance(data, list) else [data]
    if is_cone(data):
        raise notes.error(
            f"is a cone search: {len(items)} names with separations, without light curves",
            hint="Ask the broker for each object, e.g. /api/object/ of Lasair.",
        )
    for place, item in enumerate(items, start=1):
        if not is_alert_object(item):
            raise notes.error(
                f"entry {place:,} is no light curve of Lasair, BOOM or Pitt-Google",
                hint="Expected diaSourcesList, candidates, candidate with prv_candidates, or rows.",
            )
    alone = len(items) == 1
    names = [object_name(object_id, _object_id(item), notes, alone=alone) for item in items]
    alerts = [_alert(item) for item in items]
    of_lsst = [_is_lsst(alert) for alert in alerts]
    if any(of_lsst) and not all(of_lsst):
        raise notes.error("holds objects of ZTF and of LSST", hint="Read them apart.")
    metadata = _metadata(items)
    if all(of_lsst):
        lsst = [(name, *_sources(alert)) for name, alert in zip(names, alerts, strict=True)]
        return lsst_photometry(notes.where, lsst, metadata=metadata)
    ztf = [(name, _candidates(alert)) for name, alert in zip(names, alerts, strict=True)]
    unsigned = sum("isdiffpos" not in row and is_known(row.get("magpsf")) for _, rows in ztf for row in rows)
    if unsigned:
        notes.add(f"{unsigned:,} magnitudes without isdiffpos are taken as positive differences")
    return ztf_photometry(notes.where, ztf, metadata=metadata)


def _alert(item: Row) -> Row:
    inner = item.get("alert")
    return inner if isinstance(inner, Mapping) else item


def _is_lsst(alert: Row) -> bool:
    if any(key in alert for key in _LSST_LISTS):
        return True
    return any(key in row for row in _candidates(alert)[:1] for key in _LSST_KEYS)


def _rows(alert: Row, *keys: str) -> list[Row]:
    """The rows of the first of these lists that is there."""
    return next((list(alert[key]) for key in keys if alert.get(key)), [])


def _own(alert: Row, key: str) -> list[Row]:
    return [alert[key]] if isinstance(alert.get(key), Mapping) else []


def _sources(alert: Row) -> tuple[list[Row], list[Row]]:
    sources = _own(alert, "diaSource") + _rows(alert, "diaSourcesList", "prvDiaSources")
    if any(key in alert for key in _LSST_LISTS):
        return sources, _rows(alert, "diaForcedSourcesList", "prvDiaForcedSources")
    return _own(alert, "candidate") + _rows(alert, "prv_candidates", "candidates"), _rows(alert, "fp_hists")


def _candidates(alert: Row) -> list[Row]:
    history = _rows(alert, "candidates", "prv_candidates", "rows")
    return _own(alert, "candidate") + history + _rows(alert, "prv_nondetections")


def _places(item: Row) -> list[Row]:
    """Where an answer may keep what it says of the object, best first."""
    alert = _alert(item)
    places = [
        item,
        item.get("objectData"),
        alert.get("diaObject"),
        alert.get("diaSource"),
        alert.get("candidate"),
        *_candidates(alert)[:1],
    ]
    return [place for place in places if isinstance(place, Mapping)]


def _object_id(item: Row) -> object:
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
