"""The files that a simulation is made of: where they lie, and what to do without.

A data folder holds ``templates/*.npz`` with ``templates.csv``, ``sncosmo/`` (laid out as
``SNCOSMO_DATA_DIR``), ``populations/``, ``visits/``, ``filters/`` and ``dust/``.
"""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pyarrow.csv as pv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from firstlight.errors import Arg, DataError, UnknownNameError
from firstlight.simulate import compact, downloaded
from firstlight.simulate.compact import Photosphere

STEP = 20.0  # Angstrom, of every grid

Floats = NDArray[np.float64]

_MISSING = (
    "Give the data folder as ",
    Arg("data", "FOLDER"),
    " (templates/, sncosmo/, populations/, visits/, filters/, dust/). Without a folder, SALT3 and "
    "core-collapse templates download once through sncosmo (pip install 'firstlight[simulate]').",
)


@dataclass(frozen=True, eq=False)
class Template:
    """A spectral time series: `flux` [phase, wave] on rest days `phase` and wavelengths from `first` by 20 A.

    `dereddened` says whether the host's dust was removed; `plateau` whether it stops on a plateau that must
    still end; `flux` x `scale` is in erg/s/cm2/A where the model is absolute (at 10 pc).
    """

    name: str
    phase: Floats
    first: float
    flux: NDArray[np.float32]
    dereddened: bool = True
    plateau: bool = False
    scale: float = 1.0

    @cached_property
    def spectra(self) -> Floats:
        """`flux` as float64: converted once, not for every object."""
        return self.flux.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Library:
    """What lies in one data folder; everything is read when first asked for, and once a process.

    Without a folder (`root` None) there is what the package itself holds: a sample of the visits of ZTF and
    LSST, a coarse dust map, and the fits of superluminous supernovae; and templates that sncosmo downloads.
    """

    root: Path | None = None

    def has(self, relative: str) -> bool:
        """Whether a file lies in the folder."""
        return self.root is not None and (self.root / relative).exists()

    def path(self, relative: str) -> Path:
        """The path of a file in the folder; DataError with what to install when it is not there."""
        if self.root is None:
            raise DataError(
                f"'{relative}' is neither in the package nor in sncosmo",
                where="simulate",
                hint=_MISSING,
            )
        path = self.root / relative
        if not path.exists():
            raise DataError("the simulator's data are not there", where=str(path), hint=_MISSING)
        return path

    def template_names(self, classes: tuple[str, ...]) -> list[str]:
        """Names of the templates filed under one of `classes` in templates.csv, or in sncosmo."""
        if self.root is None:
            return list(downloaded.names(tuple(classes))) if classes else []
        rows = _template_table(self.path("templates/templates.csv"))
        return [row["name"] for row in rows if row["sn_class"] in classes]

    def template(self, name: str) -> Template:
        """One template by name, its phases counted from maximum."""
        if self.root is None:
            return _own(name)
        rows = {row["name"]: row for row in _template_table(self.path("templates/templates.csv"))}
        if name not in rows:
            raise UnknownNameError("template", name, rows, where=str(self.path("templates/templates.csv")))
        return _template(self.path(f"templates/{name}.npz"), rows[name]["sn_class"])

    def salt3(self) -> tuple[Template, Template, Floats]:
        """M0 and M1 of SALT3 (erg/s/cm2/A for x0 = 1), and the coefficients of its colour law.

        After +50 d they go on with Hsiao's decline.
        """
        if self.root is None:
            return _salt3(downloaded.salt3(), _own("hsiao-v3-snpy"))
        late = _template(self.path("templates/hsiao-v3-snpy.npz"), "SN Ia")
        return _salt3(self.path("sncosmo/models/salt3/salt3-f22"), late)

    def photospheres(self) -> tuple[Photosphere, ...]:
        """The magnetar fits of 265 SLSNe-I."""
        if self.root is None:
            return compact.photospheres()
        return _photospheres(self.path("populations/slsn_TR.parquet"))

    def passband(self, file: str) -> tuple[Floats, Floats]:
        """Wavelength (A) and photon-counting throughput of ``filters/<file>.dat``."""
        table = np.loadtxt(self.path(f"filters/{file}.dat"))
        return table[:, 0], table[:, 1]

    def dust_map(self) -> NDArray[np.float32]:
        """SFD E(B-V) [b + 90, l] on one degree."""
        if self.root is None:
            return compact.dust_map()
        with np.load(self.path("dust/sfd_ebv_lb1deg.npz")) as store:
            return np.asarray(store["ebv"])


