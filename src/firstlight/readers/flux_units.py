"""The AB zero point of a flux column: stated by the caller, the column, its name or the file, or refused."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pyarrow as pa

from firstlight import facts
from firstlight.errors import Arg, DataError, UnknownNameError, UsageError
from firstlight.notes import Notes
from firstlight.readers.roles import roles

_NJY = facts.zero_point("nJy")
_TOLERANCE = 1e-6


def declared_unit(field: pa.Field) -> str | None:
    """The unit in the metadata of an Arrow field, where readers and astropy write it, or None."""
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    for key in (b"unit", b"units", b"UNIT"):
        if metadata.get(key, b"").strip():
            return metadata[key].decode("utf-8", "replace").strip()
    return None


def unit_zero_point(unit: str, notes: Notes, *, column: str = "") -> float:
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
        raise notes.error(
            f"column '{column}' has unit '{unit}': magnitudes are not fluxes",
            hint=("Say ", Arg("columns", {"mag": column}), "."),
        )
    from astropy import units

    try:
        factor = units.Unit(unit).to(units.nJy)
    except (ValueError, TypeError, units.UnitConversionError):
        if not column:
            raise error from None
        raise notes.error(
            f"column '{column}' has unit '{unit}', which is no flux unit",
            hint=f"Known: {', '.join(facts.units())}.",
        ) from None
    return _NJY - 2.5 * math.log10(float(factor))


def flux_zero_point(
    flux: pa.Field,
    flux_err: pa.Field,
    notes: Notes,
    *,
    flux_unit: str | None,
    zero_point: float | None,
    file_metadata: Mapping[bytes, bytes] | None,
    chosen: bool,
) -> float:
    """The AB zero point of a flux column.

    Parameters
    ----------
    flux, flux_err : pa.Field
        The columns; their metadata may hold ``unit``, and units that differ are refused.
    notes : Notes
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
        When two statements differ, or nothing states it.
    """
    column = flux.name
    stated: dict[str | Arg, float] = {}
    if flux_unit is not None and zero_point is not None:
        raise UsageError("both a flux unit and a zero point are given", hint="Give one of them.")
    if flux_unit is not None:
        stated[Arg("flux_unit", flux_unit)] = unit_zero_point(flux_unit, notes)
    if zero_point is not None:
        stated[Arg("zero_point", zero_point)] = float(zero_point)
    unit = declared_unit(flux)
    if unit is not None:
        stated[f"the unit '{unit}' of column '{column}'"] = unit_zero_point(unit, notes, column=column)
    implied = roles("observation")["flux"].unit.get(column)
    if implied is not None and not (chosen and stated):
        stated[f"the name '{column}' ({implied})"] = facts.zero_point(implied)
    if not stated:
        stated = _of_file(file_metadata or {}, notes)
    unit = declared_unit(flux_err)
    if unit is not None:
        what = f"the unit '{unit}' of column '{flux_err.name}'"
        stated[what] = unit_zero_point(unit, notes, column=flux_err.name)
    if not stated:
        raise _no_unit(column, notes)
    points = list(stated.values())
    if max(points) - min(points) > _TOLERANCE:
        sources: list[str | Arg] = []
        for source in stated:
            sources += [" and ", source] if sources else [source]
        raise notes.error(
            (f"column '{column}': ", *sources, " do not agree"),
            hint=(
                "Correct the one that is wrong; to overrule a name, say ",
                Arg("columns", {"flux": column}),
                ".",
            ),
        )
    return points[0]


def _of_file(metadata: Mapping[bytes, bytes], notes: Notes) -> dict[str | Arg, float]:
    for key in (b"flux_unit", b"FLUX_UNIT", b"fluxunit"):
        if key in metadata:
            unit = metadata[key].decode("utf-8", "replace").strip()
            return {f"the file's flux unit '{unit}'": unit_zero_point(unit, notes)}
    for key in (b"zero_point", b"ZEROPOINT", b"zeropoint"):
        if key in metadata:
            text = metadata[key].decode("utf-8", "replace").strip()
            try:
                return {f"the file's zero point {text}": float(text)}
            except ValueError:
                raise notes.error(f"zero point '{text}' in the file's metadata is no number") from None
    return {}


def _no_unit(column: str, notes: Notes) -> DataError:
    """The error for a flux column of which nothing states the unit."""
    units = Arg("flux_unit", ("nJy", "uJy", "mJy", "Jy", "FLUXCAL"))
    text = f"no flux unit. Column '{column}' has no unit; say "
    return notes.error((text, units, ", or ", Arg("zero_point", 25.0), " (AB)"))
