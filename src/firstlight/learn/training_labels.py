"""Labels of light curves under their TNS names, the classes that are learnt, and the folds of labels."""

from __future__ import annotations

import tomllib
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from firstlight._types import Bools, Floats, Ints
from firstlight.errors import Arg, TrainingError, TrainingWarning, UnknownNameError, UsageError, Words, joined
from firstlight.facts import class_tree
from firstlight.lightcurves import LightCurves

LEAST_OBJECTS = 5
LabelMap = Mapping[str, str] | str | Path


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes of n objects.

    Attributes
    ----------
    classes : tuple of str
    target : int64 [n]
        Index of the class, -1 without one.
    unlabelled : int
        Objects without a label: they are not trained on.
    outside : int
        Objects whose label stands under none of the classes: they are not trained on either.
    """

    classes: tuple[str, ...]
    target: Ints
    unlabelled: int
    outside: int

    @property
    def counts(self) -> dict[str, int]:
        """Objects of each class."""
        numbers = np.bincount(self.target[self.target >= 0], minlength=len(self.classes))
        return {name: int(number) for name, number in zip(self.classes, numbers, strict=True)}


def read_names(
    curves: LightCurves, *, labels: LabelMap | None = None, scheme: str | None = None
) -> list[str | None]:
    """The TNS name of each object's label; None where there is none.

    Parameters
    ----------
    curves : LightCurves
        With a column `label` of the objects.
    labels : mapping or path, optional
        Class of each label that is no spelling of one, e.g. ``{"SNIa-norm": "SN Ia"}``; or a TOML file of
        lines ``"SNIa-norm" = "SN Ia"``.
    scheme : str, optional
        Who wrote the labels; needed for numbers (`firstlight.facts.ClassTree.canonical`).

    Raises
    ------
    TrainingError
        Without a column `label`.
    UnknownNameError
        For a label that is no class, with the number of its objects and the nearest class.
    """
    if "label" not in curves.objects.column_names:
        raise TrainingError(
            "the objects have no column 'label'",
            hint=("Say which column holds it, ", Arg("label", "NAME"), ", or join a table of objects."),
        )
    mapped = label_map(labels) if labels is not None else {}
    given = [None if label is None or label == "" else str(label) for label in curves.column("label")]
    known: dict[str | None, str | None] = {None: None}
    for label, count in Counter(label for label in given if label is not None).items():
        try:
            known[label] = class_tree().canonical(mapped.get(label, label), scheme=scheme)
        except UnknownNameError as error:
            error.where = f"Label '{label}' ({count} object{'s' if count > 1 else ''})"
            error.hint = joined(error.hint, ("Map it: ", Arg("labels", {label: "SN Ia"}), "."))
            raise
    return [known[label] for label in given]


def label_map(labels: LabelMap) -> Mapping[str, str]:
    """The class of each label, of a mapping or from a TOML file."""
    if isinstance(labels, Mapping):
        return labels
    path = Path(labels)
    if not path.is_file():
        raise UsageError(f"there is no '{labels}'", where=Arg("labels"))
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"is no TOML: {error}", where=str(path)) from None
    if not all(isinstance(value, str) for value in content.values()):
        raise UsageError('must hold lines of the form "their label" = "class name"', where=str(path))
    return content


def index(names: Sequence[str | None], classes: Sequence[str]) -> Labels:
    """The position of each name's class, itself or its nearest ancestor, among `classes`."""
    tree = class_tree()
    place = {name: tree.nearest_of(name, classes) for name in set(names) if name is not None}
    target = np.array([-1 if name is None else place[name] for name in names], np.int64).reshape(-1)
    unlabelled = sum(name is None for name in names)
    own = tuple(tree.canonical(name) for name in classes)
    return Labels(own, target, unlabelled, int((target < 0).sum()) - unlabelled)


def require(labels: Labels, *, least: int | None = None, what: str = "Fine-tuning") -> None:
    """Raise TrainingError unless two classes have `least` objects each, by default `LEAST_OBJECTS`."""
    least = least or LEAST_OBJECTS
    found = {name: count for name, count in labels.counts.items() if count}
    if sum(count >= least for count in found.values()) >= 2:
        return
    listed = ", ".join(f"{name} {count}" for name, count in found.items()) or "no labelled object"
    hint: Words = "Add labels."
    if least > 1 and what == "Fine-tuning":
        hint = ("Say ", Arg("strategy", "output"), " or add labels.")
    objects = "objects" if least > 1 else "object"
    raise TrainingError(
        f"{what} needs at least 2 classes with {least} {objects} each; found {listed}", hint=hint
    )


