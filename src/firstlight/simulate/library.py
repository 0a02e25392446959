"""The files that a simulation is made of: in a data folder, in the package, or downloaded through sncosmo.

A data folder holds ``templates/*.npz`` with ``templates.csv``, ``sncosmo/`` (laid out as
``SNCOSMO_DATA_DIR``), ``populations/``, ``visits/``, ``filters/`` and ``dust/``. The package holds
``compact/*.npz``, made of it by ``scripts/compact_simulation.py``: samples of places with their visits
(``ztf``, ``lsst``), the SFD map on 3 degrees (``dust``), and magnetar fits of Gomez+ 2024 (``slsn``, MIT).
"""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pyarrow.csv as pv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from firstlight._types import Floats, Floats32, Ints
from firstlight.errors import Arg, DataError, MissingExtraError, UnknownNameError

STEP = 20.0  # Angstrom, of every grid

_MISSING = (
    "Give the data folder as ", Arg("data", "FOLDER"), " (templates/, sncosmo/, populations/, visits/, "
    "filters/, dust/). Without a folder, SALT3 and core-collapse templates download once through sncosmo "
    "(pip install 'firstlight[simulate]').",
)  # fmt: skip
_DOWNLOAD = (
    "sncosmo downloads it once, into $SNCOSMO_DATA_DIR where that is set; or give the simulator's data "
    "folder as ", Arg("data", "FOLDER"), ".",
)  # fmt: skip
# Nugent's files count days from the explosion; B maximum measured in them.
_MAXIMUM_AT = {"nugent-sn91bg-snpy": 14.0, "nugent-sn1a-snpy": 19.0}
_IN_SNCOSMO = {"nugent-sn91bg-snpy": "nugent-sn91bg", "hsiao-v3-snpy": "hsiao"}


@dataclass(frozen=True, eq=False)
class Template:
    """A spectral time series: `flux` [phase, wave] on rest days `phase` and wavelengths from `first` by 20 A.

    `dereddened` says whether the host's dust was removed; `plateau` whether it stops on a plateau that must
    still end; `flux` x `scale` is in erg/s/cm2/A where the model is absolute (at 10 pc).
    """

    name: str
    phase: Floats
    first: float
    flux: Floats
    dereddened: bool = True
    plateau: bool = False
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Photosphere:
    """Temperature (K) and log10 radius (cm) against rest days from the r maximum of one SLSN-I."""

    name: str
    phase: Floats
    temperature: Floats
    log_radius: Floats


@dataclass(frozen=True, eq=False)
class PackedVisits:
    """Places (`ra`, `dec`, `offsets` [n + 1]) and their visits: MJD, name of the band, 5-sigma magnitude."""

    time: Floats
    band: NDArray[np.str_]
    limit: Floats
    offsets: Ints
    ra: Floats
    dec: Floats


@dataclass(frozen=True, eq=False)
class Library:
    """What lies in one data folder; everything is read when it is asked for.

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
            what = f"'{relative}' is neither in the package nor in sncosmo"
            raise DataError(what, where="simulate", hint=_MISSING)
        path = self.root / relative
        if not path.exists():
            raise DataError("the simulator's data are not there", where=str(path), hint=_MISSING)
        return path

    @cached_property
    def _classes(self) -> dict[str, str]:
        """Class by name of the folder's templates."""
        with self.path("templates/templates.csv").open(newline="", encoding="utf-8") as stream:
            return {row["name"]: row["sn_class"] for row in csv.DictReader(stream)}

    def template_names(self, classes: tuple[str, ...]) -> list[str]:
        """Names of the templates filed under one of `classes` in templates.csv, or in sncosmo."""
        if self.root is None:
            return _downloadable(classes) if classes else []
        return [name for name, kind in self._classes.items() if kind in classes]

    def template(self, name: str) -> Template:
        """One template by name, its phases counted from maximum."""
        if self.root is None:
            return _downloaded(name)
        if name not in self._classes:
            where = str(self.path("templates/templates.csv"))
            raise UnknownNameError("template", name, self._classes, where=where)
        with np.load(self.path(f"templates/{name}.npz")) as store:
            series = store["phase"], store["wave"], store["flux"]
            return _template(name, self._classes[name], *series, float(store["scale"]))

    def salt3(self) -> tuple[Template, Template, Floats]:
        """M0 and M1 of SALT3 (erg/s/cm2/A for x0 = 1), and the coefficients of its colour law.

        After +50 d they go on with Hsiao's decline.
        """
        folder = _downloaded_salt3() if self.root is None else self.path("sncosmo/models/salt3/salt3-f22")
        return _salt3(folder, self.template("hsiao-v3-snpy"))

    def photospheres(self) -> tuple[Photosphere, ...]:
        """The magnetar fits of 265 SLSNe-I."""
        if self.root is None:
            return _packaged_photospheres()
        return _photospheres(self.path("populations/slsn_TR.parquet"))

    def throughput(self, file: str) -> tuple[Floats, Floats]:
        """Wavelength (A) and photon-counting throughput of ``filters/<file>.dat``."""
        table = np.loadtxt(self.path(f"filters/{file}.dat"))
        return table[:, 0], table[:, 1]

    def dust_map(self) -> Floats32:
        """SFD E(B-V) [b + 90, l] on one degree."""
        if self.root is None:
            return _packaged_dust()
        with np.load(self.path("dust/sfd_ebv_lb1deg.npz")) as store:
            return np.asarray(store["ebv"])


