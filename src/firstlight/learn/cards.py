"""The card of a classifier: the README.md of its checkpoint, written from what is known of its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Template
from typing import Any

_CARD = Template("""# $name

$summary

$about

## Classes

| class | labelled objects |
|---|---|
$table

$notes

## Data and preparation

$preparation

## Recipe

$recipe

## Limits

$limits

## Licence and citation

$licence
""")

LIMITS = (
    "- Trained on the classes above: anything else is put into one of them.",
    "- Probabilities follow the class shares of training; give `priors=` where yours differ.",
    "- Spectroscopic labels prefer bright, near objects: expect less of faint ones.",
)


def card(
    *,
    name: str,
    summary: str,
    counts: Mapping[str, int],
    preparation: Mapping[str, Any],
    recipe: Sequence[str],
    notes: Sequence[str] = (),
    about: str = "",
    limits: Sequence[str] = LIMITS,
    licence: str = "BSD-3-Clause, as firstlight. Cite firstlight and the source of the labels.",
) -> str:
    """The card as Markdown: data, classes, counts, recipe, limits, licence."""
    text = _CARD.substitute(
        name=name,
        summary=summary,
        about=about.strip(),
        table="\n".join(f"| {one} | {count:,} |" for one, count in counts.items()),
        notes="\n".join(notes) or "Every labelled object was used.",
        preparation="\n".join(f"- {key}: {_plain(value)}" for key, value in preparation.items()),
        recipe="\n".join(f"- {line}" for line in recipe),
        limits="\n".join(limits),
        licence=licence,
    )
    return text.replace("\n\n\n\n", "\n\n")  # where nothing is said about it


def _plain(value: object) -> str:
    if value is None:
        return "any"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    if isinstance(value, list | tuple):
        # A passband of a user's own is a table there; its name is enough here.
        names = (one["name"] if isinstance(one, Mapping) else str(one) for one in value)
        return ", ".join(names) or "none"
    return str(value)
