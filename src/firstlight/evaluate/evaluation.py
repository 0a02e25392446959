"""A classifier measured on labelled light curves, at every stage."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from firstlight._types import Bools, Floats, Ints
from firstlight.classifier import load
from firstlight.errors import DataError, whole_number
from firstlight.evaluate import metrics
from firstlight.evaluate.diagram_points import Reliability, precision_recall, reliability, roc
from firstlight.evaluate.metrics import BY_CLASS
from firstlight.evaluate.resampling import RESAMPLES
from firstlight.evaluate.scores import Score, pick, score, to_csv
from firstlight.evaluate.segments import Segments
from firstlight.evaluate.stages import REPORT_STAGES, Stage, collapse, stage_answers
from firstlight.facts import class_tree, zero_point
from firstlight.files import write_bytes, write_text
from firstlight.report import (
    Block,
    Bullets,
    Heading,
    Page,
    Paragraph,
    Picture,
    Savable,
    Table,
    number,
    plain,
    png,
    with_interval,
)

if TYPE_CHECKING:
    from firstlight.classifier import Predictions
    from firstlight.classifier.readout import Priors
    from firstlight.lightcurves import LightCurves

MIN_BIN = 20  # objects in a bin of peak magnitude
HEADLINES = ("macro_auroc", "macro_f1", "balanced_accuracy", "accuracy", "log_loss", "ece")


class Classifies(Protocol):
    """Anything that answers light curves with predictions."""

    def classify(self, curves: LightCurves) -> Predictions:
        """Predictions of these light curves."""
        ...


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How well a classifier does on labelled light curves, at every stage.

    ``scores`` are tidy rows; ``confusion`` holds the matrix of each stage; ``answers`` the labels and
    probabilities they come from; ``by_magnitude`` scores of the full light curves by peak magnitude
    (``stage`` names the bin); ``notes`` say what was set aside.
    """

    classifier: str
    version: str
    weights: str
    classes: tuple[str, ...]
    counts: Mapping[str, int]
    scores: tuple[Score, ...]
    by_magnitude: tuple[Score, ...]
    confusion: Mapping[str, Ints]
    notes: tuple[str, ...]
    answers: Mapping[str, tuple[Ints, Floats]] = field(repr=False)

    def interval(self, metric: str, of: str = "all", stage: str = "full") -> tuple[float, float, float]:
        """Value and 95 % interval of a measure."""
        row = pick(self.scores, metric, stage, of)
        return row.value, row.lo, row.hi

    def roc(self, stage: str = "full") -> dict[str, tuple[Floats, Floats]]:
        """False and true positive rates of every class."""
        return {name: roc(true, score)[:2] for name, true, score in self._each(stage)}

    def precision_recall(self, stage: str = "full") -> dict[str, tuple[Floats, Floats]]:
        """Recall and precision of every class."""
        return {name: precision_recall(true, score)[:2] for name, true, score in self._each(stage)}

    def reliability(self, stage: str = "full", bins: int = 10) -> dict[str, Reliability]:
        """Reliability bins of the highest probability (under ``""``) and of every class."""
        labels, probabilities = self.answers[stage]
        correct = metrics.decide(probabilities) == labels
        top = metrics.fill_unanswered(probabilities).max(axis=1)
        own = {name: reliability(true, score, bins) for name, true, score in self._each(stage)}
        return {"": reliability(correct, top, bins), **own}

    def base_rates(self, stage: str = "full") -> dict[str, float]:
        """Share of every class: the precision of a guess."""
        labels, _ = self.answers[stage]
        return dict(zip(self.classes, metrics.base_rate(labels, len(self.classes)).tolist(), strict=True))

    def _each(self, stage: str) -> Iterable[tuple[str, Bools, Floats]]:
        labels, probabilities = self.answers[stage]
        filled = metrics.fill_unanswered(probabilities)
        for index, name in enumerate(self.classes):
            if (labels == index).any():
                yield name, labels == index, filled[:, index]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values for JSON; NaN becomes null."""
        found: dict[str, Any] = plain(
            {
                "classifier": self.classifier,
                "version": self.version,
                "weights": self.weights,
                "classes": self.classes,
                "counts": self.counts,
                "notes": self.notes,
                "scores": [asdict(row) for row in self.scores],
                "by_magnitude": [asdict(row) for row in self.by_magnitude],
                "confusion": {stage: table.tolist() for stage, table in self.confusion.items()},
            }
        )
        return found

    def page(self, figures: Mapping[str, Savable] | None = None) -> Page:
        """Scores by stage and class, confusion, peak magnitude, notes; and `figures` where they are given."""
        sizes = ", ".join(f"{name} {count:,}" for name, count in self.counts.items())
        blocks: list[Block] = [
            Paragraph(
                f"{sum(self.counts.values()):,} labelled objects: {sizes}. "
                f"Weights {self.weights[:12] or 'unknown'}. "
                "Brackets: 95 % of resamples of the objects within their classes. "
                "Measures over classes are plain means."
            ),
            *([Bullets(self.notes)] if self.notes else []),
            *(Picture(name, png(figure)) for name, figure in (figures or {}).items()),
        ]
        for title, table in self._tables():
            blocks += [Heading(title), table]
        return Page(f"{self.classifier} {self.version}", tuple(blocks))

    def _tables(self) -> Iterable[tuple[str, Table]]:
        stages = list(dict.fromkeys(row.stage for row in self.scores))
        last = stages[-1]
        yield "By observations seen", _headlines("stage", self.scores, stages)
        rates = self.base_rates(last)
        yield (
            f"By class ({last})",
            Table(
                ("class", "objects", *BY_CLASS, "base rate"),
                tuple(
                    (
                        name,
                        f"{count:,}",
                        *(_text(pick(self.scores, metric, last, name)) for metric in BY_CLASS),
                        number(rates[name]),
                    )
                    for name, count in self.counts.items()
                    if count
                ),
            ),
        )
        counts = zip(self.classes, self.confusion[last].tolist(), strict=True)
        yield (
            f"Confusion ({last}; true class in rows)",
            Table(("", *self.classes), tuple((name, *(f"{n:,}" for n in row)) for name, row in counts)),
        )
        bins = list(dict.fromkeys(row.stage for row in self.by_magnitude))
        if bins:
            title = "By brightest detection (AB magnitude, full light curves)"
            yield title, _headlines("magnitude", self.by_magnitude, bins)

    def _repr_html_(self) -> str:
        return self.page().fragment()

    def to_markdown(self) -> str:
        """The tables of `page` as Markdown."""
        return self.page().markdown()

    def to_html(self, figures: Mapping[str, Savable] | None = None) -> str:
        """One self-contained page: the tables of the Markdown, and `figures` inside it as PNG."""
        return self.page(figures).html()

    def write(self, folder: str | Path, figures: Mapping[str, Savable] | None = None) -> Path:
        """The folder, now with report.json, report.md, report.html, scores.csv and the figures as PNG."""
        home = Path(folder)
        write_text(home / "report.json", json.dumps(self.to_dict(), indent=1))
        self.page().write(home / "report.md")
        self.page(figures).write(home / "report.html")
        write_text(home / "scores.csv", to_csv([*self.scores, *self.by_magnitude]))
        for name, figure in (figures or {}).items():
            write_bytes(home / f"{name}.png", png(figure, dpi=150))
        return home


def _headlines(kind: str, scores: Sequence[Score], stages: Iterable[str]) -> Table:
    rows = (
        (
            stage,
            f"{pick(scores, 'accuracy', stage).n:,}",
            *(_text(pick(scores, metric, stage)) for metric in HEADLINES),
        )
        for stage in stages
    )
    return Table((kind, "objects", *HEADLINES), tuple(rows))


def _text(row: Score) -> str:
    return with_interval(row.value, row.lo, row.hi)


def evaluate(
    classifier: str | Path | Classifies,
    curves: LightCurves,
    *,
    stages: Sequence[Stage | str] = REPORT_STAGES,
    classes: Sequence[str] | None = None,
    priors: Priors = None,
    label: str = "label",
    counting: Callable[[LightCurves, Stage], Bools] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """The report of a classifier on labelled light curves.

    Parameters
    ----------
    classifier : str, Path or Classifier
        A name or path, or anything with ``classify(curves)``.
    curves : LightCurves
        With a column of labels; objects without one are set aside and counted in the notes.
    stages : sequence of Stage or str
        How much of the light curves is seen, as a value or by name (``"5 detections"``). All stages come
        from one classification of the whole light curves, since a probability depends on what came before
        it only.
    classes : sequence of str, optional
        Classes to score. By default those of the classifier that labels stand in, each label counting for
        the finest one that holds it, and a label itself where the classifier is finer (`common_classes`):
        probabilities and labels are both summed up the class tree to them.
    priors : "flat" or mapping, optional
        Class shares to expect, as in `Classifier.classify`.
    label : str
        Column of ``curves.objects`` that holds the labels.
    counting : callable, optional
        Which light curves count at a stage, bool [n]: ``Protocol.reaching`` for the rule of one. All by
        default, also those that never reach so many detections.
    resamples, seed : int
        Bootstrap; 0 resamples for none.

    Raises
    ------
    DataError
        When no labelled object is left.
    """
    resamples, seed = whole_number("resamples", resamples), whole_number("seed", seed)
    if label not in curves.objects.column_names:
        raise DataError(f"light curves without a column '{label}'", hint="Evaluation needs labels.")
    given = [None if name is None or name == "" else str(name) for name in curves.column(label)]
    names = class_tree().collapse_labels(given, class_tree().names)
    cuts = [stage if isinstance(stage, Stage) else Stage.named(stage) for stage in stages]
    model = load(classifier) if isinstance(classifier, (str, Path)) else classifier
    # Priors are an option of classifiers of ours; whatever else answers is asked as it is.
    predictions = model.classify(curves) if priors is None else model.classify(curves, priors=priors)  # type: ignore[call-arg]
    target = tuple(classes) if classes is not None else common_classes(names, predictions.classes)
    collapsed = class_tree().collapse_labels(names, target)
    kept = np.array([name is not None for name in collapsed], dtype=bool)
    if not kept.any():
        raise DataError(
            f"no object carries a label that the classifier knows ({', '.join(predictions.classes)})"
        )
    truth = metrics.encode([name for name in collapsed if name is not None], target)
    place = {name: index for index, name in enumerate(predictions.object_id)}
    order = np.array([place[name] for name in curves.object_id], dtype=np.int64)[kept]
    answers = {}
    for stage in cuts:
        counted = np.ones(truth.size, dtype=bool) if counting is None else counting(curves, stage)[kept]
        values = collapse(stage_answers(predictions, stage)[order], predictions.classes, target)
        if counted.any():
            answers[stage.name] = truth[counted], values[counted]
    scores = tuple(
        row
        for name, (labels, probabilities) in answers.items()
        for row in score(labels, probabilities, target, stage=name, number=resamples, seed=seed)
    )
    whole = collapse(predictions.final()[order], predictions.classes, target)
    magnitude = peak_magnitude(curves)[kept]
    return Evaluation(
        classifier=str(predictions.classifier),
        version=str(predictions.version),
        weights=str(predictions.hash),
        classes=target,
        counts=dict(zip(target, np.bincount(truth, minlength=len(target)).tolist(), strict=True)),
        scores=scores,
        by_magnitude=tuple(_by_magnitude(truth, whole, target, magnitude, resamples, seed)),
        confusion={
            name: metrics.confusion(labels, metrics.decide(values), len(target))
            for name, (labels, values) in answers.items()
        },
        notes=tuple(_notes(names, collapsed, whole, predictions.classes, target)),
        answers=answers,
    )


def common_classes(labels: Sequence[str | None], classes: Sequence[str]) -> tuple[str, ...]:
    """The classes on which labels and a classifier can be compared, in the classifier's order.

    A label counts for the finest class of the classifier that holds it: none of these is ever left out, also
    where one holds another. A label that is coarser than the classifier's classes (``SN Ib/c`` against
    ``SN Ib`` and ``SN Ic``) is compared on itself, unless other labels are finer than it (``SN`` beside
    ``SN Ia``); one that is neither, on none.
    """
    tree, order = class_tree(), [class_tree().canonical(name) for name in classes]
    own: dict[str, int] = {}
    coarser: dict[str, int] = {}
    for label in dict.fromkeys(name for name in labels if name is not None):
        name = tree.canonical(label)
        place = tree.nearest_of(name, order)
        below = [index for index, one in enumerate(order) if tree.is_a(one, name)]
        if place >= 0:
            own[order[place]] = place
        elif below:
            coarser[name] = min(below)
    found = own | coarser
    alone = {name for name in coarser if not any(tree.is_a(one, name) for one in found if one != name)}
    return tuple(sorted([*own, *alone], key=lambda name: found[name]))


def peak_magnitude(curves: LightCurves) -> Floats:
    """AB magnitude of the brightest usable detection of every object, [n]; NaN without one."""
    rows = np.flatnonzero(curves.usable & curves.detected & (curves.flux > 0))
    brightest = Segments(curves.owner[rows], len(curves)).extreme(np.maximum, curves.flux[rows])
    return np.asarray(zero_point("nJy") - 2.5 * np.log10(brightest))


def _by_magnitude(
    labels: Ints, probabilities: Floats, classes: Sequence[str], magnitude: Floats, number: int, seed: int
) -> Iterable[Score]:
    """Scores in whole magnitudes; bins with few objects or one class join the next fainter one."""
    known = np.isfinite(magnitude)
    if not known.any():
        return
    low, high = int(np.floor(magnitude[known].min())), int(np.ceil(magnitude[known].max()))
    start = low
    for edge in range(low + 1, high + 1):
        inside = known & (magnitude >= start) & ((magnitude < edge) | (edge == high))
        if edge < high and (inside.sum() < MIN_BIN or np.unique(labels[inside]).size < 2):
            continue
        if inside.any():
            yield from score(
                labels[inside],
                probabilities[inside],
                classes,
                stage=f"{start}-{edge}",
                number=number,
                seed=seed,
            )
        start = edge


def _notes(
    names: Sequence[str | None],
    collapsed: Sequence[str | None],
    final: Floats,
    source: Sequence[str],
    target: Sequence[str],
) -> Iterable[str]:
    missing = sum(name is None for name in names)
    if missing:
        yield f"{missing:,} objects without a label were set aside."
    pairs = Counter(
        (name, own) for name, own in zip(names, collapsed, strict=True) if name not in (None, own)
    )
    outside = {name: count for (name, own), count in pairs.items() if own is None}
    if outside:
        yield (
            f"{sum(outside.values()):,} objects of labels that no class here stands for were set aside: "
            f"{', '.join(f'{count:,} {name}' for name, count in outside.items())}."
        )
    moved = [f"{name} as {own} ({count:,})" for (name, own), count in pairs.items() if own is not None]
    if moved:
        yield f"Labels counted for the class that holds them: {', '.join(moved)}."
    silent = int((~np.isfinite(final).all(axis=1)).sum())
    if silent:
        yield f"{silent:,} objects had no answer: each counts as an error and as uniform."
    summed = class_tree().collapse_matrix(source, target)
    if set(source) != set(target):
        yield f"Probabilities of {', '.join(source)} were summed up the class tree to {', '.join(target)}."
    dropped = [name for name, row in zip(source, summed, strict=True) if not row.any()]
    if dropped:
        yield (
            f"No label stands in {', '.join(dropped)}: their probabilities were left out and the others "
            "divided by what remains."
        )
