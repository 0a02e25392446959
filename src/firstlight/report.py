"""A page that people read: headings, text, tables and pictures, written as Markdown or as HTML.

One value serves every room that reports. Text is plain text: names of classes, arms and classifiers are
escaped in both forms. A number that is not known is a dash.

Examples
--------
>>> table = Table(("class", "AUROC"), (("SN Ia", number(0.9512)), ("TDE", number(float("nan")))))
>>> print(Page("ztf 2", (Paragraph("90 objects."), Heading("By class"), table)).markdown(), end="")
# ztf 2
<BLANKLINE>
90 objects.
<BLANKLINE>
## By class
<BLANKLINE>
| class | AUROC |
| --- | --- |
| SN Ia | 0.951 |
| TDE | - |
"""

from __future__ import annotations

import base64
import html
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from firstlight.errors import UnknownNameError
from firstlight.files import write_bytes, write_text

UNKNOWN = "-"


class Savable(Protocol):
    """A figure: anything with matplotlib's ``savefig``."""

    @property
    def savefig(self) -> Callable[..., Any]:
        """What writes the figure to a file."""
        ...


@dataclass(frozen=True)
class Heading:
    """The title of what follows; level 1 is that of the page itself."""

    text: str
    level: int = 2

    def markdown(self) -> str:
        """As Markdown."""
        return f"{'#' * self.level} {escaped(self.text)}"

    def html(self) -> str:
        """As HTML."""
        return f"<h{self.level}>{html.escape(self.text)}</h{self.level}>"


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str

    def markdown(self) -> str:
        """As Markdown."""
        return escaped(self.text)

    def html(self) -> str:
        """As HTML."""
        return f"<p>{html.escape(self.text)}</p>"


@dataclass(frozen=True)
class Bullets:
    """A list, a sentence or two an item."""

    items: tuple[str, ...]

    def markdown(self) -> str:
        """As Markdown."""
        return "\n".join(f"- {escaped(item)}" for item in self.items)

    def html(self) -> str:
        """As HTML."""
        return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in self.items) + "</ul>"


