"""A figure an object: the classified light curves of a table, drawn into files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from firstlight.classifier import Classifier, load
from firstlight.errors import Arg, UnknownNameError, UsageError
from firstlight.figures.light_curve import light_curve
from firstlight.figures.style import needs_matplotlib
from firstlight.files import replacing
from firstlight.lightcurves import LightCurves

SUFFIXES = (".png", ".pdf", ".svg")


def plot(
    classifier: str | Path | Classifier | None,
    curves: LightCurves,
    out: str | Path,
    *,
    ids: Sequence[str] | None = None,
    brightness: Literal["magnitude", "uJy", "nJy"] = "magnitude",
    classes: Sequence[str] | None = None,
    priors: str | Mapping[str, float] | None = None,
    most: int = 100,
) -> list[Path]:
    """The files into which classified light curves were drawn, one figure an object.

    `light_curve` draws one of them into a notebook or into axes of your own.

    Parameters
    ----------
    classifier : str, Path, Classifier or None
        None draws the light curves alone.
    curves : LightCurves
    out : path
        A file .png, .pdf or .svg for one object, or a folder for several.
    ids : sequence of str, optional
        The objects; all by default.
    brightness : {"magnitude", "uJy", "nJy"}
        Axis of the upper panel: AB magnitude, or difference flux.
    classes, priors : optional
        As in `Classifier.classify`.
    most : int
        More figures than this are refused.

    Raises
    ------
    UnknownNameError
        For an object that is not there, or a suffix that is no format of a figure.
    UsageError
        For several objects and one file, or more than `most`.
    MissingExtraError
        Without matplotlib.

    Examples
    --------
    >>> plot("ztf", curves, "tde.png", ids=["ZTF19aapreis"])  # doctest: +SKIP
    """
    needs_matplotlib("plot")
    target = Path(out)
    one_file = bool(target.suffix) and not (target.is_dir() or str(out).endswith("/"))
    if one_file and target.suffix.lower() not in SUFFIXES:
        raise UnknownNameError("format of a figure", target.suffix, SUFFIXES, where=Arg("out"))
    wanted = _chosen(curves, ids, most)
    if one_file and len(wanted) != 1:
        hint = ("Name a folder, or one object with ", Arg("ids"), ".")
        raise UsageError(f"{len(wanted)} objects, one file", where=Arg("out"), hint=hint)
    curves = curves.take([curves.object_id.index(name) for name in wanted])
    predictions, used = None, tuple[str, ...]()
    if classifier is not None:
        model = classifier if isinstance(classifier, Classifier) else load(classifier)
        predictions = model.classify(curves, classes=classes, priors=priors)
        used = tuple(model.preparation.metadata)
    paths = [target] if one_file else [target / f"{name}.png" for name in _file_names(wanted)]
    for name, path in zip(wanted, paths, strict=True):
        upper, _ = light_curve(curves, predictions, object_id=name, brightness=brightness, metadata_used=used)
        _save(upper.figure, path)
    return paths


def _chosen(curves: LightCurves, ids: Sequence[str] | None, most: int) -> list[str]:
    """The objects to draw: those named, or all when they are not too many."""
    known = curves.object_id
    unknown = next((name for name in ids or () if name not in set(known)), None)
    if unknown is not None:
        raise UnknownNameError("object", unknown, known, where=Arg("ids"))
    wanted = list(dict.fromkeys(ids or known))
    if len(wanted) > most:
        raise UsageError(
            f"{len(wanted):,} objects to draw",
            where=Arg("ids"),
            hint=("Name them, or say ", Arg("most", len(wanted)), "."),
        )
    return wanted


def _file_names(object_ids: Sequence[str]) -> list[str]:
    """Object ids without what file names cannot hold; those that become alike are numbered."""
    taken: set[str] = set()  # in lower case: some systems do not tell A from a
    found = []
    for object_id in object_ids:
        stem = re.sub(r"[^\w.+-]+", "_", object_id).strip("._")[:100] or "object"
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        found.append(name)
    return found


def _save(figure: object, path: Path) -> None:
    from matplotlib import pyplot

    with replacing(path) as part:
        figure.savefig(part, format=path.suffix[1:].lower(), dpi=150)  # type: ignore[attr-defined]
    pyplot.close(figure)
