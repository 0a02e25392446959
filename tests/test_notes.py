"""Notes: what is noticed on the way, the place in front, each argument as whoever reads it spells it."""

from __future__ import annotations

import pickle

from firstlight.errors import Arg, DataError
from firstlight.notes import Notes, Sentence, worded


def shell(arg: Arg) -> str:
    return f"--{arg.name} {arg.value}"


def test_notes_of_other_places_are_collected_in_one_list() -> None:
    report: list[str] = []
    notes = Notes("night.csv", report)
    notes.add("3 rows without a time")
    notes.at("night.csv, object a").add("no error")
    notes.say("done.")
    assert report == ["night.csv: 3 rows without a time", "night.csv, object a: no error", "done."]
    assert notes.at("elsewhere").lines is report


def test_without_a_place_the_sentence_stands_alone() -> None:
    notes = Notes()
    notes.add("no object")
    assert notes.lines == ["no object"]
    assert str(notes.error("is empty")) == "is empty."


def test_notes_that_nobody_collects_share_nothing() -> None:
    one, other = Notes("a"), Notes("a")
    one.add("seen")
    assert other.lines == []


def test_an_argument_in_a_sentence_is_spelled_by_who_reads_it() -> None:
    notes = Notes("a.csv")
    notes.add(("say ", Arg("survey", "ZTF"), "."))
    notes.add(Arg("survey", "ZTF"))
    assert notes.lines == ["a.csv: say survey='ZTF'.", "a.csv: survey='ZTF'"]
    assert [worded(line, shell) for line in notes.lines] == [
        "a.csv: say --survey ZTF.",
        "a.csv: --survey ZTF",
    ]
    assert worded("plain", shell) == "plain"


def test_a_sentence_is_text_and_travels_with_its_words() -> None:
    sentence = Sentence(("say ", Arg("survey", "ZTF")))
    assert sentence == "say survey='ZTF'" and isinstance(sentence, str)
    again = pickle.loads(pickle.dumps(sentence))
    assert again == sentence and worded(again, shell) == "say --survey ZTF"


def test_an_error_has_the_place_of_its_notes() -> None:
    error = Notes("a.csv").error("has no times", hint=("Say ", Arg("columns", {"time": "NAME"}), "."))
    assert isinstance(error, DataError)
    assert str(error) == "a.csv: has no times. Say columns={'time': NAME}."
    assert error.where == "a.csv"
