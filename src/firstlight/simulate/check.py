"""The realism report: simulated against real light curves, class by class, as numbers and as figures.

By class the distributions of peak magnitude, number of detections, duration, rise and decline, and colour,
and the two-sample AUC of `firstlight.simulate.realism`: as simulated, and again after simulated objects were
drawn so that their brightest magnitudes are distributed like the real ones (where it is not known what a
survey classifies).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight._types import Floats
from firstlight.errors import Arg, DataError, UnknownNameError, UsageError, whole_number
from firstlight.evaluate import protocol
from firstlight.facts import class_tree, zero_point
from firstlight.files import write_text
from firstlight.report import Block, Bullets, Page, Paragraph, Picture, Savable, Table, number, plain, png
from firstlight.simulate.realism import FEATURES, features, two_sample

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from firstlight.lightcurves import LightCurves

# What issue and literature compare, in the words of a reader: name of the feature, axis label.
SHOWN: dict[str, str] = {
    "peak_r": "peak, red band (mag)",
    "detections": "detections",
    "span": "first to last detection (d)",
    "rise_days": "rise from half peak (d)",
    "fall_days": "fall to half peak (d)",
    "decline_15_r": "decline in 15 d, red band (mag)",
    "colour_0": "colour at peak (mag)",
    "colour_20": "colour 20 d later (mag)",
}
BANDS = {"ZTF": ("ZTF-g", "ZTF-r"), "LSST": ("LSST-r", "LSST-i")}
REAL = {"ZTF": "ztf-5", "LSST": "plasticc-8"}
PARTS = ("pool", "first-half", "second-half", "wide")
LEAST_DETECTIONS, LEAST_OBJECTS, DAYS = 4, 20, 200.0


@dataclass(frozen=True)
class ClassCheck:
    """One class: numbers of objects, AUC, AUC at equal magnitudes, by group of features, and quantiles.

    `n_matched` simulated objects were left to compare at equal magnitudes.

    `quantiles` by feature: 16, 50 and 84 % of real, then of simulated objects; `important` features, the most
    telling one first.
    """

    label: str
    n_real: int
    n_simulated: int
    auc: float
    auc_matched: float
    n_matched: int
    groups: Mapping[str, float]
    important: tuple[str, ...]
    quantiles: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]

    def separated(self) -> tuple[str, ...]:
        """How well real and simulated objects can be told apart, as a row of a table."""
        groups = ", ".join(f"{name} {value:.2f}" for name, value in self.groups.items())
        matched = f"{_short(self.auc_matched)} ({self.n_matched})"
        counts = str(self.n_real), str(self.n_simulated)
        return self.label, *counts, number(self.auc), matched, groups, ", ".join(self.important[:3])

    def spread(self) -> Iterator[tuple[str, ...]]:
        """The quantiles of real, then of simulated objects, each a row of a table."""
        for side, kind in enumerate(("real", "simulated")):
            cells = (" / ".join(map(_short, self.quantiles[name][side])) for name in SHOWN)
            yield "" if side else self.label, kind, *cells


@dataclass(frozen=True, eq=False)
class RealismReport:
    """How far simulated light curves are from real ones.

    ``values`` are the features by class, of real and of simulated objects.
    """

    survey: str
    real: str
    bands: tuple[str, str]
    classes: tuple[ClassCheck, ...]
    notes: tuple[str, ...]
    values: Mapping[str, tuple[Floats, Floats]] = field(repr=False, default_factory=dict)

    @property
    def median_auc(self) -> float:
        """Median of the classes' AUC at equal magnitudes; NaN where no class has enough objects for it."""
        known = [one.auc_matched for one in self.classes if math.isfinite(one.auc_matched)]
        return float(np.median(known)) if known else math.nan

    def to_json(self) -> str:
        """The report as JSON."""
        told = {
            "survey": self.survey, "real": self.real, "bands": self.bands, "notes": self.notes,
            "median_auc": round(float(np.median([one.auc for one in self.classes])), 4),
            "median_auc_matched": round(self.median_auc, 4), "classes": [asdict(one) for one in self.classes],
        }  # fmt: skip
        return json.dumps(plain(told), indent=1) + "\n"

    def _repr_html_(self) -> str:
        return self.page().fragment()

    def to_markdown(self) -> str:
        """The tables of `page` as Markdown."""
        return self.page().markdown()

    def page(self, figures: Mapping[str, Savable] | None = None) -> Page:
        """What a person reads: how well each class can be told apart, its distributions, and `figures`."""
        measure = (
            "Cross-validated AUC of gradient boosting told to separate simulated from real: 0.5 when nobody "
            f"can, 1.0 when everybody can. Bands {self.bands[0]} and {self.bands[1]}; objects with at least "
            f"{LEAST_DETECTIONS} detections in {DAYS:.0f} d from the trigger."
        )
        median = number(float(np.median([one.auc for one in self.classes])))
        middle = ("median", "", "", median, _short(self.median_auc), "", "")
        separated = Table(
            (
                "class",
                "real",
                "simulated",
                "AUC",
                "AUC, equal magnitudes (n)",
                "groups alone",
                "most telling",
            ),
            (*(one.separated() for one in self.classes), middle),
        )
        spread = Table(
            ("class", "", *SHOWN.values()), tuple(row for one in self.classes for row in one.spread())
        )
        blocks: list[Block] = [Paragraph(measure), separated]
        blocks += [Paragraph("16 / 50 / 84 % of real and of simulated objects:"), spread]
        if self.notes:
            blocks.append(Bullets(self.notes))
        blocks += [Picture(name, png(figure)) for name, figure in (figures or {}).items()]
        return Page(f"Simulated {self.survey} against {self.real}", tuple(blocks))

    def figures(self) -> dict[str, Figure]:
        """A figure a class: the distributions of real (grey) and simulated objects.

        Raises
        ------
        MissingExtraError
            Without matplotlib.
        """
        from firstlight.figures import blank, class_style

        drawn: dict[str, Figure] = {}
        for one in self.classes:
            figure, first = blank(size=(11.0, 4.6))
            first[0].remove()
            axes = figure.subplots(2, 4)
            color = class_style(one.label).color
            for ax, (name, title) in zip(axes.ravel(), SHOWN.items(), strict=True):
                pair = [values[:, FEATURES.index(name)] for values in self.values[one.label]]
                _histogram(ax, pair[0], pair[1], title, color)
            axes[0, 0].legend(frameon=False, fontsize=8)
            figure.suptitle(
                f"{one.label}: AUC {one.auc:.2f}, at equal magnitudes {one.auc_matched:.2f}", x=0.06,
                ha="left", fontsize=10,
            )  # fmt: skip
            figure.subplots_adjust(left=0.06, right=0.985, top=0.89, bottom=0.11, wspace=0.28, hspace=0.42)
            drawn["".join(letter for letter in one.label if letter.isalnum())] = figure
        return drawn

    def write(self, folder: str | Path, figures: Mapping[str, Savable] | None = None) -> Path:
        """Write ``report.md``, ``report.json`` and the figures given as PNG into `folder`."""
        folder = Path(folder)
        self.page(figures).write(folder / "report.md")
        write_text(folder / "report.json", self.to_json())
        return folder