@dataclass(frozen=True)
class Table:
    """Rows of text under a header, as wide as it."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As Markdown."""
        lines = [map(escaped, self.header), ["---"] * len(self.header)]
        lines += [map(escaped, row) for row in self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def html(self) -> str:
        """As HTML."""

        def line(cells: Iterable[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        return f"<table><thead>{line(self.header, 'th')}</thead><tbody>{body}</tbody></table>"


@dataclass(frozen=True)
class Picture:
    """A figure as PNG: inside an HTML page, a file beside a Markdown one (``name`` with ``.png``)."""

    name: str
    png: bytes
    caption: str = ""

    @property
    def file(self) -> str:
        """Its file beside a Markdown page."""
        return f"{self.name}.png"

    def markdown(self) -> str:
        """As Markdown, a reference to its file."""
        image = f"![{escaped(self.name)}]({quote(self.file)})"
        return f"{image}\n\n{escaped(self.caption)}" if self.caption else image

    def html(self) -> str:
        """As HTML that holds the picture."""
        data = base64.b64encode(self.png).decode()
        image = f'<img alt="{html.escape(self.name)}" src="data:image/png;base64,{data}">'
        if not self.caption:
            return image
        return f"<figure>{image}<figcaption>{html.escape(self.caption)}</figcaption></figure>"


Block = Heading | Paragraph | Bullets | Table | Picture


@dataclass(frozen=True)
class Page:
    """A title and what stands under it."""

    title: str
    blocks: tuple[Block, ...] = ()

    def markdown(self) -> str:
        """The page as Markdown; pictures are files beside it."""
        return "\n\n".join(block.markdown() for block in (Heading(self.title, 1), *self.blocks)) + "\n"

    def html(self) -> str:
        """The page as HTML that needs no other file."""
        body = "\n".join(block.html() for block in (Heading(self.title, 1), *self.blocks))
        return _HTML.format(title=html.escape(self.title), body=body)

    def fragment(self) -> str:
        """The page as HTML within another one: what a notebook shows of a report."""
        return in_notebook(self.title, *self.blocks)

    def _repr_html_(self) -> str:
        return self.fragment()

    def write(self, path: str | Path) -> Path:
        """`path`, after the page was written there: ``.html`` on its own, ``.md`` with pictures beside it.

        Raises
        ------
        UnknownNameError
            For another suffix.
        """
        goal = Path(path)
        suffix = goal.suffix.lower()
        if suffix == ".html":
            return write_text(goal, self.html())
        if suffix != ".md":
            raise UnknownNameError("format of a page", goal.suffix, (".html", ".md"), where=str(path))
        for block in self.blocks:
            if isinstance(block, Picture):
                write_bytes(goal.with_name(block.file), block.png)
        return write_text(goal, self.markdown())


def png(figure: Savable, dpi: int = 130) -> bytes:
    """A figure as the bytes of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return file.getvalue()


def in_notebook(title: str, *blocks: Block) -> str:
    """What a notebook shows of a value: a title and blocks below it, numbers in line.

    Examples
    --------
    >>> in_notebook("2 objects", Paragraph("ZTF")).count("<p>")
    1
    """
    body = "\n".join(block.html() for block in blocks)
    return f'<div class="firstlight"><style>{_IN_NOTEBOOK}</style><b>{html.escape(title)}</b>\n{body}</div>'


def number(value: float | None, spec: str = ".3f") -> str:
    """A number by a format, a dash where it is not known or not finite.

    Examples
    --------
    >>> number(0.51234), number(1234.5, ",.0f"), number(None), number(float("inf"))
    ('0.512', '1,234', '-', '-')
    """
    return format(value, spec) if value is not None and math.isfinite(value) else UNKNOWN


def with_interval(value: float, lo: float, hi: float, spec: str = ".3f") -> str:
    """A number with its interval in brackets, which go where they are not known.

    Examples
    --------
    >>> with_interval(0.5, 0.4, 0.6), with_interval(0.5, float("nan"), float("nan"))
    ('0.500 (0.400-0.600)', '0.500')
    """
    if not (math.isfinite(value) and math.isfinite(lo) and math.isfinite(hi)):
        return number(value, spec)
    return f"{number(value, spec)} ({number(lo, spec)}-{number(hi, spec)})"


def plain(value: Any) -> Any:
    """A nest of mappings, lists and numbers as JSON can hold it: what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# What Markdown would read as markup. Brackets alone (SN Iax[02cx-like]) and underscores within a word
# (macro_auroc) mean nothing to it, and stay readable.
_MARKUP = re.compile(
    r"[\\`*|]|~(?=~)|(?<![^\W_])_|_(?![^\W_])|<(?=[A-Za-z/!?])|(?<=\])[(\[:]|&(?=#?\w+;)"
    r"|^(?:[#>+-]|\d+[.)])(?=\s)"
)


def escaped(text: str) -> str:
    r"""Plain text as Markdown shows it unchanged, on one line.

    Examples
    --------
    >>> print(escaped("SN Iax[02cx-like] *or* a|b, macro_auroc"))
    SN Iax[02cx-like] \*or\* a\|b, macro_auroc
    """
    line = " ".join(text.splitlines())
    return _MARKUP.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", line)


_IN_NOTEBOOK = (
    ".firstlight table{font-variant-numeric:tabular-nums} .firstlight td,.firstlight th{white-space:nowrap}"
    " .firstlight td:first-child,.firstlight th:first-child{text-align:left}"
)
_HTML = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.45 system-ui, sans-serif; max-width: 66em; margin: 2em auto; color: #222 }}
table {{ border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }}
th, td {{ padding: .25em .7em; text-align: right; border-bottom: 1px solid #ddd }}
th:first-child, td:first-child {{ text-align: left }}
img {{ max-width: 100%; vertical-align: top; margin: .5em }}
</style></head><body>
{body}
</body></html>
"""
