"""Which column of a table plays which role: the spellings of ``columns.toml``, and errors that help."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from firstlight.errors import Arg, UnknownNameError, nearest
from firstlight.notes import Notes

Kind = Literal["observation", "object"]


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
        )
        for name, entry in _toml()[kind].items()
    }


@cache
def survey_prefixes() -> Mapping[str, str]:
    """Passband prefixes that name a survey, e.g. ``atlas`` of ``atlaso``."""
    return dict(_toml()["prefix"])


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
        candidates = [name for name in names if name in role.weak]
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
    raise notes.error((text, named(role)))
