"""The class tree with TNS names: synonyms, parents, and coarser sets of classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.facts.names import Spellings, load_toml
from firstlight.tables.columns import text_of

# SNANA writes GENTYPE + 100 into SNTYPE where an object has photometry only.
_PHOTOMETRIC = {"snana": 100}


@dataclass(frozen=True)
class ClassTree:
    """Classes, their parents and their synonyms; use `class_tree` for the packaged one.

    Attributes
    ----------
    parents : mapping of str to str or None
        The next coarser class of each.
    synonyms : mapping of str to tuple of str
        Other spellings of each class, valid everywhere.
    labels : mapping of str to mapping
        By scheme (``"plasticc"``, ``"snana"``, ...): labels that need one, numbers among them.
    """

    parents: Mapping[str, str | None]
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, parent in self.parents.items():
            if parent is not None and parent not in self.parents:
                raise UnknownNameError("parent class", parent, self.parents, where=f"class '{name}'")
            self.ancestors(name)
        for spelling, one, other in self._spellings.clashes:
            raise DataError(f"'{spelling}' means both {one} and {other}", where="class tree")
        for scheme, table in self.labels.items():
            for label, name in table.items():
                if name not in self.parents:
                    raise UnknownNameError("class", name, self.parents, where=f"{scheme}: '{label}'")

    @property
    def names(self) -> tuple[str, ...]:
        """Every class, coarser ones first within a branch."""
        return tuple(self.parents)

    @property
    def schemes(self) -> tuple[str, ...]:
        """The schemes that `canonical` understands."""
        return ("tns", *self.labels)

    @cached_property
    def _spellings(self) -> Spellings:
        # "SN " is left out as often as it is written: SNII, Type II and II all occur.
        pairs = [(name, name) for name in self.parents]
        pairs += [(spelling, name) for name, spellings in self.synonyms.items() for spelling in spellings]
        return Spellings(pairs)

    @cached_property
    def _schemes(self) -> dict[str, Spellings]:
        return {scheme: Spellings(table.items()) for scheme, table in self.labels.items()}

    def canonical(self, label: object, *, scheme: str | None = None) -> str:
        """The TNS name of a label.

        Parameters
        ----------
        label : str or int
            Any synonym; case, spaces and punctuation do not matter.
        scheme : str, optional
            Who wrote the label; needed for numbers. One of `schemes`.

        Raises
        ------
        UnknownNameError
            With the nearest class; also for a number without a scheme.

        Examples
        --------
        >>> class_tree().canonical("sn_ia"), class_tree().canonical(90, scheme="plasticc")
        ('SN Ia', 'SN Ia')
        """
        found = self._find(text_of(label), scheme)
        if found is None:
            raise self._unknown(text_of(label), scheme)
        return found

    def _find(self, text: str, scheme: str | None) -> str | None:
        if scheme is not None and scheme not in self.schemes:
            raise UnknownNameError("label scheme", scheme, self.schemes)
        if scheme in self._schemes:
            found = self._schemes[scheme].find(text)
            if found is None and scheme in _PHOTOMETRIC and text.isdigit():
                found = self._schemes[scheme].find(str(int(text) - _PHOTOMETRIC[scheme]))
            if found is not None or text.isdigit():
                return found
        return None if text.lstrip("+-").isdigit() else self._spellings.find(text)

    def _unknown(self, text: str, scheme: str | None) -> UnknownNameError:
        if text.lstrip("+-").isdigit():
            if scheme is not None and scheme in self.labels:
                numbers = [label for label in self.labels[scheme] if label.isdigit()]
                return UnknownNameError(f"{scheme} number", text, numbers)
            schemes = [name for name, table in self.labels.items() if any(map(str.isdigit, table))]
            return UnknownNameError("class", text, (), hint=f"A number needs a scheme: {', '.join(schemes)}.")
        near = self._spellings.longest_prefix(text)
        if near is None:
            return UnknownNameError("class", text, self.parents)
        # A suffix that nobody knows ("SNIa-norm"): the class before it is nearer than any look-alike.
        error = UnknownNameError(
            "class", text, (), hint=f"Did you mean '{near}'? Known: {', '.join(self.parents)}."
        )
        error.nearest = near
        return error

    def parent(self, name: str) -> str | None:
        """The next coarser class, or None at a root."""
        return self.parents[self.canonical(name)]

    def ancestors(self, name: str) -> tuple[str, ...]:
        """The coarser classes of `name`, nearest first, without itself.

        Examples
        --------
        >>> class_tree().ancestors("SN Ia-91bg-like")
        ('SN Ia', 'SN')
        """
        chain: list[str] = []
        above = self.parents[name if name in self.parents else self.canonical(name)]
        while above is not None:
            if above in chain:
                raise DataError(f"'{above}' is its own ancestor", where="class tree")
            chain.append(above)
            above = self.parents[above]
        return tuple(chain)

    def children(self, name: str) -> tuple[str, ...]:
        """The classes directly under `name`."""
        name = self.canonical(name)
        return tuple(child for child, parent in self.parents.items() if parent == name)

    def is_a(self, name: str, ancestor: str) -> bool:
        """Whether `name` is `ancestor` or stands under it.

        Examples
        --------
        >>> class_tree().is_a("SN IIn", "SN II")
        True
        """
        name, ancestor = self.canonical(name), self.canonical(ancestor)
        return name == ancestor or ancestor in self.ancestors(name)

    def nearest_of(self, name: str, target: Sequence[str], *, scheme: str | None = None) -> int:
        """The position in `target` of the class or its nearest ancestor there; -1 where there is none."""
        return self._nearest(self.canonical(name, scheme=scheme), self._positions(target))

    def _positions(self, target: Iterable[str]) -> dict[str, int]:
        positions: dict[str, int] = {}
        for index, name in enumerate(target):
            if positions.setdefault(self.canonical(name), index) != index:
                raise UsageError(f"class '{self.canonical(name)}' is named twice among the target classes")
        return positions

    def _nearest(self, name: str, positions: Mapping[str, int]) -> int:
        return next((positions[one] for one in (name, *self.ancestors(name)) if one in positions), -1)

    def collapse_matrix(self, source: Sequence[str], target: Sequence[str]) -> NDArray[np.float64]:
        """The matrix that sums probabilities of `source` classes into `target` classes.

        ``probabilities @ matrix`` are the coarser ones. Shape (len(source), len(target)); 1 where the
        target is the source itself or its nearest ancestor among the targets. A class under no target has a
        row of zeros.

        Examples
        --------
        >>> class_tree().collapse_matrix(["SN Ia", "SN Ia-91bg-like", "AGN"], ["SN Ia", "SN II"]).tolist()
        [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
        """
        positions = self._positions(target)
        matrix = np.zeros((len(source), len(target)))
        for row, name in enumerate(source):
            column = self._nearest(self.canonical(name), positions)
            if column >= 0:
                matrix[row, column] = 1.0
        return matrix

    def collapse_labels(
        self, labels: Iterable[object | None], target: Sequence[str], scheme: str | None = None
    ) -> list[str | None]:
        """Each label's class among `target`, canonical; None where it is missing or under no target.

        Raises
        ------
        UnknownNameError
            For a label that is no class, with the number of objects that carry it.
        """
        labels = list(labels)
        positions = self._positions(target)
        names = list(positions)
        known: dict[object, str | None] = {None: None}
        for label in dict.fromkeys(labels):
            if label is None:
                continue
            found = self._find(text_of(label), scheme)
            if found is None:
                error = self._unknown(text_of(label), scheme)
                error.where = f"{labels.count(label)} of {len(labels)} labels"
                raise error
            column = self._nearest(found, positions)
            known[label] = names[column] if column >= 0 else None
        return [known[label] for label in labels]


@cache
def class_tree() -> ClassTree:
    """The packaged class tree, with TNS names and the label schemes of ``facts/labels.toml``."""
    rows = load_toml("classes.toml")
    return ClassTree(
        parents={name: row.get("parent") for name, row in rows.items()},
        synonyms={name: tuple(row.get("aliases", ())) for name, row in rows.items()},
        labels=load_toml("labels.toml"),
    )
