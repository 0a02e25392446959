"""The class tree: synonyms, schemes, parents, and collapsing onto coarser classes."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.facts import ClassTree, class_tree

TREE = class_tree()
ASTROMCAD = [
    "AGN",
    "SLSN-I",
    "SNII",
    "SNIIb",
    "SNIIn",
    "SNIa",
    "SNIa-91bg",
    "SNIax",
    "SNIb",
    "SNIc",
    "SNIc-BL",
    "TDE",
]
ZTF5 = ["SN Ia", "SN II", "SN Ib/c", "SLSN-I", "TDE"]


@pytest.mark.parametrize("name", TREE.names)
def test_every_name_and_synonym_finds_itself_in_any_spelling(name: str) -> None:
    for spelling in (name, *TREE.synonyms[name]):
        for variant in (spelling, spelling.lower(), spelling.replace(" ", "_"), f" {spelling} "):
            assert TREE.canonical(variant) == name


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("SNIa", "SN Ia"),
        ("SN_Ia", "SN Ia"),
        ("sn ia", "SN Ia"),
        ("Ia", "SN Ia"),
        ("SNIbc", "SN Ib/c"),
        ("SNIa-91bg", "SN Ia-91bg-like"),
        ("SNIax", "SN Iax[02cx-like]"),
        ("SLSN", "SLSN"),
        ("KN", "Kilonova"),
    ],
)
def test_spellings_met_in_the_field(label: str, expected: str) -> None:
    assert TREE.canonical(label) == expected


def test_an_unknown_suffix_is_an_error_that_offers_the_class_before_it() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'SN Ia'") as caught:
        TREE.canonical("SNIa-norm")
    assert caught.value.nearest == "SN Ia"


def test_unknown_labels_and_schemes_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="Known: SN,"):
        TREE.canonical("banana")
    with pytest.raises(UnknownNameError, match="Did you mean 'plasticc'"):
        TREE.canonical("90", scheme="plastic")


@pytest.mark.parametrize("number", [90, "90", np.int64(90), 90.0])
def test_numbers_need_a_scheme(number: object) -> None:
    with pytest.raises(UnknownNameError, match="needs a scheme: plasticc, snana, elasticc"):
        TREE.canonical(number)
    assert TREE.canonical(number, scheme="plasticc") == "SN Ia"
    assert TREE.canonical(number, scheme="snana") == "Cepheid"


@pytest.mark.parametrize(
    ("scheme", "label", "expected"),
    [
        ("plasticc", 67, "SN Ia-91bg-like"),
        ("plasticc", 994, "PISN"),
        ("snana", 37, "SN IIb"),
        ("snana", 137, "SN IIb"),
        ("snana", "SNIb+HostXT_V19", "SN Ib"),
        ("elasticc", 2222, "SN Ia"),
        ("elasticc", "2242", "SLSN"),
        ("alerce", "SNIbc", "SN Ib/c"),
        ("alerce", "CV/Nova", "CV"),
        ("alerce", "QSO", "QSO"),
        ("bts", "SN Iax", "SN Iax[02cx-like]"),
        ("astromcad", "SNIc-BL", "SN Ic-BL"),
        ("tns", "SN Ib-Ca-rich", "SN Ib-Ca-rich"),
        ("alerce", "SN Ia-91T-like", "SN Ia-91T-like"),
    ],
)
def test_labels_of_a_scheme(scheme: str, label: object, expected: str) -> None:
    assert TREE.canonical(label, scheme=scheme) == expected


def test_an_unknown_number_of_a_scheme_names_the_scheme() -> None:
    with pytest.raises(UnknownNameError, match="unknown plasticc number '91'"):
        TREE.canonical(91, scheme="plasticc")


def test_all_simulated_types_of_elasticc_have_a_class(shared) -> None:
    text = (shared / "data" / "formats" / "elasticc" / "elasticc_origmap.txt").read_text()
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(rows) > 30
    for number, model in rows:
        assert TREE.canonical(number, scheme="snana") == TREE.canonical(model, scheme="snana")


@pytest.mark.parametrize("folder", ["ztf", "plasticc", "plasticc/mallorn"])
def test_labels_of_the_benchmark_data_are_classes(folder: str, shared) -> None:
    table = pq.read_table(shared / "data" / folder / "objects.parquet")
    for label in set(table.column("label").to_pylist()):
        assert TREE.canonical(label) == label
    if "plasticc_target" in table.column_names:
        pairs = zip(
            table.column("plasticc_target").to_pylist(), table.column("label").to_pylist(), strict=True
        )
        for number, label in set(pairs):
            assert TREE.canonical(number, scheme="plasticc") == label


def test_parents_follow_spectroscopy() -> None:
    assert TREE.ancestors("SN Ia-91bg-like") == ("SN Ia", "SN")
    assert TREE.parent("SN IIb") == TREE.parent("SN IIn") == "SN II"
    for name in ("SN Ib", "SN Ic", "SN Ic-BL", "SN Ibn", "SN Icn"):
        assert TREE.is_a(name, "SN Ib/c")
    assert not TREE.is_a("SN Ia", "SN II")
    assert TREE.parent("TDE") is None
    assert "SLSN-I" in TREE.children("SLSN")


def test_probabilities_of_a_fine_network_collapse_onto_coarse_classes() -> None:
    matrix = TREE.collapse_matrix(ASTROMCAD, ZTF5)
    assert matrix.shape == (12, 5)
    assert matrix.sum(axis=1).tolist() == [0.0] + [1.0] * 11
    assert matrix.sum(axis=0).tolist() == [3.0, 3.0, 3.0, 1.0, 1.0]


def test_a_class_goes_to_its_nearest_ancestor_only() -> None:
    matrix = TREE.collapse_matrix(["SN Ia-91bg-like", "SN Ia-91T-like"], ["SN", "SN Ia", "SN Ia-91bg-like"])
    assert matrix.tolist() == [[0, 0, 1], [0, 1, 0]]
    assert TREE.nearest_of("SN IIP", ["SN", "SN II"]) == 1
    assert TREE.nearest_of("AGN", ["SN"]) == -1


def test_a_target_class_named_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="named twice"):
        TREE.collapse_matrix(["SN Ia"], ["SN Ia", "Ia"])


def test_labels_collapse_and_unknown_ones_are_counted() -> None:
    labels = ["SNIa", None, "SN Ic-BL", "AGN", "SN IIP"]
    assert TREE.collapse_labels(labels, ZTF5) == ["SN Ia", None, "SN Ib/c", None, "SN II"]
    assert TREE.collapse_labels([90, 42], ZTF5, scheme="plasticc") == ["SN Ia", "SN II"]
    with pytest.raises(UnknownNameError, match="2 of 3 labels: unknown class 'SNIa-norm'"):
        TREE.collapse_labels(["SNIa-norm", "SN II", "SNIa-norm"], ZTF5)


def test_a_broken_tree_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="parent class"):
        ClassTree({"a": "b"})
    with pytest.raises(DataError, match="its own ancestor"):
        ClassTree({"a": "b", "b": "a"})
    with pytest.raises(DataError, match="means both"):
        ClassTree({"a": None, "b": None}, synonyms={"a": ("x",), "b": ("x",)})
