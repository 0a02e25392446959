"""The card of a classifier in Markdown: what it was learnt from, how it was measured, what to beware of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from firstlight.files import sha256_of
from firstlight.learn.recipe import Recipe
from firstlight.learn.training_labels import LEAST_OBJECTS, Labels
from firstlight.lightcurves import LightCurves

FEW_HELD_OUT = 100  # objects, below which a score is called a rough one

_CARD = Template("""# $name

$summary

$about

## Classes

| class | labelled objects |
|---|---|
$table

$notes

$learnt

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


@dataclass(frozen=True)
class Learnt:
    """What a classifier was learnt from, how it answered what was held out, and warnings.

    Attributes
    ----------
    surveys : tuple of str
    objects, observations : int
    content : str
        SHA-256 of the numbers and labels, whatever file they stood in.
    files : mapping of str to str
        SHA-256 of each file that they were read from; empty for what is no file (``sample:ztf``).
    label_lines : tuple of str
        Which class each label counts for, with the number of objects.
    held_out : mapping
        ``objects``, ``macro_auroc`` and ``log_loss`` of labelled objects that a training did not see; empty
        where none was made.
    warnings : tuple of str
    """

    surveys: tuple[str, ...]
    objects: int
    observations: int
    content: str
    files: Mapping[str, str] = field(default_factory=dict)
    label_lines: tuple[str, ...] = ()
    held_out: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        curves: LightCurves,
        labels: Labels,
        *,
        source: Sequence[str | Path] = (),
        label_lines: Sequence[str] = (),
        held_out: Mapping[str, Any] | None = None,
        warnings: Sequence[str] = (),
    ) -> Learnt:
        """What these labelled light curves are; `source` names the files that they were read from."""
        digest = hashlib.sha256("\n".join(str(name) for name in curves.object_id).encode())
        for array in (curves.offsets, curves.time, curves.flux, curves.flux_err, labels.target):
            digest.update(np.ascontiguousarray(array).tobytes())
        seen = [curves.bands[code].survey for code in np.unique(curves.passband[curves.usable])]
        return cls(
            surveys=tuple(dict.fromkeys(seen)),
            objects=len(curves),
            observations=len(curves.time),
            content=digest.hexdigest(),
            files={str(path): _hash_of(Path(path)) for path in source},
            label_lines=tuple(label_lines),
            held_out=held_out or {},
            warnings=(*_label_warnings(labels), *warnings),
        )

    def to_dict(self) -> dict[str, Any]:
        """As ``config.json`` holds it."""
        return {
            "data": {
                "surveys": list(self.surveys),
                "objects": self.objects,
                "observations": self.observations,
                "sha256": self.content,
                "files": {Path(name).name: value for name, value in self.files.items()},
            },
            "label_classes": list(self.label_lines),
            "held_out": dict(self.held_out),
            "warnings": list(self.warnings),
        }

    def markdown(self) -> str:
        """The sections about labels, warnings, data and the held-out score."""
        parts = []
        if self.label_lines:
            parts.append("## Labels\n\n" + _listed(self.label_lines))
        if self.warnings:
            parts.append("## Warnings\n\n" + _listed(self.warnings))
        files = [
            f"{Path(name).name}, SHA-256 {value}" if value else name for name, value in self.files.items()
        ]
        parts.append(
            "## Learnt from\n\n"
            + _listed(
                [
                    f"{self.objects:,} light curves, {self.observations:,} observations of "
                    f"{', '.join(self.surveys) or 'no survey'}",
                    *(files or ["from memory: no file is known"]),
                    f"their content: SHA-256 {self.content}",
                ]
            )
        )
        if self.held_out:
            parts.append("## Held-out score\n\n" + _score(self.held_out))
        return "\n\n".join(parts)


def _hash_of(path: Path) -> str:
    return sha256_of(path) if path.is_file() or path.is_dir() else ""


def _label_warnings(labels: Labels) -> list[str]:
    """What is to be said of the number of labels by class."""
    few = {name: count for name, count in labels.counts.items() if 0 < count < LEAST_OBJECTS}
    told = [
        f"{name} has {count} label{'' if count == 1 else 's'}: too few to learn it from or to measure it by."
        for name, count in few.items()
    ]
    total, most = sum(labels.counts.values()), max(labels.counts.values(), default=0)
    if total and most / total > 0.9:
        name = max(labels.counts, key=labels.counts.__getitem__)
        told.append(f"{most:,} of {total:,} labels are {name}: the others were seen little.")
    return told


def _score(held: Mapping[str, Any]) -> str:
    if "reason" in held:
        return f"None: {held['reason']}."
    words = "a rough number: few objects" if held["objects"] < FEW_HELD_OUT else "last observations"
    return (
        f"Macro AUROC {held['macro_auroc']:.3f}, log loss {held['log_loss']:.3f} ({words}): "
        f"{held['objects']:,} labelled objects, answered by a training of the same kind that "
        "did not see them. The classifier itself saw all labels, and the base may have learnt from some of "
        "these objects."
    )


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def card(
    *,
    name: str,
    summary: str,
    counts: Mapping[str, int],
    preparation: Mapping[str, Any],
    recipe: Sequence[str],
    notes: Sequence[str] = (),
    learnt: Learnt | None = None,
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
        learnt="" if learnt is None else learnt.markdown(),
        notes="\n".join(notes) or "Every labelled object was used.",
        preparation="\n".join(f"- {key}: {_plain(value)}" for key, value in preparation.items()),
        recipe="\n".join(f"- {line}" for line in recipe),
        limits="\n".join(limits),
        licence=licence,
    )
    while "\n\n\n" in text:  # where nothing is said about it
        text = text.replace("\n\n\n", "\n\n")
    return text


def card_settings(first: str, recipe: Recipe, *more: str) -> list[str]:
    """The lines of a card about its recipe."""
    adam = f"Adam {recipe.rate:g}, {recipe.schedule} schedule, batches of {recipe.batch_size}"
    return [first, adam, *more, "every other setting stands in config.json"]


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
