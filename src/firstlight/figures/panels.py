"""The two panels of a classified light curve: measurements above, class probabilities below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from firstlight._types import AnyArray, Bools, Floats
from firstlight.facts import Passband, zero_point
from firstlight.figures.style import FONT, GREY, SMALL, class_style, passband_style, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Brightness = Literal["magnitude", "uJy", "nJy"]

MEASURED_SNR = 3.0  # below, a measurement is shown as its limit in magnitudes
LIMIT_SNR = 5.0
MERGED_BELOW = 0.05  # classes that never exceed this are one grey line
MAX_END_LABELS = 6
CROWDED = 150  # observations from which on markers are smaller
FAINT = 0.4  # opacity before the trigger
NOT_USED = "not used"


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


def draw_points(ax: Axes, points: Points, brightness: Brightness, low: float, high: float) -> None:
    """Upper panel: measurements with errors, limits as triangles, what was not used as crosses."""
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
    # Not used for a fault of its own, as a missing error: it may still have a place in the panel.
    ignored = inside & ~points.usable & (np.isfinite(value) | limited)
    if ignored.any():
        height = np.where(np.isfinite(value), value, limit)[ignored]
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
        if values.size:  # neither deep limits nor an absurd point may press the light curve flat
            high = min(high, float(values.max()) + max(2.0, 0.7 * float(np.ptp(values))))
            low = max(low, float(values.min()) - max(1.0, 0.3 * float(np.ptp(values))))
        ax.set_ylim(max(low, high), min(low, high))
    else:
        ax.set_ylabel(f"Difference flux ({brightness.replace('u', 'μ')})", fontsize=FONT)
        if values.size:
            room = 0.3 * max(float(np.ptp(values)), float(np.abs(values).max()))
            low, high = ax.get_ylim()
            ax.set_ylim(max(low, float(values.min()) - room), min(high, float(values.max()) + room))
    handles, labels = ax.get_legend_handles_labels()
    pairs = sorted(zip(handles, labels, strict=True), key=lambda pair: pair[1] == NOT_USED)
    handles, labels = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if limits:
        handles.append(
            Line2D(
                [], [], marker="v", linestyle="", markerfacecolor="none", markeredgecolor=GREY, markersize=4.5
            )
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