def check(
    simulated: LightCurves, real: LightCurves, *, name: str = "real light curves", seed: int = 0
) -> RealismReport:
    """How real simulated light curves look, by class of the real ones.

    Parameters
    ----------
    simulated, real : LightCurves
        Labelled, with ``trigger_mjd``, of one survey. Finer simulated classes count as the real class that
        they belong to.
    name : str
        What the real ones are, for the report.

    Raises
    ------
    DataError
        No class has 20 objects on both sides, or labels or triggers are missing.
    UnknownNameError
        A survey for which no pair of bands is set.
    """
    seed = whole_number("seed", seed)
    survey = str(simulated.objects["survey"][0].as_py()) if len(simulated) else ""
    if survey not in BANDS:
        raise UnknownNameError("survey with a realism check", survey, BANDS, where="check")
    theirs = [None if label is None else str(label) for label in real.column("label")]
    target = sorted({label for label in theirs if label is not None})
    ours = class_tree().collapse_labels([str(label) for label in simulated.column("label")], target)
    a, b = curve_features(real, BANDS[survey]), curve_features(simulated, BANDS[survey])
    rows, notes, values = [], [], {}
    for label in target:
        x = a[np.array([one == label for one in theirs]) & np.isfinite(a[:, 0])]
        y = b[np.array([one == label for one in ours]) & np.isfinite(b[:, 0])]
        if min(len(x), len(y)) < LEAST_OBJECTS:
            notes.append(f"{label}: {len(x)} real and {len(y)} simulated objects, too few to compare")
            continue
        rows.append(_one_class(label, x, y, seed))
        values[label] = (x, y)
    if not rows:
        raise DataError(
            f"no class has {LEAST_OBJECTS} real and {LEAST_OBJECTS} simulated objects with "
            f"{LEAST_DETECTIONS} detections",
            where="check", hint="; ".join(notes),
        )  # fmt: skip
    return RealismReport(survey, name, BANDS[survey], tuple(rows), tuple(notes), values)


def real_light_curves(survey: str, folder: str | Path, part: str = "pool") -> tuple[LightCurves, str]:
    """Real light curves of a survey to compare with, and what they are, from the folder of its benchmark.

    Parameters
    ----------
    survey : str
        ZTF (benchmark ``ztf-5``) or LSST (``plasticc-8``).
    folder : path
        Where the data of the benchmark lie.
    part : {"pool", "first-half", "second-half", "wide"}
        All of its pool; half of it (choose settings on the first, state the numbers of the second); or the
        wide survey of ``plasticc-8``.
    """
    if survey not in REAL:
        raise UsageError(f"no real light curves of {survey} to compare with are known", where=Arg("check"))
    if part not in PARTS:
        raise UnknownNameError("part of a benchmark", part, PARTS, where=Arg("against"))
    name = REAL[survey]
    found = protocol(name, folder)
    if part == "wide":
        if "wide" not in found.curves:
            raise UsageError(f"{name} has no part 'wide'", where=Arg("against"), hint="plasticc-8 has one.")
        return found.curves["wide"], f"the wide survey of {name}"
    if part == "pool":
        return found.pool, f"the pool of {name}"
    return half(found.pool, int(part == "second-half")), f"the {part.replace('-', ' ')} of {name}'s pool"


