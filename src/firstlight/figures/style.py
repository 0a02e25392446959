"""How firstlight draws: colours and markers of passbands, colours of classes, sizes, bare axes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firstlight.errors import FirstlightError, MissingExtraError
from firstlight.facts import Passband, all_passbands, class_tree, passband

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FONT, SMALL, FOOT = 10.0, 8.5, 7.0  # pt
GREY, LIGHT = "0.45", "0.8"
#: Colours of arms (methods) in the order in which they are given; apart from those of classes by being named
#: in a legend.
ARMS = ("#0072b2", "#d55e00", "#009e73", "#b8559a", "#e69f00", "#46a8e0", "0.3")

# Rubin's palette for light backgrounds and its markers (RTN-045); other surveys share it by the name of the
# band.
_RUBIN = {
    "u": ("#0c71ff", "o"),
    "g": ("#49be61", "^"),
    "r": ("#c61c00", "v"),
    "i": ("#ffc200", "s"),
    "z": ("#f341a2", "*"),
    "y": ("#5d0000", "p"),
}
_PASSBANDS = {
    "ZTF-g": ("#3aa83f", "o"),
    "ZTF-r": ("#d42f4b", "s"),
    "ZTF-i": ("#e3a400", "D"),
    "ATLAS-c": ("#12a5b8", "o"),
    "ATLAS-o": ("#f07d12", "s"),
}

# Okabe & Ito's set, safe for colour-blind readers, for the six classes that every figure shows; darker or
# lighter relatives, drawn dashed, for the finer ones.
_CLASSES = {
    "SN Ia": "#0072b2",
    "SN II": "#d55e00",
    "SN Ib/c": "#009e73",
    "SLSN-I": "#b8559a",
    "TDE": "#46a8e0",
    "AGN": "#e69f00",
}
_FINER = {
    "SN Ia-91bg-like": "#9aa7d6",
    "SN Ia-91T-like": "#00416b",
    "SN Iax[02cx-like]": "#4b3fa0",
    "SN IIn": "#8c2d04",
    "SN IIb": "#f2935c",
    "SN Ib": "#005c43",
    "SN Ic": "#4fc3a1",
    "SN Ic-BL": "#8a9a1f",
    "SN Ibn": "#7d8f3c",
    "SLSN-II": "#7a2f66",
    "Kilonova": "#7f3b08",
}
_SPARE = ("#332288", "#88ccee", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499")


@dataclass(frozen=True)
class PassbandStyle:
    """Colour and marker of a passband."""

    color: str
    marker: str


@dataclass(frozen=True)
class ClassStyle:
    """Colour and line style of a class."""

    color: str
    line: str


def passband_style(name: str, *, among: Iterable[Passband] = ()) -> PassbandStyle:
    """Colour and marker of a passband by its qualified name, e.g. ``"ZTF-g"``.

    A passband of a user's own survey takes its colour from its name (ugrizy), else from its wavelength,
    and then its marker from its place in the survey; `among` are the passbands of such surveys.

    Examples
    --------
    >>> passband_style("LSST-u")
    PassbandStyle(color='#0c71ff', marker='o')
    """
    short = name.rsplit("-", 1)[-1]
    known = _PASSBANDS.get(name) or _RUBIN.get(short.lower())
    if known is not None:
        return PassbandStyle(*known)
    try:
        own = passband(name, among=(among := tuple(among)))
    except FirstlightError:
        return PassbandStyle(GREY, "h")
    near = min(_RUBIN_WAVELENGTHS, key=lambda band: abs(_RUBIN_WAVELENGTHS[band] - own.wavelength_um))
    survey = (band.name for band in (*among, *all_passbands().values()) if band.survey == own.survey)
    place = list(dict.fromkeys(survey)).index(name)
    return PassbandStyle(_RUBIN[near][0], _OWN_MARKERS[place % len(_OWN_MARKERS)])


_OWN_MARKERS = "hXPDd<>"
_RUBIN_WAVELENGTHS = {band: passband(f"LSST-{band}").wavelength_um for band in _RUBIN}


def class_style(name: str) -> ClassStyle:
    """Colour and line style of a class by its TNS name; always the same one.

    Finer classes are dashed; one without a colour of its own takes a spare colour that depends on its name
    alone.
    """
    if name in _CLASSES:
        return ClassStyle(_CLASSES[name], "-")
    if name in _FINER:
        return ClassStyle(_FINER[name], "--")
    try:
        parents = class_tree().ancestors(name)
    except FirstlightError:
        parents = ()
    dashed = "--" if any(parent in _CLASSES for parent in parents) else "-."
    return ClassStyle(_SPARE[zlib.crc32(name.encode()) % len(_SPARE)], dashed)


def arm_style(index: int) -> tuple[str, str]:
    """Colour and marker of the arm at a place in the order in which arms are given; no two are the same.

    Examples
    --------
    >>> arm_style(0), arm_style(7)
    (('#0072b2', 'o'), ('#0072b2', 's'))
    """
    return ARMS[index % len(ARMS)], _ARM_MARKERS[index // len(ARMS) % len(_ARM_MARKERS)]


_ARM_MARKERS = "os^Dv"


def needs_matplotlib(where: str) -> None:
    """Nothing when matplotlib is installed.

    Raises
    ------
    MissingExtraError
        When it is not.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise MissingExtraError("matplotlib", "plot", where=where) from None


