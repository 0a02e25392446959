"""`fl.plot`: a figure an object, into files."""

from __future__ import annotations

from pathlib import Path

import pytest

import firstlight as fl
from firstlight.errors import UnknownNameError, UsageError

pytest.importorskip("matplotlib")


def test_a_figure_an_object_is_written_into_a_folder(tmp_path: Path) -> None:
    names = ["ZTF19aapreis", "SN2018cxa"]
    paths = fl.plot("reference", fl.sample("ztf"), tmp_path / "new", ids=names)
    assert [path.name for path in paths] == [f"{name}.png" for name in names]
    assert all(path.stat().st_size > 10_000 for path in paths)
    (one,) = fl.plot(None, fl.sample("ztf"), tmp_path / "one.svg", ids=names[:1], brightness="uJy")
    assert one.read_text().startswith("<?xml")
    assert {path.name for path in tmp_path.iterdir()} == {"new", "one.svg"}


def test_no_figure_stays_open(tmp_path: Path) -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    fl.plot(None, fl.sample("ztf"), tmp_path / "one.png", ids=["SN2018cxa"])
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize(
    ("out", "options", "kind", "told"),
    [
        ("a.pgn", {}, UnknownNameError, "'.png'"),
        ("a.png", {}, UsageError, "14 objects, one file"),
        ("a", {"most": 3}, UsageError, "ids: 14 objects to draw. Name them, or say most=14"),
        ("a", {"ids": ["ZTF19aapreys"]}, UnknownNameError, "Did you mean 'ZTF19aapreis'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    out: str, options: dict[str, object], kind: type[Exception], told: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=told):
        fl.plot(None, fl.sample("ztf"), tmp_path / out, **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
