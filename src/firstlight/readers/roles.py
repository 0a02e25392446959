"""Which column of a table plays which role, and in which unit fluxes are: stated, implied, or refused."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import pyarrow as pa

from firstlight import facts
from firstlight.errors import Arg, DataError, UnknownNameError, UsageError, nearest
from firstlight.notes import Notes

Kind = Literal["observation", "object"]


class UnnamedObjectError(DataError):
    """A file does not say which object its rows belong to."""


_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Role:
    """One role, e.g. ``flux``, and the column names that play it (`folded`: the strong ones in any case)."""

    name: str
    what: str
    strong: tuple[str, ...]
    weak: tuple[str, ...]
    folded: frozenset[str]
    unit: Mapping[str, str]
    system: Mapping[str, str]
    prefer: str | None
    bad: Mapping[str, int | str]

    def answers_to(self, name: str) -> bool:
        """Whether a column of this name may play it."""
        return bare(name) in (*self.strong, *self.weak) or name.strip().casefold() in self.folded


@cache
def _toml() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("columns.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def roles(kind: Kind) -> Mapping[str, Role]:
    """All roles of a kind by name: of an observation or of an object."""
    return {
        name: Role(
            name=name,
            what=entry["what"],
            strong=tuple(entry["strong"]),
            weak=tuple(entry["weak"]),
            folded=frozenset(spelling.casefold() for spelling in entry["strong"]),
            unit=entry.get("unit", {}),
            system=entry.get("system", {}),
            prefer=entry.get("prefer"),
            bad=entry.get("bad", {}),
        )
        for name, entry in _toml()[kind].items()
    }


@cache
def survey_prefixes() -> Mapping[str, str]:
    """Passband prefixes that name a survey, e.g. ``atlas`` of ``atlaso``."""
    return dict(_toml()["prefix"])


@cache
def source_prefixes() -> Mapping[str, str]:
    """Beginnings of column names that say which survey a broker had the column from, e.g. ``i:`` of Fink."""
    return dict(_toml()["source"])


def bare(name: str) -> str:
    """The name of a column without the broker's prefix: ``jd`` of ``i:jd``."""
    return name[2:] if name[:2] in source_prefixes() else name


def is_truth(name: str) -> bool:
    """Whether a column holds what only a simulation knows (``SIM_*``, ``true_*``, peak dates)."""
    truth = _toml()["truth"]
    return name in truth["names"] or name.lower().startswith(tuple(truth["starts"]))


def listed(names: Iterable[str], limit: int = 30) -> str:
    """Column names as one readable list, cut after `limit`."""
    names = [str(name) for name in names]
    shown = ", ".join(names[:limit])
    return f"{shown}, … ({len(names)} in all)" if len(names) > limit else shown or "none"


def named(role: str) -> Arg:
    """How a column is named by hand for a role."""
    return Arg("columns", {role: "NAME"})


def column_roles() -> tuple[str, ...]:
    """The roles that a column can be chosen for, e.g. ``time``, ``flux_err``, ``redshift``."""
    return (*roles("observation"), *roles("object"), "nested")


def check_chosen(chosen: Mapping[str, str | None], names: Sequence[str], notes: Notes) -> None:
    """Refuse roles that nobody knows and columns that are not there."""
    known = column_roles()
    for role, column in chosen.items():
        if role not in known:
            raise UnknownNameError("column role", role, known, where=notes.where)
        if column is not None and column not in names:
            near = nearest(column, names)
            raise notes.error(
                f"no column '{column}' for the {role.replace('_', ' ')}. Found: {listed(names)}",
                hint=f"Did you mean '{near}'?" if near else "",
            )


def match(
    names: Sequence[str], kind: Kind, notes: Notes, *, chosen: Mapping[str, str | None]
) -> dict[str, str]:
    """Column by role for the roles that the table plays.

    Parameters
    ----------
    names : sequence of str
        Columns of the table.
    kind : {"observation", "object"}
        Which roles to look for.
    notes : Notes
        Told where several spellings stand for one property of an object.
    chosen : mapping
        Roles settled by the caller; None means that the role is not to be read.

    Raises
    ------
    DataError
        When two columns fit one role.
    """
    free = [name for name in names if name not in chosen.values()]
    found: dict[str, str | None] = {}
    for role in roles(kind).values():
        found[role.name] = chosen[role.name] if role.name in chosen else _spelled(role, free, kind, notes)
    return {role: column for role, column in found.items() if column is not None and column in names}


def _spelled(role: Role, names: Sequence[str], kind: Kind, notes: Notes) -> str | None:
    """The column whose name is one of the spellings of a role: exactly, in any case, or a weak one."""
    candidates = [name for name in names if name in role.strong]
    if not candidates:
        candidates = [name for name in names if name.strip().casefold() in role.folded]
    if not candidates:
        candidates = [name for name in names if bare(name) in role.strong]
    if not candidates:
        candidates = [name for name in names if name in role.weak]
    if len(candidates) > 1 and role.prefer in candidates:
        rest = ", ".join(f"'{name}'" for name in candidates if name != role.prefer)
        notes.add(f"{role.what} is read from '{role.prefer}'; {rest} not used")
        return role.prefer
    if len(candidates) > 1 and kind == "object" and role.strong[0] in candidates:
        rest = ", ".join(f"'{name}'" for name in candidates if name != role.strong[0])
        notes.add(f"{role.what} is read from '{role.strong[0]}'; {rest} not used")
        return role.strong[0]
    if len(candidates) > 1:
        raise notes.error(
            f"{len(candidates)} columns could be the {role.what}: {listed(candidates)}",
            hint=("Name the one to read: ", named(role.name), "."),
        )
    return candidates[0] if candidates else None


def require(found: Mapping[str, str], role: str, names: Sequence[str], notes: Notes) -> str:
    """The column of a role that a table cannot do without.

    Raises
    ------
    DataError
        When there is none, with the columns found and the names that would do.
    """
    if role in found:
        return found[role]
    known = roles("observation")[role]
    expected = ", ".join(dict.fromkeys((*known.strong[:4], *known.weak[:1])))
    text = f"no {known.what} column. Found: {listed(names)}. Expected one of: {expected}, …; or "
    kind = UnnamedObjectError if role == "object_id" else DataError
    raise kind((text, named(role)), where=notes.where)


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
    return facts.zero_point("nJy") - 2.5 * math.log10(float(factor))


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
    implied = roles("observation")["flux"].unit.get(bare(column))
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
