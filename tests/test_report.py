"""A page says the same as Markdown and as HTML, whatever the names in it."""

from __future__ import annotations

import base64
import html
import math
import pickle
from pathlib import Path

import pytest

from firstlight.errors import UnknownNameError
from firstlight.report import (
    Bullets,
    Heading,
    Page,
    Paragraph,
    Picture,
    Table,
    escaped,
    number,
    plain,
    with_interval,
)

HOSTILE = (
    "a|b",
    "*bold* and __bold__",
    "<script>alert(1)</script>",
    "[here](http://x.y)",
    "`code` \\ back",
    "# no title",
    "1. no list",
    "- no item",
    "a &lt; b",
    "~~gone~~",
    "two\nlines",
)


def page(name: str) -> Page:
    table = Table((name, "n"), ((name, "1"), ("other", number(math.nan))))
    return Page(
        name, (Paragraph(name), Heading(name), table, Bullets((name, "second")), Picture("it", b"PNG"))
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_never_markup_in_html(name: str) -> None:
    text = page(name).html()
    assert text.count(html.escape(name)) == 7  # title, heading 1, paragraph, heading 2, two cells, item
    assert "<script" not in text and "<em>" not in text


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_never_markup_in_markdown(name: str) -> None:
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable(["table", "strikethrough"])
    shown = html.escape(" ".join(name.splitlines()), quote=False)
    rendered = parser.render(page(name).markdown()).replace("&quot;", '"')
    for tag in ("h1", "p", "h2", "th", "td", "li"):
        assert f"<{tag}>{shown}</{tag}>" in rendered


@pytest.mark.parametrize("name", ["SN Iax[02cx-like]", "macro_auroc", "SN Ib/c", "-", "S/N < 5", "1.5 mag"])
def test_names_of_the_field_stay_readable(name: str) -> None:
    assert escaped(name) == name


def test_what_is_not_known_is_a_dash_and_null() -> None:
    assert {number(value) for value in (None, math.nan, math.inf)} == {"-"}
    assert with_interval(0.5, 0.25, 0.75) == "0.500 (0.250-0.750)"
    assert with_interval(0.5, math.nan, math.nan) == "0.500"
    assert with_interval(math.nan, 0.1, 0.2) == "-"
    assert plain({"a": (1.5, math.nan), "b": [math.inf, 3, "x", None]}) == {
        "a": [1.5, None],
        "b": [None, 3, "x", None],
    }


def test_pictures_are_inside_html_and_beside_markdown(tmp_path: Path) -> None:
    one = Page("Study", (Picture("my figure", b"\x89PNG", "what <it> shows"),))
    text = one.write(tmp_path / "deep" / "page.html").read_text(encoding="utf-8")
    assert base64.b64encode(b"\x89PNG").decode() in text and "what &lt;it&gt; shows" in text
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["page.html"]
    text = one.write(tmp_path / "page.md").read_text(encoding="utf-8")
    assert text == "# Study\n\n![my figure](my%20figure.png)\n\nwhat \\<it> shows\n"
    assert (tmp_path / "my figure.png").read_bytes() == b"\x89PNG"
    with pytest.raises(UnknownNameError, match="format of a page"):
        one.write(tmp_path / "page.docx")


def test_a_page_is_a_value() -> None:
    assert pickle.loads(pickle.dumps(page("x"))) == page("x")
