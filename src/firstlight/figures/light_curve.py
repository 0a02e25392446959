"""The figure of the project: an object's light curve above the class probabilities after each observation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import UnknownNameError, UsageError
from firstlight.figures.style import (
    FONT,
    FOOT,
    GREY,
    SMALL,
    blank,
    class_style,
    dress,
    needs_matplotlib,
    passband_style,
    spread,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from firstlight.classifier import Predictions
    from firstlight.lightcurves import LightCurves

Brightness = Literal["magnitude", "uJy", "nJy"]
Floats = NDArray[np.float64]

AB_NJY = 31.4
MEASURED_SNR = 3.0  # below, a measurement is shown as its limit in magnitudes
LIMIT_SNR = 5.0
MERGED_BELOW = 0.05  # classes that never exceed this are one grey line
MAX_END_LABELS = 6
FAINT = 0.4  # opacity before the trigger
NOT_USED = "not used"
BEFORE, AFTER = 30.0, 12.0  # days drawn before the trigger and after the last detection


@dataclass(frozen=True, eq=False)
class _Points:
    """The rows of one object, ready to draw; `days` since the trigger."""

    days: Floats
    flux: Floats
    error: Floats
    limit: Floats
    detected: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    passband: NDArray[Any]
    trigger: float


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
    """Two panels that share the time axis: the light curve, and the probability of each class after each observation.

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
        Days since the first detection to draw; from 30 days before to shortly after the last detection by default.
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
    _draw_points(upper, points, brightness, low, high)
    _draw_probabilities(lower, answers, points, high)
    for panel in ax:
        panel.axvline(0.0, color=GREY, linestyle=":", linewidth=1.0, zorder=0.5)
        if classified is not None and np.isfinite(points.trigger):
            panel.axvline(classified[0] - points.trigger, color=GREY, linestyle="--", linewidth=1.0, zorder=0.5)
        panel.set_xlim(low, high)
        dress(panel)
    if classified is not None and np.isfinite(points.trigger):
        _note_classification(upper, classified[0] - points.trigger, classified[1], low, high)
    _calendar(upper, points.trigger)
    _titles(upper, lower, one, predictions, answers, points, metadata_used)
    upper.tick_params(labelbottom=False)
    lower.set_xlabel("Days since first detection (observer frame)", fontsize=FONT)
    return upper, lower


# --- what is drawn --------------------------------------------------------------------------------------------------


def _one_object(curves: LightCurves, object_id: str | None) -> LightCurves:
    ids = [str(name) for name in curves.column("object_id")]
    if object_id is None:
        if len(ids) != 1:
            raise UsageError(f"{len(ids)} objects to draw in one figure", hint="Name one with object_id=.")
        return curves
    if str(object_id) not in ids:
        raise UnknownNameError("object", object_id, ids)
    return curves.take(np.array([ids.index(str(object_id))]))


def _points(one: LightCurves) -> _Points:
    trigger = float("nan")
    if "trigger_mjd" in one.objects.column_names:
        trigger = float(np.asarray(one.column("trigger_mjd"), dtype=np.float64)[0])
    usable = np.asarray(one.usable)
    if not np.isfinite(trigger):
        seen = one.time[usable & one.detected]
        trigger = float(seen[0] if seen.size else one.time[0] if one.time.size else np.nan)
    names = np.array([*one.passbands, "unknown"], dtype=object)
    days = one.time - trigger
    return _Points(
        days, one.flux, one.flux_err, one.limit, one.detected, usable, names[one.passband], trigger
    )


@dataclass(frozen=True, eq=False)
class _Answers:
    """Probabilities of one object after the observations that changed them."""

    classes: tuple[str, ...]
    days: Floats
    probabilities: Floats


def _answers(predictions: Predictions | None, one: LightCurves, points: _Points) -> _Answers | None:
    """The answers at the usable rows of the object; rows that the classifier passed over only repeat one."""
    if predictions is None:
        return None
    name = str(one.column("object_id")[0])
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
    return _Answers(tuple(predictions.classes), days[changed], probabilities[changed])


def _span(points: _Points) -> tuple[float, float]:
    seen = points.days[points.detected & points.usable & (points.days >= 0)]
    known = points.days[np.isfinite(points.days)]
    if known.size == 0:
        return -BEFORE, AFTER
    last = float(seen.max()) if seen.size else float(known.max())
    first = max(-BEFORE, min(float(known.min()), 0.0))
    room = max(0.04 * (last - first), 1.0)
    return first - room, last + max(room, min(AFTER, 0.1 * (last - first) + 1.0))