def _template(
    name: str, sn_class: str, phase: Floats, wave: Floats, flux: Floats32, scale: float
) -> Template:
    from_maximum = phase.astype(np.float64) - _MAXIMUM_AT.get(name, 0.0)
    # The SNANA and Sako series of hydrogen-rich supernovae stop at +80 d, before the plateau has ended.
    plateau = sn_class in ("SN IIP", "SN IIL/P", "SN II-pec") and from_maximum[-1] < 100.0
    clean = np.maximum(flux, 0.0).astype(np.float32).astype(np.float64)
    dereddened = name.startswith(("v19", "hsiao", "nugent"))
    return Template(name, from_maximum, float(wave[0]), clean, dereddened, plateau, scale)


def _salt3(folder: Path, late: Template) -> tuple[Template, Template, Floats]:
    components = []
    for i in (0, 1):
        table = pv.read_csv(
            folder / f"salt3_template_{i}.dat",
            read_options=pv.ReadOptions(column_names=["phase", "wave", "flux"]),
            parse_options=pv.ParseOptions(delimiter=" "),
        )
        phase, n_phase = np.unique(table["phase"].to_numpy(), return_counts=True)
        # 1e-12 is the scale of SALT files (sncosmo).
        flux = table["flux"].to_numpy().reshape(len(phase), n_phase[0]) * 1e-12
        wave = table["wave"].to_numpy()[: n_phase[0]]
        flux = flux[:, ::2]  # 10 to 20 A
        after = np.arange(phase[-1] + 5.0, late.phase[-1] + 0.1, 5.0)
        columns = np.arange(len(flux[0])) + round((wave[0] - late.first) / STEP)
        series = late.flux[:, columns]
        at = np.stack([series[np.searchsorted(late.phase, p)] for p in (phase[-1], *after)])
        # A common decline for wavelengths where Hsiao has next to nothing.
        ratio = np.clip(at[1:] / np.maximum(at[0], 1e-4 * series.max()), 0.02, 1.0)
        flux = np.vstack([flux, flux[-1] * ratio])
        name = f"salt3-f22-M{i}"
        components.append(Template(name, np.concatenate([phase, after]), float(wave[0]), flux))
    lines = (folder / "salt3_color_correction.dat").read_text(encoding="utf-8").split()
    count = int(lines[0])
    return components[0], components[1], np.array([float(value) for value in lines[1 : 1 + count]])


def _photospheres(path: Path) -> tuple[Photosphere, ...]:
    table = pq.read_table(path)
    names = np.asarray(table["name"].to_pylist())
    columns = [table[key].to_numpy().astype(np.float64) for key in ("phase", "T", "log10_R")]
    order = np.lexsort((columns[0], names))
    names = names[order]
    phase, temperature, radius = (values[order] for values in columns)
    cuts = np.concatenate(([0], np.flatnonzero(names[1:] != names[:-1]) + 1, [len(names)]))
    return tuple(
        Photosphere(str(names[a]), phase[a:b], temperature[a:b], radius[a:b])
        for a, b in itertools.pairwise(cuts)
    )


