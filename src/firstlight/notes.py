"""What is noticed on the way, and where: the value that rooms pass along instead of printing or guessing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from firstlight.errors import Arg, DataError, FirstlightError, Words, in_python, joined, spelled


class Sentence(str):
    """A sentence as Python spells its arguments; the words stay with it for who spells them otherwise."""

    words: Words

    def __new__(cls, words: Words) -> Sentence:
        """The sentence of `words`."""
        sentence = super().__new__(cls, spelled(words))
        sentence.words = words
        return sentence


def worded(line: str, spell: Callable[[Arg], str] = in_python) -> str:
    """A line of a report, the arguments in it spelled by `spell`."""
    return spelled(line.words, spell) if isinstance(line, Sentence) else line


@dataclass(frozen=True)
class Notes:
    """Sentences for the user about one place (a file, a table), collected by whoever called.

    Attributes
    ----------
    where : str
        The place: printed in front of sentences and errors; empty where there is none to name.
    lines : list of str
        All that was noticed so far, shared with the `Notes` of other places of the same call. It belongs to
        the caller (public functions take it as ``report=``). What names an argument is a `Sentence`.
    """

    where: str = ""
    lines: list[str] = field(default_factory=list, compare=False)

    @classmethod
    def of(cls, report: list[str] | None) -> Notes:
        """The notes of a call, kept in the `report` that its caller gave, or for nobody."""
        return cls("", [] if report is None else report)

    def at(self, where: str) -> Notes:
        """Notes of another place, collected with these."""
        return Notes(where, self.lines)

    def say(self, text: Words) -> None:
        """Add a sentence as it is."""
        self.lines.append(text if isinstance(text, str) else Sentence(text))

    def add(self, text: Words) -> None:
        """Add a sentence, the place in front of it."""
        self.say(joined(self.where, text, ": "))

    def error(self, what: Words, *, hint: Words = "") -> DataError:
        """A `DataError` at this place, to be raised."""
        return DataError(what, where=self.where, hint=hint)

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Errors inside name this place, in front of their own."""
        try:
            yield
        except FirstlightError as error:
            error.where = joined(self.where, error.where, ": ")
            raise
