"""The AB zero point of a flux column: stated by the caller, the column, its name or the file, or refused."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pyarrow as pa

from firstlight import facts
from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.readers.columns import roles

_NJY = facts.zero_point("nJy")
_TOLERANCE = 1e-6


def declared_unit(field: pa.Field) -> str | None:
    """The unit in the metadata of an Arrow field, where readers and astropy write it, or None."""
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    for key in (b"unit", b"units", b"UNIT"):
        if metadata.get(key, b"").strip():
            return metadata[key].decode("utf-8", "replace").strip()
    return None


def unit_zero_point(unit: str, *, where: str, column: str = "") -> float:
    """The AB zero point of a flux unit by name, or of any unit that astropy can turn into Jy.

    Raises
    ------
    DataError
        For magnitudes and for units that are no flux density.
    """
    try:
        return facts.zero_point(unit)
    except UnknownNameError as unknown:
        error = unknown
    if unit.lower().removeprefix("ab").strip("() ") in ("mag", "magnitude", "abmag"):
        raise DataError(
            f"column '{column}' has unit '{unit}': magnitudes are not fluxes",
            where=where,
            hint=f"Say --mag {column} (columns={{'mag': '{column}'}}).",
        )
    from astropy import units

    try:
        factor = units.Unit(unit).to(units.nJy)
    except (ValueError, TypeError, units.UnitConversionError):
        if not column:
            raise error from None
        raise DataError(
            f"column '{column}' has unit '{unit}', which is no flux unit",
            where=where,
            hint=f"Known: {', '.join(facts.units())}.",
        ) from None
    return _NJY - 2.5 * math.log10(float(factor))


def flux_zero_point(
    column: str,
    field: pa.Field,
    error_field: pa.Field | None,
    *,
    flux_unit: str | None,
    zero_point: float | None,
    file_metadata: Mapping[bytes, bytes],
    chosen: bool,
    where: str,
) -> float | None:
    """The AB zero point of a flux column, or None where nothing states it.

    Parameters
    ----------
    column, field
        Name and Arrow field; its metadata may hold ``unit``.
    error_field : pa.Field or None
        The column of errors; a unit that differs is refused.
    flux_unit, zero_point
        What the caller says; not both.
    file_metadata : mapping
        Key-value metadata of the file: ``flux_unit`` or ``zero_point``.
    chosen : bool
        Whether the caller named the column: then what its name implies gives way to what the caller says.

    Raises
    ------
    UsageError
        When unit and zero point are both given.
    DataError
        When two statements differ.
    """
    stated: dict[str, float] = {}
    if flux_unit is not None and zero_point is not None:
        raise UsageError("both a flux unit and a zero point are given", hint="Give one of them.")
    if flux_unit is not None:
        stated[f"--flux-unit {flux_unit}"] = unit_zero_point(flux_unit, where=where)
    if zero_point is not None:
        stated[f"--zero-point {zero_point:g}"] = float(zero_point)
    unit = declared_unit(field)
    if unit is not None:
        stated[f"the unit '{unit}' of column '{column}'"] = unit_zero_point(unit, where=where, column=column)
    implied = roles("observation")["flux"].unit.get(column)
    if implied is not None and not (chosen and stated):
        stated[f"the name '{column}' ({implied})"] = facts.zero_point(implied)
    if not stated:
        stated = _of_file(file_metadata, where=where)
    if error_field is not None and declared_unit(error_field) is not None:
        unit = declared_unit(error_field) or ""
        stated[f"the unit '{unit}' of column '{error_field.name}'"] = unit_zero_point(
            unit, where=where, column=error_field.name
        )
    if not stated:
        return None
    points = list(stated.values())
    if max(points) - min(points) > _TOLERANCE:
        raise DataError(
            f"column '{column}': {' and '.join(stated)} do not agree",
            where=where,
            hint=f"Correct the one that is wrong; to overrule a name, say --flux {column} "
            f"(columns={{'flux': '{column}'}}).",
        )
    return points[0]


def _of_file(metadata: Mapping[bytes, bytes], *, where: str) -> dict[str, float]:
    for key in (b"flux_unit", b"FLUX_UNIT", b"fluxunit"):
        if key in metadata:
            unit = metadata[key].decode("utf-8", "replace").strip()
            return {f"the file's flux unit '{unit}'": unit_zero_point(unit, where=where)}
    for key in (b"zero_point", b"ZEROPOINT", b"zeropoint"):
        if key in metadata:
            text = metadata[key].decode("utf-8", "replace").strip()
            try:
                return {f"the file's zero point {text}": float(text)}
            except ValueError:
                raise DataError(
                    f"zero point '{text}' in the file's metadata is no number", where=where
                ) from None
    return {}


def no_unit(column: str, *, where: str) -> DataError:
    """The error for a flux column of which nothing states the unit."""
    return DataError(
        f"no flux unit. Column '{column}' has no unit; say --flux-unit nJy|uJy|mJy|Jy|FLUXCAL, "
        f"or --zero-point 25.0 (AB); in Python flux_unit= or zero_point=",
        where=where,
    )