@cache
def _template_table(path: Path) -> tuple[dict[str, str], ...]:
    with path.open(newline="", encoding="utf-8") as stream:
        return tuple(csv.DictReader(stream))


# Nugent's files count days from the explosion; B maximum measured in them.
_MAXIMUM_AT = {"nugent-sn91bg-snpy": 14.0, "nugent-sn1a-snpy": 19.0}


@cache
def _template(path: Path, sn_class: str) -> Template:
    with np.load(path) as store:
        phase, wave, flux, scale = store["phase"], store["wave"], store["flux"], float(store["scale"])
    return _as_template(path.stem, sn_class, phase, wave, flux, scale)


@cache
def _own(name: str) -> Template:
    (phase, wave, flux), sn_class = downloaded.series(name)
    return _as_template(name, sn_class, phase, wave, flux, 1.0)


def _as_template(
    name: str, sn_class: str, phase: Floats, wave: Floats, flux: NDArray[np.float32], scale: float
) -> Template:
    from_maximum = phase.astype(np.float64) - _MAXIMUM_AT.get(name, 0.0)
    # The SNANA and Sako series of hydrogen-rich supernovae stop at +80 d, before the plateau has ended.
    plateau = sn_class in ("SN IIP", "SN IIL/P", "SN II-pec") and from_maximum[-1] < 100.0
    clean = np.maximum(flux, 0.0).astype(np.float32)
    return Template(
        name, from_maximum, float(wave[0]), clean, name.startswith(("v19", "hsiao", "nugent")), plateau, scale
    )


@cache
def _salt3(folder: Path, late: Template) -> tuple[Template, Template, Floats]:
    components = []
    for i in (0, 1):
        options = pv.ReadOptions(column_names=["phase", "wave", "flux"])
        table = pv.read_csv(
            folder / f"salt3_template_{i}.dat",
            read_options=options,
            parse_options=pv.ParseOptions(delimiter=" "),
        )
        phase, n_phase = np.unique(table["phase"].to_numpy(), return_counts=True)
        flux = (
            table["flux"].to_numpy().reshape(len(phase), n_phase[0]) * 1e-12
        )  # scale of SALT files (sncosmo)
        wave = table["wave"].to_numpy()[: n_phase[0]]
        flux = flux[:, ::2]  # 10 to 20 A
        after = np.arange(phase[-1] + 5.0, late.phase[-1] + 0.1, 5.0)
        columns = np.arange(len(flux[0])) + round((wave[0] - late.first) / STEP)
        series = late.flux[:, columns].astype(np.float64)
        at = np.stack([series[np.searchsorted(late.phase, p)] for p in (phase[-1], *after)])
        # A common decline for wavelengths where Hsiao has next to nothing.
        ratio = np.clip(at[1:] / np.maximum(at[0], 1e-4 * series.max()), 0.02, 1.0)
        flux = np.vstack([flux, flux[-1] * ratio])
        components.append(
            Template(
                f"salt3-f22-M{i}", np.concatenate([phase, after]), float(wave[0]), flux.astype(np.float64)
            )
        )
    lines = (folder / "salt3_color_correction.dat").read_text(encoding="utf-8").split()
    count = int(lines[0])
    return components[0], components[1], np.array([float(value) for value in lines[1 : 1 + count]])


def _photospheres_of(path: Path) -> tuple[Photosphere, ...]:
    table = pq.read_table(path)
    names = np.asarray(table["name"].to_pylist())
    phase, temperature, radius = (
        table[key].to_numpy().astype(np.float64) for key in ("phase", "T", "log10_R")
    )
    order = np.lexsort((phase, names))
    names, phase, temperature, radius = names[order], phase[order], temperature[order], radius[order]
    cuts = np.concatenate(([0], np.flatnonzero(names[1:] != names[:-1]) + 1, [len(names)]))
    return tuple(
        Photosphere(str(names[a]), phase[a:b], temperature[a:b], radius[a:b])
        for a, b in itertools.pairwise(cuts)
    )


_photospheres = cache(_photospheres_of)
