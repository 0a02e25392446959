"""The two panels of a classified light curve: measurements above, class probabilities below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from firstlight._types import AnyArray, Bools, Floats
from firstlight.facts import Passband, zero_point
from firstlight.figures.style import FONT, GREY, SMALL, class_style, passband_style, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Brightness = Literal["magnitude", "uJy", "nJy"]

MEASURED_SNR = 3.0  # below, a measurement is shown as its limit in magnitudes
LIMIT_SNR = 5.0
MERGED_BELOW = 0.05  # classes that never exceed this are one grey line
MAX_END_LABELS = 6
CROWDED = 150  # observations from which on markers are smaller
FAINT = 0.4  # opacity before the trigger
NOT_USED, NOT_DETECTED, EARLIER = "not used", "not detected", "before first detection"
LIMIT, TRIGGER = "5σ limit", "first detection"


@dataclass(frozen=True, eq=False)
class Points:
    """The rows of one object, ready to draw; `days` since the trigger."""

    days: Floats
    flux: Floats
    error: Floats
    limit: Floats
    detected: Bools
    usable: Bools
    passband: AnyArray
    bands: tuple[Passband, ...]
    trigger: float


@dataclass(frozen=True, eq=False)
class Answers:
    """Probabilities of one object after the observations that changed them."""

    classes: tuple[str, ...]
    days: Floats
    probabilities: Floats


def draw_points(ax: Axes, points: Points, brightness: Brightness, low: float, high: float) -> list[str]:
    """Upper panel: measurements with errors, limits as arrows down, what was not used as crosses.

    What the symbols besides the passbands' mean is given back, for `explain`.
    """
    inside = np.isfinite(points.days) & (points.days >= low) & (points.days <= high)
    measured = np.isfinite(points.flux) & np.isfinite(points.error) & (points.error > 0)
    if brightness == "magnitude":
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = measured & (points.flux > 0) & (points.flux >= MEASURED_SNR * points.error)
            value = zero_point("nJy") - 2.5 * np.log10(np.where(points.flux > 0, points.flux, np.nan))
            error = 2.5 / np.log(10) * points.error / points.flux
            limit = np.where(np.isfinite(points.limit), points.limit, LIMIT_SNR * points.error)
            limit = zero_point("nJy") - 2.5 * np.log10(np.where(limit > 0, limit, np.nan))
    else:
        unit = 1e-3 if brightness == "uJy" else 1.0
        shown, value, error, limit = measured, points.flux * unit, points.error * unit, points.limit * unit
        ax.axhline(0.0, color="0.75", linewidth=0.9, zorder=0.4)
    limited = ~shown & np.isfinite(limit)
    size = 4.6 if inside.sum() <= CROWDED else 3.6
    for name in _by_wavelength(points.passband[inside], points.bands):
        style = passband_style(name, among=points.bands)
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
                        markersize=size,
                        markeredgewidth=0.9,
                        elinewidth=0.9,
                        alpha=alpha,
                        zorder=3 if filled else 2,
                        label="_" if labelled else _spaced(name),
                    )
                    labelled = True
            rows = part & limited
            if rows.any():
                ax.scatter(
                    points.days[rows],
                    limit[rows],
                    marker=limit_marker(),
                    s=70,
                    facecolors="none",
                    edgecolors=style.color,
                    linewidths=1.0,
                    alpha=alpha,
                    zorder=1.5,
                )
    # Not used for a fault of its own, as a missing error: it may still have a place in the panel.
    ignored = inside & ~points.usable & (np.isfinite(value) | limited)
    if ignored.any():
        height = np.where(np.isfinite(value), value, limit)[ignored]
        ax.scatter(points.days[ignored], height, marker="x", s=22, color="0.6", linewidths=1.0, zorder=1.2)
    used = inside & points.usable
    _fit(ax, brightness, Drawn(value, error, used & shown, used & shown & points.detected))
    symbols = {
        NOT_DETECTED: (used & shown & ~points.detected).any(),
        LIMIT: (used & limited).any(),
        NOT_USED: ignored.any(),
        EARLIER: (used & (shown | limited) & (points.days < 0)).any(),
    }
    return [name for name, there in symbols.items() if there]


class Drawn(NamedTuple):
    """The brightness of the rows in a panel: which are drawn as points, and which of those are detections."""

    value: Floats
    error: Floats
    points: Bools
    detections: Bools


def _fit(ax: Axes, brightness: Brightness, drawn: Drawn) -> None:
    """Direction, label and range of the axis; what is left outside of the range is counted."""
    if brightness == "magnitude":
        ax.set_ylabel("AB magnitude", fontsize=FONT)
        low, high = ax.get_ylim()
        values = drawn.value[drawn.points]
        if values.size:  # neither deep limits nor an absurd point may press the light curve flat
            high = min(high, float(values.max()) + max(2.0, 0.7 * float(np.ptp(values))))
            low = max(low, float(values.min()) - max(1.0, 0.3 * float(np.ptp(values))))
        ax.set_ylim(max(low, high), min(low, high))
        return
    ax.set_ylabel(f"Difference flux ({brightness.replace('u', 'μ')})", fontsize=FONT)
    if not drawn.points.any():
        return
    # The detections count, with their errors; of the others only those that are measured as well as these.
    rows = drawn.points
    if drawn.detections.any():
        usual = float(np.quantile(drawn.error[drawn.detections], 0.9))
        rows = drawn.detections | (drawn.points & (drawn.error <= 2.0 * usual))
    middle = drawn.value[rows]
    if not drawn.detections.any() and middle.size > 4:
        middle = middle[np.abs(middle - np.median(middle)) <= 5.0 * float(np.std(middle)) + 1e-30]
    bottom, top = min(0.0, float(middle.min())), max(0.0, float(middle.max()))
    room = 0.12 * (top - bottom) or 1.0
    bottom, top = bottom - room, top + room
    ax.set_ylim(bottom, top)
    outside = drawn.points & ((drawn.value < bottom) | (drawn.value > top))
    if outside.any():
        ax.annotate(
            f"{int(outside.sum())} of {int(drawn.points.sum())} points outside",
            xy=(0.99, 0.02),
            xycoords="axes fraction",
            ha="right",
            va="bottom",
            fontsize=SMALL - 1.5,
            color=GREY,
        )


def limit_marker() -> Any:
    """A bar with an arrow down, which no passband has: the brightness is below it."""
    from matplotlib.path import Path

    move, line = Path.MOVETO, Path.LINETO
    points = [(-0.5, 0), (0.5, 0), (0, 0), (0, -1.2), (-0.3, -0.75), (0, -1.2), (0.3, -0.75)]
    return Path(points, [move, line, move, line, move, line, line])


def _spaced(passband: str) -> str:
    """A passband as legends name it."""
    return passband.replace("-", " ")


def explain(ax: Axes, symbols: Sequence[str]) -> None:
    """The legend in the emptiest corner: passbands, then what the other symbols that occur mean."""
    handles, labels = _explained([ax], symbols)
    if handles:
        ax.legend(handles, labels, loc="best", fontsize=SMALL - 0.5, **LEGEND)


def explain_together(
    figure: Figure, axes: Sequence[Axes], passbands: Sequence[str], symbols: Sequence[str]
) -> None:
    """One legend at the foot of a figure for all of its panels, passbands in the order of the survey."""
    handles, labels = _explained(axes, symbols)
    order = [_spaced(name) for name in passbands]
    place = {label: order.index(label) if label in order else len(order) for label in labels}
    pairs = sorted(zip(labels, handles, strict=True), key=lambda pair: place[pair[0]])
    handles, labels = [handle for _, handle in pairs], [label for label, _ in pairs]
    figure.legend(
        handles, labels, loc="lower right", ncols=len(labels), columnspacing=1.2, fontsize=SMALL, **LEGEND
    )


def _explained(axes: Sequence[Axes], symbols: Sequence[str]) -> tuple[list[Any], list[str]]:
    """Handles and labels of the passbands in some panels, and of other symbols."""
    from matplotlib.lines import Line2D

    grey = {"color": GREY, "markeredgecolor": GREY, "linestyle": "", "markersize": 4.6}
    known: dict[str, dict[str, Any]] = {
        NOT_DETECTED: {**grey, "marker": "o", "markerfacecolor": "white"},
        LIMIT: {**grey, "marker": limit_marker(), "markerfacecolor": "none", "markersize": 8.4},
        NOT_USED: {**grey, "marker": "x", "markeredgecolor": "0.6"},
        EARLIER: {**grey, "marker": "o", "alpha": FAINT},
        TRIGGER: {"color": GREY, "linestyle": ":", "linewidth": 1.0},
    }
    pairs = [pair for ax in axes for pair in zip(*ax.get_legend_handles_labels(), strict=True)]
    found = {label: handle for handle, label in reversed(pairs)}
    bands = dict.fromkeys(label for _, label in pairs)
    handles = [*(found[label] for label in bands), *(Line2D([], [], **known[name]) for name in symbols)]
    return handles, [*bands, *symbols]


LEGEND: Mapping[str, Any] = {
    "handletextpad": 0.4,
    "borderpad": 0.4,
    "labelspacing": 0.3,
    "frameon": True,
    "framealpha": 0.85,
    "edgecolor": "none",
    "facecolor": "white",
}


def _by_wavelength(names: AnyArray, bands: tuple[Passband, ...]) -> list[str]:
    """Passbands from blue to red; unknown ones last."""
    wavelength = {band.name: band.wavelength_um for band in bands}
    return sorted(sorted(set(names.tolist())), key=lambda name: wavelength.get(name, np.inf))


def draw_probabilities(ax: Axes, answers: Answers | None, points: Points, high: float) -> None:
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
    lines = lines_of(answers)
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
            markersize=4.0 if answers.days.size <= CROWDED / 2 else 2.6,
            color=color,
            markeredgewidth=0,
            zorder=4,
        )
    if len(lines) > MAX_END_LABELS + 1:
        ax.legend(
            loc="upper left", bbox_to_anchor=(1.01, 1.02), fontsize=SMALL - 1, frameon=False, handlelength=2.2
        )
    else:
        _end_labels(ax, lines)


Line = tuple[str, Floats, str, str]


def lines_of(answers: Answers) -> list[Line]:
    """Name, probabilities, colour and line style of each line, likeliest first, "other" last."""
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
    height = ax.get_window_extent().height * 72.0 / ax.figure.dpi  # pt
    gap = 1.25 * SMALL / height * 1.06
    ends = [float(values[-1]) for _, values, _, _ in lines]
    for (name, _, color, _), end, place in zip(lines, ends, spread(ends, gap, 0.0, 1.0), strict=True):
        ax.annotate(
            f"{name} {two_digits(end)}",
            xy=(1.0, end),
            xycoords=("axes fraction", "data"),
            xytext=(1.03, place),
            textcoords=("axes fraction", "data"),
            fontsize=SMALL,
            color=color,
            va="center",
            ha="left",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "linewidth": 0.7,
                "shrinkA": 0,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )


def two_digits(value: float) -> str:
    """A probability with two digits that never claims certainty it does not have."""
    if 0.0 < value < 0.005:
        return "<0.01"
    return ">0.99" if 0.995 <= value < 1.0 else f"{value:.2f}"
