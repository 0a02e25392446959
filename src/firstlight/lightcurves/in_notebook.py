"""What a notebook shows of light curves: a table of the objects, and figures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from firstlight._rooms import verb
from firstlight._types import AnyArray
from firstlight.lightcurves.columnar import Columnar
from firstlight.lightcurves.flags import flag_names
from firstlight.report import Block, Paragraph, Table, in_notebook, number

SHOWN = 10
"""Objects that a notebook shows of many."""


def first_objects(header: Sequence[str], rows: Sequence[Sequence[str]], n: int) -> tuple[Block, ...]:
    """A table of the first objects, and how many there are besides."""
    more = (Paragraph(f"and {n - len(rows):,} more"),) if n > len(rows) else ()
    return (Table(tuple(header), tuple(map(tuple, rows))), *more)


def flags_in_words(flags: AnyArray) -> list[str]:
    """The names of the flags of each object, with commas between them."""
    return [", ".join(flag_names(int(value))) for value in flags]


class InNotebook(Columnar):
    """Light curves as a notebook shows them."""

    def plot(self, object_id: str | None = None, **options: Any) -> Any:
        """The figure of one object, or of the first nine as small panels; shown where pyplot shows figures.

        Parameters
        ----------
        object_id : str, optional
            The object; without it all, up to nine.
        **options
            As for `firstlight.figures.light_curves`: ``brightness``, ``most``.

        Returns
        -------
        array of Axes
            matplotlib's, one an object; ``.figure`` of each is theirs.
        """
        # Through the value itself, so that an object that is not there is named as everywhere.
        chosen: Any = self if object_id is None else self[[object_id]]  # type: ignore[index]
        return verb("figures", "light_curves")(chosen, **options)

    def _repr_html_(self) -> str:
        some = self.objects.slice(0, SHOWN)
        n = some.num_rows
        offsets = self.offsets[: n + 1]
        detected = np.diff(np.concatenate([[0], np.cumsum(self.detected[: offsets[-1]])])[offsets])
        columns: dict[str, list[str]] = {"object_id": some.column("object_id").to_pylist()}
        if "label" in some.column_names:
            columns["label"] = [value or "" for value in some.column("label").to_pylist()]
        if "redshift" in some.column_names:
            columns["redshift"] = [number(value, ".4f") for value in some.column("redshift").to_pylist()]
        columns["observations"] = [f"{count:,}" for count in np.diff(offsets).tolist()]
        columns["detections"] = [f"{count:,}" for count in detected.tolist()]
        ends = [self.time[first:last] for first, last in pairwise(offsets.tolist())]
        columns["MJD"] = [_span(times) for times in ends]
        columns["flags"] = flags_in_words(self.object_flags[:n])
        rows = list(zip(*columns.values(), strict=True))
        return in_notebook(repr(self), *first_objects(tuple(columns), rows, len(self)))


def _span(times: AnyArray) -> str:
    known = times[np.isfinite(times)]
    return f"{known.min():.1f} to {known.max():.1f}" if known.size else "-"