def _draw_points(ax: Axes, points: _Points, brightness: Brightness, low: float, high: float) -> None:
    """Upper panel: measurements with errors, limits as triangles, what was not used as crosses."""
    inside = np.isfinite(points.days) & (points.days >= low) & (points.days <= high)
    measured = np.isfinite(points.flux) & np.isfinite(points.error) & (points.error > 0)
    if brightness == "magnitude":
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = measured & (points.flux > 0) & (points.flux >= MEASURED_SNR * points.error)
            value = AB_NJY - 2.5 * np.log10(np.where(shown, points.flux, np.nan))
            error = 2.5 / np.log(10) * points.error / points.flux
            limit = np.where(np.isfinite(points.limit), points.limit, LIMIT_SNR * points.error)
            limit = AB_NJY - 2.5 * np.log10(np.where(limit > 0, limit, np.nan))
    else:
        unit = 1e-3 if brightness == "uJy" else 1.0
        shown, value, error, limit = measured, points.flux * unit, points.error * unit, points.limit * unit
        ax.axhline(0.0, color="0.75", linewidth=0.9, zorder=0.4)
    limited = ~shown & np.isfinite(limit)
    for name in _by_wavelength(points.passband[inside]):
        style = passband_style(name)
        own = inside & (points.passband == name)
        labelled = False
        for faint in (False, True):
            part = own & points.usable & ((points.days < 0) == faint)
            alpha = FAINT if faint else 1.0
            for filled in (True, False):
                rows = part & shown & (points.detected == filled)
                if rows.any():
                    ax.errorbar(
                        points.days[rows],
                        value[rows],
                        error[rows],
                        fmt=style.marker,
                        color=style.color,
                        markerfacecolor=style.color if filled else "white",
                        markeredgecolor=style.color,
                        markersize=4.6,
                        markeredgewidth=0.9,
                        elinewidth=0.9,
                        alpha=alpha,
                        zorder=3 if filled else 2,
                        label="_" if labelled else name.replace("-", " "),
                    )
                    labelled = True
            rows = part & limited
            if rows.any():
                ax.scatter(
                    points.days[rows],
                    limit[rows],
                    marker="v",
                    s=15,
                    facecolors="none",
                    edgecolors=style.color,
                    linewidths=0.8,
                    alpha=0.75 * alpha,
                    zorder=1.5,
                )
    ignored = inside & ~points.usable & (shown | limited)
    if ignored.any():
        height = np.where(shown, value, limit)[ignored]
        ax.scatter(
            points.days[ignored], height, marker="x", s=22, color="0.6", linewidths=1.0, label=NOT_USED
        )
    _finish_points(ax, brightness, value[inside & shown & points.usable], bool((limited & inside).any()))


def _finish_points(ax: Axes, brightness: Brightness, values: Floats, limits: bool) -> None:
    """Axis direction and label, room for the points, and the legend in the emptiest corner."""
    from matplotlib.lines import Line2D

    if brightness == "magnitude":
        ax.set_ylabel("AB magnitude", fontsize=FONT)
        low, high = ax.get_ylim()
        if values.size:  # deep limits of a single night must not press the light curve flat
            high = min(high, float(values.max()) + max(2.0, 0.7 * float(np.ptp(values))))
            low = min(low, float(values.min()) - 0.25)
        ax.set_ylim(max(low, high), min(low, high))
    else:
        ax.set_ylabel(f"Difference flux ({brightness.replace('u', 'μ')})", fontsize=FONT)
    handles, labels = ax.get_legend_handles_labels()
    pairs = sorted(zip(handles, labels, strict=True), key=lambda pair: pair[1] == NOT_USED)
    handles, labels = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if limits:
        handles.append(
            Line2D([], [], marker="v", linestyle="", markerfacecolor="none", markeredgecolor=GREY, markersize=4.5)
        )
        labels.append("5σ limit")
    if handles:
        ax.legend(
            handles,
            labels,
            loc="best",
            fontsize=SMALL,
            handletextpad=0.3,
            borderpad=0.4,
            labelspacing=0.35,
            frameon=True,
            framealpha=0.85,
            edgecolor="none",
            facecolor="white",
        )


def _by_wavelength(names: NDArray[Any]) -> list[str]:
    """Passbands from blue to red; unknown ones last."""
    from firstlight.facts import all_passbands

    known = all_passbands()
    unique = sorted(set(names.tolist()))
    return sorted(unique, key=lambda name: known[name].wavelength_um if name in known else np.inf)


def _draw_probabilities(ax: Axes, answers: _Answers | None, points: _Points, high: float) -> None:
    """Lower panel: one step line a class, a dot at each observation that counted, names at the right end."""
    ax.set_ylim(-0.03, 1.03)
    ax.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "", "0.5", "", "1"])
    ax.set_ylabel("Probability", fontsize=FONT)
    for level in (0.25, 0.5, 0.75):
        ax.axhline(level, color="0.92", linewidth=0.7, zorder=0.2)
    if answers is None or answers.days.size == 0:
        text = "not classified" if answers is None else "no probabilities: nothing was detected"
        ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=GREY, fontsize=FONT)
        return
    lines = _lines(answers)
    for name, values, color, style in lines:
        shown = answers.days <= high
        ax.step(
            np.append(answers.days[shown], high),
            np.append(values[shown], values[shown][-1:]),
            where="post",
            color=color,
            linestyle=style,
            linewidth=2.0 if name != "other" else 1.3,
            solid_joinstyle="miter",
            zorder=3,
            label=name,
        )
        ax.plot(
            answers.days[shown],
            values[shown],
            linestyle="",
            marker="o",
            markersize=4.0 if name != "other" else 2.6,
            color=color,
            markeredgewidth=0,
            zorder=4,
        )
    if len(lines) > MAX_END_LABELS + 1:
        ax.legend(
            loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=SMALL - 1, frameon=False, handlelength=1.4
        )
    else:
        _end_labels(ax, lines)


