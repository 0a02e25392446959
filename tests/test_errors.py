"""Errors: what is wrong, where and what to do; advice as a value; from one process to another."""

from __future__ import annotations

import copy
import inspect
import multiprocessing
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import firstlight as fl
from firstlight import errors
from firstlight.errors import (
    BLANKS,
    Arg,
    CheckpointError,
    DataError,
    FirstlightError,
    MissingExtraError,
    TrainingError,
    UnknownNameError,
    UsageError,
    in_python,
    joined,
    nearest,
    spelled,
)

HINT = ("If these are Julian dates say ", Arg("time_format", "jd"), ".")
EXAMPLES: dict[type[FirstlightError], FirstlightError] = {
    FirstlightError: FirstlightError("it is broken", where="a.csv", hint="Mend it."),
    DataError: DataError("time 2459000.5 is no MJD", where="a.csv, column 'jd'", hint=HINT),
    UsageError: UsageError(("needs ", Arg("survey"))),
    CheckpointError: CheckpointError("config.json is missing", where="mine"),
    TrainingError: TrainingError("no object has a label"),
    UnknownNameError: UnknownNameError("survey", "ZTFF", ["ZTF", "LSST"], where="mine.csv", hint=HINT),
    MissingExtraError: MissingExtraError("torch", "learn", where="fine_tune"),
}


def shell(arg: Arg) -> str:
    option = "--" + arg.name.replace("_", "-")
    return option if arg.value is None else f"{option} {arg.value}"


def state(error: FirstlightError) -> tuple[object, ...]:
    return type(error), error.args, error.__dict__, str(error), error.text(shell)


def raised(kind_of: str) -> None:
    """What a worker does: runs into an error of its own."""
    if kind_of == "made":
        raise EXAMPLES[DataError]
    fl.survey("ZTFF")


def test_every_kind_of_error_has_an_example_here() -> None:
    found = {
        one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, FirstlightError)
    }
    assert found == set(EXAMPLES)


@pytest.mark.parametrize("error", EXAMPLES.values(), ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_travels_with_all_that_it_says(error: FirstlightError, protocol: int) -> None:
    assert state(pickle.loads(pickle.dumps(error, protocol))) == state(error)
    assert state(copy.copy(error)) == state(error) == state(copy.deepcopy(error))


def test_an_error_with_a_note_keeps_it() -> None:
    error = DataError("it is broken")
    error.add_note("seen in row 3")
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["seen in row 3"]


@pytest.mark.parametrize("way", ["made", "met"])
def test_the_error_of_a_worker_arrives_as_it_was_raised(way: str) -> None:
    """A pool whose results cannot be unpickled waits for ever."""
    expected: type[FirstlightError] = DataError if way == "made" else UnknownNameError
    with multiprocessing.get_context("fork").Pool(1) as pool, pytest.raises(expected) as caught:
        pool.map_async(raised, [way]).get(timeout=60)
    assert "did you mean 'ztf'" in str(caught.value).lower() or caught.value.hint == HINT


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (DataError, ValueError),
        (UsageError, ValueError),
        (CheckpointError, ValueError),
        (TrainingError, ValueError),
        (UnknownNameError, LookupError),
        (MissingExtraError, ImportError),
    ],
)
def test_what_catches_the_builtin_error_catches_ours(kind: type[FirstlightError], builtin: type) -> None:
    assert issubclass(kind, builtin) and issubclass(kind, FirstlightError)
    with pytest.raises(builtin):
        raise EXAMPLES[kind]


# -- the text --------------------------------------------------------------------------------------------


def test_a_message_says_where_what_and_what_to_do() -> None:
    assert str(EXAMPLES[FirstlightError]) == "a.csv: it is broken. Mend it."
    assert str(DataError("it is broken")) == "it is broken."
    assert str(DataError("is it broken?")) == "is it broken?"
    assert str(DataError("it is broken!", hint="Mend it.")) == "it is broken! Mend it."