def merged_classes(base: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """The base's classes, finer ones replaced by the label that covers them, then the labels that are new.

    Examples
    --------
    >>> merged_classes(["AGN", "SN Ia", "SN Ia-91bg-like", "TDE"], ["SN Ia", "Kilonova"])
    ('AGN', 'SN Ia', 'TDE', 'Kilonova')
    """
    tree = class_tree()
    covered = []
    for name in base:
        place = tree.nearest_of(name, labels)
        covered.append(tree.canonical(labels[place]) if place >= 0 else tree.canonical(name))
    return tuple(dict.fromkeys([*covered, *(tree.canonical(name) for name in labels)]))


def separate_classes(names: Sequence[str]) -> tuple[str, ...]:
    """These classes without those that another one of them holds.

    Examples
    --------
    >>> separate_classes(["SN Ia", "SN Ia-91T-like", "SN Ic", "SN Ib/c", "TDE"])
    ('SN Ia', 'SN Ib/c', 'TDE')
    """
    tree = class_tree()
    own = dict.fromkeys(tree.canonical(name) for name in names)
    return tuple(name for name in own if not any(one in own for one in tree.ancestors(name)))


def tuned_classes(
    base: Sequence[str],
    names: Sequence[str | None],
    classes: Sequence[str] | None = None,
    *,
    overlapping: bool = False,
) -> tuple[str, ...]:
    """The classes of a fine-tuned classifier: none of them holds another.

    By default those of the base and of the labels, finer ones counting for the coarser ones that hold them.

    Parameters
    ----------
    base : sequence of str
        Classes of the base.
    names : sequence of str or None
        TNS name of each object's label.
    classes : sequence of str, optional
        The classes asked for.
    overlapping : bool
        Let classes hold one another: a label then counts for the finest, and a class for what is in none of
        the finer ones.

    Raises
    ------
    UsageError
        When one of the classes asked for holds another.
    TrainingError
        When a label is so coarse that classes would be joined which base and labels both tell apart.
    """
    tree = class_tree()
    if classes is not None:
        own = tuple(tree.canonical(name) for name in classes)
        for name in own:
            above = [one for one in tree.ancestors(name) if one in own]
            if above and not overlapping:
                raise UsageError(
                    f"'{above[0]}' holds '{name}': an object cannot be told to be one and not the other",
                    where=Arg("classes"),
                    hint=("Leave one of them out. Where the coarser label means the rest, say ",
                          Arg("overlapping", True), "."),
                )  # fmt: skip
        return own
    seen = [one for one in tree.names if one in set(names)]
    merged = merged_classes(base, seen)
    if overlapping:
        return merged
    for label in seen:
        _refuse_ambiguous(label, base, seen, names)
    return separate_classes(merged)


def _refuse_ambiguous(
    label: str, base: Sequence[str], seen: Sequence[str], names: Sequence[str | None]
) -> None:
    """Raise TrainingError for a label that the base lacks and that may be several of its labelled classes."""
    tree = class_tree()
    if tree.nearest_of(label, base) >= 0:
        return
    joined_classes = [
        one
        for one in base
        if tree.is_a(one, label) and any(tree.is_a(other, one) for other in seen if other != label)
    ]
    if len(joined_classes) > 1:
        raise TrainingError(
            f"{names.count(label):,} objects are labelled {label}, which may be any of "
            f"{', '.join(joined_classes)}: with it as a class these could no longer be told apart",
            where="labels",
            hint=("Name the classes, ", Arg("classes"), f": with {label} among them they are joined, without "
                  "it these objects are left out."),
        )  # fmt: skip


def label_lines(names: Sequence[str | None], labels: Labels, base: Sequence[str] = ()) -> list[str]:
    """Which class each label counts for, with the number of objects, and classes of the base that vanish."""
    tree = class_tree()
    lines = []
    for name, count in sorted(Counter(name for name in names if name is not None).items()):
        place = tree.nearest_of(name, labels.classes)
        goal = labels.classes[place] if place >= 0 else "left out, under none of the classes"
        lines.append(f"label {name} -> {goal}: {_objects(count)}")
    if labels.unlabelled:
        lines.append(f"no label -> left out: {_objects(labels.unlabelled)}")
    gone = [name for name in map(tree.canonical, base) if name not in labels.classes]
    if gone:
        now = {name: tree.nearest_of(name, labels.classes) for name in gone}
        told = [
            f"{one} (now {labels.classes[k]})" if k >= 0 else f"{one} (left out)" for one, k in now.items()
        ]
        lines.append(f"classes of the base that are no longer told apart: {', '.join(told)}")
    return lines


def _objects(count: int) -> str:
    return f"{count:,} object{'' if count == 1 else 's'}"


def tell(lines: Sequence[str], report: list[str] | None, *, warn: bool = False) -> None:
    """Add lines to a report; where nobody gave one, `warn` makes them a `TrainingWarning`."""
    if report is not None:
        for line in lines:
            report.append(line)  # one by one: whoever listens hears each
    elif warn:
        warnings.warn("\n".join(lines), TrainingWarning, stacklevel=3)


def class_weights(target: Ints, classes: int, power: float) -> Floats:
    """Weights [C] proportional to n_c ** -power, of mean 1 over these objects; 0 for a class without any.

    Only the labels given are counted: weights from labels beyond the budget are a leak. Power 1 balances the
    classes fully, at the price of useless probabilities; 0.5 is the usual compromise.
    """
    counts = np.bincount(target[target >= 0], minlength=classes).astype(np.float64)
    weights = np.where(counts > 0, np.maximum(counts, 1.0) ** -power, 0.0)
    mean = float((weights * counts).sum() / max(counts.sum(), 1.0))
    return weights / mean if mean > 0 else weights


def folds(target: Ints, count: int, rng: np.random.Generator) -> Ints:
    """The fold 0 .. count - 1 of each labelled object, -1 without a label; every class spread evenly."""
    fold = np.full(len(target), -1, np.int64)
    first = 0
    for one in np.unique(target[target >= 0]):
        members = rng.permutation(np.flatnonzero(target == one))
        fold[members] = (first + np.arange(len(members))) % count
        first += len(members)  # go on where the last class ended, so that rare ones do not all meet in fold 0
    return fold


def held_out(target: Ints, share: float, seed: int) -> Bools:
    """Which objects a training with `share` of its labels for validation holds out, bool [n]."""
    return np.asarray(folds(target, max(2, round(1 / share)), np.random.default_rng([seed, 1])) == 0)