def blank(
    rows: int = 1,
    size: tuple[float, float] = (5.0, 4.2),
    ratios: Iterable[float] | None = None,
    *,
    managed: bool = False,
) -> tuple[Figure, list[Axes]]:
    """A white figure and its axes, one under the other with a shared x axis.

    Parameters
    ----------
    rows : int
        Number of panels.
    size : (float, float)
        Width and height, inch.
    ratios : iterable of float, optional
        Relative heights of the panels.
    managed : bool
        Made by pyplot, so that a notebook or ``plt.show()`` shows it. Else it belongs to the caller alone
        and goes away with the last reference: for many figures in one process.
    """
    needs_matplotlib("figures")
    if managed:
        import matplotlib.pyplot as plt

        figure: Any = plt.figure(figsize=size, facecolor="white")
    else:
        from matplotlib.figure import Figure

        figure = Figure(figsize=size, facecolor="white")
    grid = {"height_ratios": list(ratios)} if ratios is not None else None
    axes = figure.subplots(rows, 1, sharex=True, squeeze=False, gridspec_kw=grid)[:, 0]
    return figure, list(axes)


def given_or_new(ax: Axes | None, size: tuple[float, float] = (5.0, 4.2)) -> Axes:
    """`ax`, or the axes of a new figure that pyplot shows."""
    if ax is not None:
        return ax
    figure, axes = blank(size=size, managed=True)
    figure.subplots_adjust(left=0.14, right=0.96, top=0.92, bottom=0.13)
    return axes[0]


def dress(ax: Axes, *, minor: bool = True) -> None:
    """Ticks inside on all four sides, quiet spines, the project's font sizes."""
    ax.set_facecolor("white")
    ax.tick_params(which="both", direction="in", top=True, right=True, labelsize=SMALL, color="0.3")
    ax.tick_params(which="major", length=4.5, width=0.8)
    ax.tick_params(which="minor", length=2.5, width=0.6)
    if minor:
        ax.minorticks_on()
    for spine in ax.spines.values():
        spine.set_color("0.3")
        spine.set_linewidth(0.8)


def spread(values: Iterable[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels near to `values`, in their order, at least `gap` apart, within [low, high].

    Examples
    --------
    >>> spread([0.5, 0.5], gap=0.2, low=0.0, high=1.0)
    [0.4, 0.6]
    """
    wanted = list(values)
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    # Blocks of touching labels: [sum of (wanted - place in the block), count]; the mean is where a block
    # starts best.
    blocks: list[tuple[float, int]] = []

    def start(block: tuple[float, int]) -> float:
        return min(max(block[0] / block[1], low), high - (block[1] - 1) * gap)

    for index in order:
        blocks.append((wanted[index], 1))
        while len(blocks) > 1 and start(blocks[-2]) + blocks[-2][1] * gap > start(blocks[-1]):
            (lower, below), (upper, above) = blocks[-2:]
            blocks[-2:] = [(lower + upper - above * below * gap, below + above)]
    places = [start(block) + place * gap for block in blocks for place in range(block[1])]
    result = [0.0] * len(wanted)
    for index, place in zip(order, places, strict=True):
        result[index] = round(place, 12)
    return result
