"""The light curves that come with the package: which there are, and how to read them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from firstlight.errors import UnknownNameError
from firstlight.lightcurves import LightCurves
from firstlight.readers.generic import read_table


def samples() -> dict[str, Path]:
    """The file of each packaged sample, by name."""
    folder = Path(str(resources.files("firstlight"))) / "samples"
    return {path.stem: path for path in sorted(folder.glob("*.parquet"))}


def sample(name: str = "ztf") -> LightCurves:
    """Light curves that come with the package, with what is known of them as labels.

    Parameters
    ----------
    name : str
        ``"ztf"``: fourteen real ZTF transients in forced photometry, with the types of their spectra.
        ``"lsst"``: five real objects of Rubin's alerts, of which nobody says here what they are, and nine
        simulated transients, which are called ``simulated ...``. For showing and trying.

    Raises
    ------
    UnknownNameError
        For a sample that does not exist.

    Examples
    --------
    >>> len(sample("ztf")), len(sample("lsst"))
    (14, 14)
    """
    known = samples()
    if name not in known:
        raise UnknownNameError("sample", name, known)
    return read_table(known[name])
