"""A report as text that people read: Markdown, or one self-contained HTML page."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from firstlight.evaluate.metrics import BY_CLASS
from firstlight.evaluate.scores import Score, pick

if TYPE_CHECKING:
    from firstlight.evaluate.report import Report

HEADLINES = ("macro_auroc", "macro_f1", "balanced_accuracy", "accuracy", "log_loss", "ece")


class Savable(Protocol):
    """A figure: anything with ``savefig``."""

    def savefig(self, file: Any, **options: Any) -> None:
        """Write the figure to a file."""
        ...


def markdown(report: Report) -> str:
    """The report as Markdown."""
    parts = [f"# {report.classifier} {report.version}", _introduction(report)]
    parts += [f"## {title}\n\n{_markdown_table(header, rows)}" for title, header, rows in _tables(report)]
    if report.notes:
        parts.append("## Notes\n\n" + "\n".join(f"- {note}" for note in report.notes))
    return "\n\n".join(parts) + "\n"


def page(report: Report, figures: Mapping[str, Savable]) -> str:
    """The report as one HTML page that holds its figures as PNG."""
    name = html.escape(f"{report.classifier} {report.version}")
    body = [f"<h1>{name}</h1>", f"<p>{html.escape(_introduction(report))}</p>"]
    body += [picture(title, figure) for title, figure in figures.items()]
    for title, header, rows in _tables(report):
        body.append(f"<h2>{html.escape(title)}</h2>{html_table(header, rows)}")
    if report.notes:
        items = "".join(f"<li>{html.escape(note)}</li>" for note in report.notes)
        body.append(f"<h2>Notes</h2><ul>{items}</ul>")
    return document(name, body)


def document(title: str, body: Iterable[str]) -> str:
    """A self-contained HTML page of these parts."""
    return _PAGE.format(title=title, body="\n".join(body))


def picture(title: str, figure: Savable) -> str:
    """A figure as an HTML image that holds its PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=130)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="{html.escape(title)}" src="data:image/png;base64,{data}">'


def _introduction(report: Report) -> str:
    sizes = ", ".join(f"{name} {number:,}" for name, number in report.counts.items())
    return (
        f"{sum(report.counts.values()):,} labelled objects: {sizes}. "
        f"Weights {report.weights[:12] or 'unknown'}. "
        "Brackets: 95 % of resamples of the objects within their classes. "
        "Measures over classes are plain means."
    )


def _tables(report: Report) -> Iterable[tuple[str, list[str], list[list[str]]]]:
    """(title, header, rows) of each table."""
    stages = list(dict.fromkeys(row.stage for row in report.scores))
    yield (
        "By observations seen",
        ["stage", "objects", *HEADLINES],
        [
            [stage, f"{pick(report.scores, 'accuracy', stage).n:,}"]
            + [_text(pick(report.scores, metric, stage)) for metric in HEADLINES]
            for stage in stages
        ],
    )
    last = stages[-1]
    present = [name for name, number in report.counts.items() if number]
    rates = report.base_rates(last)
    yield (
        f"By class ({last})",
        ["class", "objects", *BY_CLASS, "base rate"],
        [
            [name, f"{report.counts[name]:,}"]
            + [_text(pick(report.scores, metric, last, name)) for metric in BY_CLASS]
            + [f"{rates[name]:.3f}"]
            for name in present
        ],
    )
    yield (
        f"Confusion ({last}; true class in rows)",
        ["", *report.classes],
        [
            [name, *(f"{number:,}" for number in row)]
            for name, row in zip(report.classes, report.confusion[last].tolist(), strict=True)
        ],
    )
    bins = list(dict.fromkeys(row.stage for row in report.by_magnitude))
    if bins:
        yield (
            "By brightest detection (AB magnitude, full light curves)",
            ["magnitude", "objects", *HEADLINES],
            [
                [name, f"{pick(report.by_magnitude, 'accuracy', name).n:,}"]
                + [_text(pick(report.by_magnitude, metric, name)) for metric in HEADLINES]
                for name in bins
            ],
        )


def _text(row: Score) -> str:
    if not np.isfinite(row.value):
        return "-"
    return f"{row.value:.3f}" if not np.isfinite(row.lo) else f"{row.value:.3f} ({row.lo:.3f}-{row.hi:.3f})"


def _markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of text as HTML."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_PAGE = """<!DOCTYPE html>
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