# What the package holds.


def _compact(name: str) -> dict[str, NDArray[np.generic]]:
    data = resources.files("firstlight.simulate").joinpath(f"compact/{name}.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as store:
        return {key: store[key] for key in store.files}


@cache
def packaged_visits(survey: str) -> PackedVisits:
    """The sample of visits of ``"ztf"`` or ``"lsst"``."""
    store = _compact(survey)
    time = store["night"].astype(np.float64) + store["fraction"].astype(np.float64) / 65536.0
    limit = 15.0 + store["limit"].astype(np.float64) / 20.0
    return PackedVisits(
        time,
        store["bands"][store["band"].astype(np.intp)].astype(np.str_),
        limit,
        np.concatenate(([0], np.cumsum(store["count"].astype(np.int64)))),
        store["ra"].astype(np.float64),
        store["dec"].astype(np.float64),
    )


@cache
def _packaged_dust() -> Floats32:
    """The map of 3 degrees, repeated on one."""
    coarse = _compact("dust")["ebv"].astype(np.float32) / 500.0
    return np.repeat(np.repeat(coarse, 3, axis=0), 3, axis=1)


@cache
def _packaged_photospheres() -> tuple[Photosphere, ...]:
    store = _compact("slsn")
    phase = store["phase"].astype(np.float64)
    temperature = 10.0 ** (store["temperature"].astype(np.float64) / 10_000.0)
    radius = store["radius"].astype(np.float64) / 3_000.0
    return tuple(
        Photosphere(str(name), phase[i], temperature[i], radius[i]) for i, name in enumerate(store["name"])
    )


# What sncosmo downloads, each once.


def _sncosmo() -> Any:
    try:
        import sncosmo
    except ImportError:
        where = "simulate: templates without a data folder"
        raise MissingExtraError("sncosmo", "simulate", where=where) from None
    return sncosmo


def _registry() -> dict[str, str]:
    """Class by name of sncosmo's sources."""
    known = _sncosmo().models._SOURCES.get_loaders_metadata()
    return {str(one["name"]): str(one.get("type")) for one in known}


def _downloadable(classes: tuple[str, ...]) -> list[str]:
    """Names of sncosmo's templates of these classes: host-corrected ones of V19, of SNANA, of Sako+ 2011."""
    return sorted(
        name
        for name, kind in _registry().items()
        if kind in classes and (name.startswith(("snana-", "s11-")) or name.endswith("-corr"))
    )


def _downloaded(name: str) -> Template:
    """A template of sncosmo on 20 A, as float32 with a maximum of 1.

    Raises
    ------
    MissingExtraError, UnknownNameError, DataError
        sncosmo is not installed, does not know the name, or cannot download it.
    """
    sncosmo, wanted, registry = _sncosmo(), _IN_SNCOSMO.get(name, name), _registry()
    known = next((one for one in registry if one.casefold() == wanted.casefold()), None)
    if known is None:
        raise UnknownNameError("template of sncosmo", wanted, registry, where="simulate")
    try:
        source = sncosmo.get_source(known)
    except (URLError, OSError) as error:
        what = f"template '{known}' is not here: {error}"
        raise DataError(what, where="sncosmo", hint=_DOWNLOAD) from None
    low, high = max(source.minwave(), 1_000.0), min(source.maxwave(), 12_000.0)
    wave = np.arange(np.ceil(low / STEP) * STEP, high + 0.1, STEP)
    phase = np.asarray(source._phase, dtype=np.float64)
    flux = np.asarray(source._flux(phase, wave))
    return _template(name, registry[known], phase, wave, (flux / flux.max()).astype(np.float32), 1.0)


def _downloaded_salt3() -> Path:
    """The folder of SALT3-F22."""
    builtins = _sncosmo().builtins
    try:
        return Path(builtins.DATADIR.abspath("models/salt3/salt3-f22", isdir=True))
    except (URLError, OSError) as error:
        raise DataError(f"SALT3 is not here: {error}", where="sncosmo", hint=_DOWNLOAD) from None