def test_each_face_spells_an_argument_in_its_own_way() -> None:
    error = EXAMPLES[DataError]
    assert str(error).endswith("If these are Julian dates say time_format='jd'.")
    assert error.text(shell).endswith("If these are Julian dates say --time-format jd.")
    assert str(EXAMPLES[UsageError]) == "needs survey."
    assert EXAMPLES[UsageError].text(shell) == "needs --survey."


@pytest.mark.parametrize(
    ("arg", "text"),
    [
        (Arg("survey"), "survey"),
        (Arg("survey", "ZTF"), "survey='ZTF'"),
        (Arg("object_id", "NAME"), "object_id=NAME"),
        (Arg("zero_point", 31.4), "zero_point=31.4"),
        (Arg("product", ("alerts", "forced")), "product='alerts'|'forced'"),
        (Arg("columns", {"mag": "NAME"}), "columns={'mag': NAME}"),
        (Arg("columns", {"mag": "m", "time": "t"}), "columns={'mag': 'm', 'time': 't'}"),
    ],
)
def test_python_spells_literals(arg: Arg, text: str) -> None:
    assert in_python(arg) == text


def test_blanks_are_shown_without_quotes() -> None:
    assert [in_python(Arg("x", blank)) for blank in BLANKS] == [f"x={blank}" for blank in BLANKS]


WORDS = st.recursive(
    st.text(max_size=5) | st.builds(Arg, st.sampled_from(["survey", "flux_unit"]), st.text(max_size=3)),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@given(first=WORDS, second=WORDS)
def test_words_put_together_are_spelled_one_after_the_other(
    first: errors.Words, second: errors.Words
) -> None:
    assert spelled((first, second)) == spelled(first) + spelled(second)
    if spelled(first) and spelled(second):
        assert spelled(joined(first, second)) == f"{spelled(first)} {spelled(second)}"
    assert spelled(joined("", second)) == spelled(second)
    assert spelled(joined(first, "")) == spelled(first)


@given(words=WORDS)
def test_whoever_spells_the_arguments_gets_each_of_them_once(words: errors.Words) -> None:
    met: list[Arg] = []
    spelled(words, lambda arg: met.append(arg) or "")
    assert len(met) == count(words)


def count(words: errors.Words) -> int:
    return isinstance(words, Arg) or (sum(map(count, words)) if isinstance(words, tuple) else 0)


# -- names -----------------------------------------------------------------------------------------------


def test_an_unknown_name_offers_the_nearest_and_lists_the_known() -> None:
    error = EXAMPLES[UnknownNameError]
    assert isinstance(error, UnknownNameError)
    assert (error.kind, error.name, error.nearest) == ("survey", "ZTFF", "ZTF")
    told = "mine.csv: unknown survey 'ZTFF'. Did you mean 'ZTF'? Known: ZTF, LSST."
    assert str(error).startswith(told) and str(error).endswith("time_format='jd'.")
    assert str(UnknownNameError("class", "x", [])) == "unknown class 'x'."


def test_a_long_list_of_known_names_is_cut() -> None:
    error = UnknownNameError("class", "nothing like it", [f"class {k}" for k in range(50)])
    assert "class 39, …." in str(error) and "class 40" not in str(error)


@given(name=st.sampled_from(["ZTF", "LSST", "Pan-STARRS", "ATLAS"]), other=st.booleans())
def test_a_name_is_its_own_nearest_in_any_case(name: str, other: bool) -> None:
    known = ["ZTF", "LSST", "Pan-STARRS", "ATLAS", "DES"]
    assert nearest(name.lower() if other else name, known) == name


def test_nothing_is_offered_when_nothing_is_near() -> None:
    assert nearest("qqqq", ["ZTF", "LSST"]) is None
    assert nearest("ZTF", []) is None


def test_a_missing_extra_says_the_line_to_type() -> None:
    told = str(EXAMPLES[MissingExtraError])
    assert told.startswith("fine_tune: needs torch, which is not installed. Install it with: ")
    assert told.endswith("pip install 'firstlight[learn]'")