Line = tuple[str, Floats, str, str]


def _lines(answers: _Answers) -> list[Line]:
    """(name, probabilities, colour, line style) of each line, the likeliest at the end first, "other" last."""
    seen = answers.probabilities.max(axis=0) > MERGED_BELOW
    if (~seen).sum() == 1:  # a single small class keeps its own name
        seen[:] = True
    order = np.argsort(-answers.probabilities[-1], kind="stable")
    lines: list[Line] = []
    for index in order[seen[order]]:
        style = class_style(answers.classes[index])
        lines.append((answers.classes[index], answers.probabilities[:, index], style.color, style.line))
    if not seen.all():
        lines.append(("other", answers.probabilities[:, ~seen].sum(axis=1), "0.62", "-"))
    return lines


def _end_labels(ax: Axes, lines: Sequence[Line]) -> None:
    """Name and probability at the right end of each line, moved apart where they would touch."""
    height = ax.get_position().height * ax.figure.get_figheight() * 72.0  # pt
    gap = 1.25 * SMALL / height * 1.06
    ends = [float(values[-1]) for _, values, _, _ in lines]
    for (name, _, color, _), end, place in zip(lines, ends, spread(ends, gap, 0.0, 1.0), strict=True):
        ax.annotate(
            f"{name} {_two_digits(end)}",
            xy=(1.0, end),
            xycoords=("axes fraction", "data"),
            xytext=(1.03, place),
            textcoords=("axes fraction", "data"),
            fontsize=SMALL,
            color=color,
            va="center",
            ha="left",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)},
        )


def _two_digits(value: float) -> str:
    """A probability with two digits that never claims certainty it does not have."""
    if 0.0 < value < 0.005:
        return "<0.01"
    return ">0.99" if 0.995 <= value < 1.0 else f"{value:.2f}"


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
    top = ax.secondary_xaxis("top", functions=(lambda day: day + trigger, lambda mjd: mjd - trigger))
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
    answers: _Answers | None,
    points: _Points,
    metadata_used: Sequence[str],
) -> None:
    """Object on the left, what is known of it on the right; classifier, version and weights below the figure."""
    _above(upper, _name(one), 36, fontsize=FONT + 1.5, fontweight="bold")
    facts = []
    if answers is not None and answers.days.size:
        best = int(np.argmax(answers.probabilities[-1]))
        facts.append(f"{answers.classes[best]} {_two_digits(float(answers.probabilities[-1, best]))}")
    number = int((points.detected & points.usable & (points.days >= 0)).sum())
    facts.append(f"{number} detection{'s' * (number != 1)}")
    if "redshift" in one.objects.column_names:
        redshift = float(np.asarray(one.column("redshift"), dtype=np.float64)[0])
        if np.isfinite(redshift):
            facts.append(f"z = {redshift:.3f}{' (used)' if 'redshift' in metadata_used else ''}")
    _above(upper, "    ".join(facts), 21, fontsize=FONT)
    label = one.column("label")[0] if "label" in one.objects.column_names else None
    if label:
        _above(upper, f"spectroscopic type {label}", 21, right=True, fontsize=SMALL, color=GREY)
    if predictions is not None:
        text = f"classifier {predictions.classifier} {predictions.version}"
        weights = str(getattr(predictions, "hash", "") or "")
        text += f", weights {weights[:12]}" if weights else ""
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


def _above(ax: Axes, text: str, height: float, right: bool = False, **style: Any) -> None:
    """A line of text over the axes, `height` points above their edge and so above the calendar's numbers."""
    ax.annotate(
        text,
        xy=(1.0 if right else 0.0, 1.0),
        xycoords="axes fraction",
        xytext=(0, height),
        textcoords="offset points",
        ha="right" if right else "left",
        va="baseline",
        annotation_clip=False,
        **style,
    )


def _right(answers: _Answers | None) -> float:
    """Right edge of the axes in a new figure: room for the longest of the labels at the end of the lines."""
    longest = max((len(line[0]) for line in _lines(answers)), default=0) if answers and answers.days.size else 0
    inch = (longest + 6) * SMALL * 0.58 / 72 + 0.3 if longest else 0.45
    return 1.0 - inch / 7.0


def _name(one: LightCurves) -> str:
    """Survey's name and TNS name of the object: ``ZTF18abcdxyz / SN 2018xyz``."""
    names = [str(one.column("object_id")[0])]
    if "iau_name" in one.objects.column_names:
        iau = one.column("iau_name")[0]
        if iau:
            names.append(str(iau))
    spaced = [re.sub(r"^(SN|AT)(?=\d{4})", r"\1 ", name) for name in names]
    return " / ".join(dict.fromkeys(spaced))