def half(curves: LightCurves, which: int) -> LightCurves:
    """Half 0 or 1 of the objects, told apart by their names: settings are chosen on one, scored on the other.

    The same object is in the same half whatever else is in the table.
    """
    names = (str(name).encode() for name in curves.column("object_id"))
    parity = np.array([hashlib.md5(one, usedforsecurity=False).digest()[-1] % 2 for one in names], dtype=int)
    return curves[parity == which]


def _one_class(label: str, real: Floats, simulated: Floats, seed: int) -> ClassCheck:
    found = two_sample(real, simulated, seed=seed)
    alike = _matched(real, simulated, seed)
    matched = (
        two_sample(real, alike, seed=seed, detail=False).auc if len(alike) >= LEAST_OBJECTS else math.nan
    )
    quantiles = {}
    for name in SHOWN:
        at = FEATURES.index(name)
        pair = [values[np.isfinite(values[:, at]), at] for values in (real, simulated)]
        quantiles[name] = tuple(
            tuple(float(q) for q in np.percentile(one, [16, 50, 84])) if len(one) else (math.nan,) * 3
            for one in pair
        )
    return ClassCheck(
        label, len(real), len(simulated), found.auc, matched, len(alike), found.groups,
        tuple(found.importance),
        {key: (value[0], value[1]) for key, value in quantiles.items()},
    )  # fmt: skip


def _brightest(values: Floats) -> Floats:
    pair = values[:, [FEATURES.index("peak_g"), FEATURES.index("peak_r")]]
    return np.asarray(np.nanmin(pair, axis=1))


def _matched(real: Floats, simulated: Floats, seed: int) -> Floats:
    """Simulated objects drawn so that their brightest magnitudes are distributed like the real ones."""
    a, b = _brightest(real), _brightest(simulated)
    count = int(np.clip(len(real) // 12, 3, 16))
    edges = np.quantile(a, np.linspace(0.0, 1.0, count + 1))
    edges[0], edges[-1] = -np.inf, np.inf
    cell = np.clip(np.searchsorted(edges, b, side="right") - 1, 0, count - 1)
    share = np.bincount(cell, minlength=count) / len(b)
    wanted = np.histogram(a, edges)[0] / len(a)
    weight = (wanted / np.maximum(share, 1e-9))[cell]
    # Ends that hardly any simulated object reaches must not empty the rest.
    keep = np.random.default_rng(seed).random(len(b)) < weight / max(float(np.quantile(weight, 0.9)), 1e-9)
    outside = (b < a.min() - 0.25) | (b > a.max() + 0.25)
    return np.asarray(simulated[keep & ~outside])


def curve_features(curves: LightCurves, bands: Sequence[str]) -> Floats:
    """Features [objects, features] of detections in two bands; NaN rows where there are under 4 of them."""
    codes = [curves.passbands.index(name) if name in curves.passbands else -2 for name in bands]
    start = curves.trigger[curves.owner]
    rows = curves.usable & curves.detected & (curves.flux > 0) & np.isin(curves.passband, codes)
    rows &= (curves.time >= start) & (curves.time <= start + DAYS)
    owner, time = curves.owner[rows], curves.time[rows]
    flux, error = curves.flux[rows], curves.flux_err[rows]
    band = np.where(curves.passband[rows] == codes[0], "g", "r")
    mag, err = zero_point("nJy") - 2.5 * np.log10(flux), 2.5 / math.log(10.0) * error / flux
    out = np.full((len(curves), len(FEATURES)), np.nan)
    cuts = np.searchsorted(owner, np.arange(len(curves) + 1))
    for i in range(len(curves)):
        a, b = cuts[i], cuts[i + 1]
        if b - a >= LEAST_DETECTIONS:
            out[i] = features(time[a:b], band[a:b], mag[a:b], err[a:b])
    return np.where(np.isinf(out), np.nan, out)


def _histogram(ax: Any, real: Floats, simulated: Floats, title: str, color: str) -> None:
    from firstlight.figures.style import SMALL, dress

    real, simulated = real[np.isfinite(real)], simulated[np.isfinite(simulated)]
    both = np.concatenate([real, simulated])
    if len(both):
        low, high = np.percentile(both, [0.5, 99.5])
        bins = np.linspace(low, high + 1e-6, 22)
        weights = [np.full(len(one), 1.0 / max(len(one), 1)) for one in (real, simulated)]
        ax.hist(real, bins, weights=weights[0], color="0.82", label="real")
        ax.hist(simulated, bins, weights=weights[1], histtype="step", color=color, lw=1.6, label="simulated")
    ax.set_xlabel(title, fontsize=SMALL)
    ax.set_yticks([])
    dress(ax)


def _short(value: float) -> str:
    return number(value, ".0f" if abs(value) >= 100 else ".3g")
