"""What is noticed on the way, and where: the value that rooms pass along instead of printing or guessing."""

from __future__ import annotations

from dataclasses import dataclass, field

from firstlight.errors import DataError, Words


@dataclass(frozen=True)
class Notes:
    """Sentences for the user about one place (a file, a table), collected by whoever called.

    Attributes
    ----------
    where : str
        The place: printed in front of sentences and errors; empty where there is none to name.
    lines : list of Words
        All that was noticed so far, shared with the `Notes` of other places of the same call. It belongs to
        the caller (public functions take it as ``report=``); plain text unless an argument is named.
    """

    where: str = ""
    lines: list[Words] = field(default_factory=list, compare=False)

    def at(self, where: str) -> Notes:
        """Notes of another place, collected with these."""
        return Notes(where, self.lines)

    def say(self, text: Words) -> None:
        """Add a sentence as it is."""
        self.lines.append(text)

    def add(self, text: Words) -> None:
        """Add a sentence, the place in front of it."""
        if not self.where:
            self.say(text)
        elif isinstance(text, tuple):
            self.say((f"{self.where}: ", *text))
        else:
            self.say(f"{self.where}: {text}" if isinstance(text, str) else (f"{self.where}: ", text))

    def error(self, what: Words, *, hint: Words = "") -> DataError:
        """A `DataError` at this place, to be raised."""
        return DataError(what, where=self.where, hint=hint)
