"""The figure of the project: an object's light curve above the class probabilities after each observation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight._types import AnyArray
from firstlight.errors import Arg, UnknownNameError, UsageError
from firstlight.figures.panels import (
    TRIGGER,
    Answers,
    Brightness,
    Points,
    draw_points,
    draw_probabilities,
    explain,
    explain_together,
    lines_of,
    two_digits,
)
from firstlight.figures.style import FONT, FOOT, GREY, SMALL, blank, dress, needs_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from firstlight.classifier import Predictions
    from firstlight.lightcurves import LightCurves

BEFORE, AFTER = 30.0, 12.0  # days drawn before the trigger and after the last detection


def light_curve(
    curves: LightCurves,
    predictions: Predictions | None = None,
    *,
    object_id: str | None = None,
    brightness: Brightness = "magnitude",
    days: tuple[float, float] | None = None,
    classified: tuple[float, str] | None = None,
    metadata_used: Sequence[str] = (),
    ax: tuple[Axes, Axes] | None = None,
) -> tuple[Axes, Axes]:
    """Two panels: the light curve, and below it the probability of each class after each observation.

    Parameters
    ----------
    curves : LightCurves
        The object, or the objects among which `object_id` is.
    predictions : Predictions, optional
        Of the same light curves; without it the lower panel says so.
    object_id : str, optional
        Needed when `curves` holds more than one object.
    brightness : {"magnitude", "uJy", "nJy"}
        AB magnitude with bright up, or difference flux.
    days : (float, float), optional
        Days since the first detection to draw; from 30 days before to shortly after the last detection by
        default.
    classified : (float, str), optional
        MJD and type of a spectroscopic classification, drawn as a dashed line.
    metadata_used : sequence of str
        Metadata that the classifier used; a redshift that it did not use is shown without "(used)".
    ax : (Axes, Axes), optional
        Upper and lower panel; a new figure of 7 x 6 inch by default.

    Returns
    -------
    (Axes, Axes)
        The two panels; ``axes[0].figure`` is the figure.

    Raises
    ------
    UnknownNameError
        When `object_id` is not among the light curves.
    MissingExtraError
        Without matplotlib.
    """
    needs_matplotlib("light_curve")
    if brightness not in ("magnitude", "uJy", "nJy"):
        raise UnknownNameError("brightness", brightness, ("magnitude", "uJy", "nJy"))
    one = _one_object(curves, object_id)
    points = _points(one)
    answers = _answers(predictions, one, points)
    if ax is None:
        figure, panels = blank(2, size=(7.0, 6.0), ratios=(3, 2), managed=True)
        figure.subplots_adjust(left=0.1, right=_right(answers), top=0.865, bottom=0.115, hspace=0.05)
        ax = (panels[0], panels[1])
    upper, lower = ax
    low, high = days if days is not None else _span(points)
    symbols = draw_points(upper, points, brightness, low, high)
    draw_probabilities(lower, answers, points, high)
    for panel in ax:
        panel.axvline(0.0, color=GREY, linestyle=":", linewidth=1.0, zorder=0.5)
        if classified is not None and np.isfinite(points.trigger):
            panel.axvline(
                classified[0] - points.trigger, color=GREY, linestyle="--", linewidth=1.0, zorder=0.5
            )
        panel.set_xlim(low, high)
        dress(panel)
    explain(upper, [*symbols, TRIGGER])
    if classified is not None and np.isfinite(points.trigger):
        _note_classification(upper, classified[0] - points.trigger, classified[1], low, high)
    _calendar(upper, points.trigger)
    _titles(upper, lower, one, predictions, answers, points, metadata_used)
    upper.tick_params(labelbottom=False)
    lower.set_xlabel("Days since first detection (observer frame)", fontsize=FONT)
    return upper, lower


def light_curves(
    curves: LightCurves,
    predictions: Predictions | None = None,
    *,
    brightness: Brightness = "magnitude",
    most: int = 9,
) -> AnyArray:
    """The first light curves as small panels, the most probable class of each above it.

    Parameters
    ----------
    curves : LightCurves
    predictions : Predictions, optional
        Of the same light curves.
    brightness : {"magnitude", "uJy", "nJy"}
    most : int
        Panels at most.

    Returns
    -------
    array of Axes
        One an object; ``axes[0].figure`` is the figure, which says how many there are besides.
    """
    needs_matplotlib("light_curves")
    if brightness not in ("magnitude", "uJy", "nJy"):
        raise UnknownNameError("brightness", brightness, ("magnitude", "uJy", "nJy"))
    if len(curves) == 0:
        raise UsageError("no light curves to draw", where="light_curves")
    n = min(len(curves), most)
    across = min(n, 3)
    down = -(-n // across)
    from matplotlib import pyplot

    size = (3.6 * across, 2.6 * down + 0.8) if n > 1 else (7.0, 4.4)
    figure = pyplot.figure(figsize=size, facecolor="white")
    grid = figure.subplots(down, across, squeeze=False).ravel()
    symbols: dict[str, None] = {}
    for panel, one in zip(grid, curves[:n], strict=False):
        points = _points(one)
        low, high = _span(points)
        symbols |= dict.fromkeys(draw_points(panel, points, brightness, low, high))
        panel.axvline(0.0, color=GREY, linestyle=":", linewidth=1.0, zorder=0.5)
        panel.set_xlim(low, high)
        dress(panel)
        panel.set_ylabel("")
        answers = _answers(predictions, one, points)
        said = [_name(one), *_best(answers), *_label(one)]
        panel.set_title("   ".join(said), fontsize=SMALL, loc="left")
    for panel in grid[n:]:
        panel.set_axis_off()
    foot = 0.55 / size[1]
    figure.supxlabel("Days since first detection (observer frame)", fontsize=FONT, y=0.62 * foot)
    unit = "AB magnitude" if brightness == "magnitude" else f"Difference flux ({brightness})"
    figure.supylabel(unit, fontsize=FONT)
    explain_together(figure, list(grid[:n]), curves.passbands, [*symbols, TRIGGER])
    if n < len(curves):
        figure.suptitle(f"{n} of {len(curves):,} objects", fontsize=SMALL, color=GREY, ha="right", x=0.99)
    figure.tight_layout(rect=(0, 0.5 * foot, 1, 1))
    return np.asarray(grid[:n])


def _best(answers: Answers | None) -> list[str]:
    """The most probable class and its probability, where there is one."""
    if answers is None or not answers.days.size:
        return []
    best = int(np.argmax(answers.probabilities[-1]))
    return [f"{answers.classes[best]} {two_digits(float(answers.probabilities[-1, best]))}"]


def _label(one: LightCurves) -> list[str]:
    """What the object is known to be, and from what."""
    label = one.column("label")[0]
    truth = [name for name in one.objects.column_names if name.startswith("sim_")]
    simulated = any(value is not None and value == value for name in truth for value in one.column(name))
    # Nobody says that a label comes from a spectrum.
    return [f"{'simulated as' if simulated else 'label:'} {label}"] if label else []


def _one_object(curves: LightCurves, object_id: str | None) -> LightCurves:
    ids = curves.object_id
    if object_id is None:
        if len(ids) != 1:
            raise UsageError(
                f"{len(ids)} objects to draw in one figure",
                hint=("Name one with ", Arg("object_id", "ID"), "."),
            )
        return curves
    if str(object_id) not in ids:
        raise UnknownNameError("object", object_id, ids)
    return curves.take(np.array([ids.index(str(object_id))]))


def _points(one: LightCurves) -> Points:
    trigger = float("nan")
    if "trigger_mjd" in one.objects.column_names:
        trigger = float(np.asarray(one.column("trigger_mjd"), dtype=np.float64)[0])
    usable = np.asarray(one.usable)
    if not np.isfinite(trigger):
        seen = one.time[usable & one.detected]
        trigger = float(seen[0] if seen.size else one.time[0] if one.time.size else np.nan)
    names = np.array([*one.passbands, "unknown"], dtype=object)
    days = one.time - trigger
    return Points(
        days=days,
        flux=one.flux,
        error=one.flux_err,
        limit=one.limit,
        detected=one.detected,
        usable=usable,
        passband=names[one.passband],
        bands=one.bands,
        trigger=trigger,
    )


def _answers(predictions: Predictions | None, one: LightCurves, points: Points) -> Answers | None:
    """The answers at the usable rows of the object; rows that the classifier passed over only repeat one."""
    if predictions is None:
        return None
    name = one.object_id[0]
    if name not in predictions.object_id:
        raise UnknownNameError("object", name, predictions.object_id, where="predictions")
    place = list(predictions.object_id).index(name)
    rows = slice(int(predictions.offsets[place]), int(predictions.offsets[place + 1]))
    probabilities = np.asarray(predictions.probabilities[rows], dtype=np.float64)
    days = np.asarray(predictions.time[rows], dtype=np.float64) - points.trigger
    given = np.isfinite(probabilities).all(axis=1)
    probabilities, days = probabilities[given], days[given]
    changed = np.ones(days.size, dtype=bool)
    changed[1:] = (probabilities[1:] != probabilities[:-1]).any(axis=1)
    return Answers(tuple(predictions.classes), days[changed], probabilities[changed])


def _span(points: Points) -> tuple[float, float]:
    seen = points.days[points.detected & points.usable & (points.days >= 0)]
    known = points.days[np.isfinite(points.days)]
    if known.size == 0:
        return -BEFORE, AFTER
    last = float(seen.max()) if seen.size else float(known.max())
    first = max(-BEFORE, min(float(known.min()), 0.0))
    room = max(0.04 * (last - first), 1.0)
    return first - room, last + max(room, min(AFTER, 0.1 * (last - first) + 1.0))


def _note_classification(ax: Axes, day: float, name: str, low: float, high: float) -> None:
    right = day > low + 0.75 * (high - low)
    ax.annotate(
        f"spectrum: {name}",
        xy=(day, 0.03),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if right else 4, 0),
        textcoords="offset points",
        rotation=90,
        ha="right" if right else "left",
        va="bottom",
        fontsize=SMALL - 1,
        color=GREY,
    )


def _calendar(ax: Axes, trigger: float) -> None:
    """A second time axis on top in MJD with about five ticks."""
    if not np.isfinite(trigger):
        return
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    ax.tick_params(which="both", top=False)
    top = ax.secondary_xaxis("top", functions=(partial(np.add, trigger), partial(np.add, -trigger)))
    top.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=True))
    plain = ScalarFormatter(useOffset=False)
    plain.set_scientific(False)
    top.xaxis.set_major_formatter(plain)
    top.tick_params(direction="in", labelsize=SMALL - 1, color="0.3", pad=2)
    ax.annotate(
        "MJD",
        xy=(1.0, 1.0),
        xycoords="axes fraction",
        xytext=(19, 4),
        textcoords="offset points",
        fontsize=SMALL - 1,
        annotation_clip=False,
    )


def _titles(
    upper: Axes,
    lower: Axes,
    one: LightCurves,
    predictions: Predictions | None,
    answers: Answers | None,
    points: Points,
    metadata_used: Sequence[str],
) -> None:
    """Name and facts of the object above; classifier, version and hash below."""
    _above(upper, _name(one), 36, fontsize=FONT + 1.5, fontweight="bold")
    facts = _best(answers)
    number = int((points.detected & points.usable & (points.days >= 0)).sum())
    read = number
    if predictions is not None:  # passbands or days that the classifier does not read
        read = int(predictions.n_detections[list(predictions.object_id).index(one.object_id[0])])
    facts.append(f"{f'{read} of ' if read < number else ''}{number} detection{'s' * (number != 1)}")
    if "redshift" in one.objects.column_names:
        redshift = float(np.asarray(one.column("redshift"), dtype=np.float64)[0])
        if np.isfinite(redshift):
            facts.append(f"z = {redshift:.3f}{' (used)' if 'redshift' in metadata_used else ''}")
    facts += _label(one)
    _above(upper, "    ".join(facts), 21, fontsize=FONT)
    if predictions is not None:
        text = f"classifier {predictions.classifier} {predictions.version}"
        mark = str(getattr(predictions, "hash", "") or "")
        text += f", hash {mark[:12]}" if mark else ""
        lower.annotate(
            text,
            xy=(1.0, 0.0),
            xycoords="axes fraction",
            xytext=(0, -38),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=FOOT,
            color=GREY,
            annotation_clip=False,
        )


def _above(ax: Axes, text: str, height: float, **style: Any) -> None:
    """A line of text over the axes, `height` points above their edge and so above the calendar's numbers."""
    ax.annotate(
        text,
        xy=(0.0, 1.0),
        xycoords="axes fraction",
        xytext=(0, height),
        textcoords="offset points",
        ha="left",
        va="baseline",
        annotation_clip=False,
        **style,
    )


def _right(answers: Answers | None) -> float:
    """Right edge of the axes in a new figure: room for the longest of the labels at the end of the lines."""
    longest = (
        max((len(line[0]) for line in lines_of(answers)), default=0) if answers and answers.days.size else 0
    )
    inch = (longest + 6) * SMALL * 0.58 / 72 + 0.3 if longest else 0.45
    return 1.0 - inch / 7.0


def _name(one: LightCurves) -> str:
    """Survey's name and TNS name of the object: ``ZTF18abcdxyz / SN 2018xyz``."""
    names = [one.object_id[0]]
    if "iau_name" in one.objects.column_names:
        iau = one.column("iau_name")[0]
        if iau:
            names.append(str(iau))
    spaced = [re.sub(r"^(SN|AT)(?=\d{4})", r"\1 ", name) for name in names]
    return " / ".join(dict.fromkeys(spaced))
