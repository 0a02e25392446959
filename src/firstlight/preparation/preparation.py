"""How light curves become numbers: a plain value, saved with a classifier, for tables and for streams."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from firstlight import facts
from firstlight.errors import UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.preparation import dust, features, metadata, stream
from firstlight.preparation.past import past
from firstlight.preparation.sequences import Sequences
from firstlight.preparation.state import Observation, State
from firstlight.preparation.windows import Windows, windows

Features = Literal["default", "reference"]
Rows = Literal["detections", "measured", "all"]

# As far as the g and r of ZTF, LSST, Pan-STARRS and DES lie apart; the next passbands are three times as far.
NEIGHBOUR_UM = 0.03


@dataclass(frozen=True)
class Preparation:
    """The rule by which light curves become the numbers that a network reads.

    ``preparation(curves)`` prepares a table at once; ``preparation.start()`` and ``preparation.step()`` take
    one observation after the other and give the same numbers. Nothing looks ahead.

    Parameters
    ----------
    version : int
        Meaning of the feature sets; 1 is the only one so far.
    features : {"default", "reference"}
        ``default`` reads any survey's passbands; ``reference`` is what the published networks know.
    rows : {"detections", "measured", "all"}
        Detections alone, all measured fluxes, or upper limits too. What is not read changes nothing.
    before_days, after_days : float
        Window around the trigger. Earlier rows are read when it happens; later rows get no new answer.
    season_gap_days : float
        Days without a detection after which the next one is a new trigger and starts anew. The answer of
        the season before stays in force until the new one is the brightest of the object so far: until its
        brightest detection is at least as bright (nJy, in any passband that is read) as that of all seasons
        before. If these have fewer than three detections together, which may be spurious, it speaks at once.
        Without effect where `trigger_mjd` is given.
    metadata : tuple of str
        Columns of the objects that the network reads, e.g. ``("photoz", "mwebv")``; no truth columns.
    deredden : bool
        Undo the dust of the Milky Way where `mwebv` is known and the fluxes are not corrected yet.
    passbands : tuple of Passband or None
        The passbands that are read, and with them those of any survey within 0.03 um of one of them; None
        reads all. Packaged ones may be given by their qualified names.
    wavelengths : tuple of (str, float), optional
        For ``reference``: the wavelength (um) by which the network knows each of `passbands`. A passband of a
        survey that is not named there is read as the nearest of them.

    Raises
    ------
    UsageError, UnknownNameError
        For values that nobody knows, and for metadata that hold the truth.
    """

    version: int = 1
    features: Features = "default"
    rows: Rows = "detections"
    before_days: float = 0.0
    after_days: float = 200.0
    season_gap_days: float = 90.0
    metadata: tuple[str, ...] = ()
    deredden: bool = False
    passbands: tuple[facts.Passband, ...] | None = None
    wavelengths: tuple[tuple[str, float], ...] | None = None

    def __post_init__(self) -> None:
        if self.version != 1:
            raise UsageError(
                f"version {self.version} of the preparation is not known", hint="Update firstlight."
            )
        for name, known in (("features", get_args(Features)), ("rows", get_args(Rows))):
            if getattr(self, name) not in known:
                raise UnknownNameError(f"{name} of a preparation", getattr(self, name), known)
        for name in ("before_days", "after_days", "season_gap_days"):
            if not (getattr(self, name) >= 0 and np.isfinite(getattr(self, name))):
                raise UsageError(
                    f"{name} is {getattr(self, name)!r}, which is no number of days", where="preparation"
                )
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "metadata", tuple(self.metadata))
        metadata.refuse_truth(self.metadata)
        if self.features == "reference" and self.wavelengths is None:
            object.__setattr__(self, "wavelengths", features.REFERENCE_WAVELENGTHS)
        if self.wavelengths is not None:
            pairs = tuple((str(name), float(um)) for name, um in self.wavelengths)
            object.__setattr__(self, "wavelengths", pairs)
            if self.passbands is None:
                object.__setattr__(self, "passbands", tuple(name for name, _ in pairs))
        if self.passbands is not None:
            object.__setattr__(self, "passbands", tuple(facts.passband(band) for band in self.passbands))

    @classmethod
    def reference(cls, *, rows: Rows = "measured", metadata: tuple[str, ...] = ()) -> Preparation:
        """The preparation of the published networks: 30 days before to 70 days after the trigger, g and r.

        Source: training scripts and weights of astromcad 1.2.7 (arXiv:2403.14742).
        """
        return cls(features="reference", rows=rows, before_days=30.0, after_days=70.0, metadata=metadata)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return features.DEFAULT if self.features == "default" else features.REFERENCE

    @property
    def context_names(self) -> tuple[str, ...]:
        """Names of the metadata columns, in order."""
        return self.metadata

    @property
    def window_is_closed(self) -> bool:
        """Whether the first and the last moment of the window belong to it (not so for ``reference``)."""
        return self.features == "default"

    def to_dict(self) -> dict[str, Any]:
        """The preparation as values of JSON; `from_dict` reads it back.

        Packaged passbands stand there by name, a user's own with all their numbers.
        """
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["metadata"] = list(self.metadata)
        if self.passbands is not None:
            values["passbands"] = [facts.to_plain(band) for band in self.passbands]
        values["wavelengths"] = None if self.wavelengths is None else dict(self.wavelengths)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, among: Iterable[facts.Passband] = ()) -> Preparation:
        """The preparation that `to_dict` wrote; names may mean passbands `among` these besides packaged ones.

        Raises
        ------
        UnknownNameError
            For a key that a preparation does not have.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for key in values:
            if key not in known:
                raise UnknownNameError("key of a preparation", key, known)
        plain = dict(values)
        if plain.get("wavelengths") is not None:
            plain["wavelengths"] = tuple(dict(plain["wavelengths"]).items())
        if plain.get("metadata") is not None:
            plain["metadata"] = tuple(plain["metadata"])
        if plain.get("passbands") is not None:
            own = tuple(among)
            plain["passbands"] = tuple(facts.passband(one, among=own) for one in plain["passbands"])
        return cls(**plain)

    def reads(self, passband: facts.Passband) -> float | None:
        """Wavelength (um) as which a passband is read; None when it is not read."""
        if self.passbands is None:
            return passband.wavelength_um
        if self.wavelengths is None:
            near = min(abs(passband.wavelength_um - band.wavelength_um) for band in self.passbands)
            return passband.wavelength_um if near <= NEIGHBOUR_UM else None
        seen = dict(self.wavelengths)
        if passband.name in seen:
            return seen[passband.name]
        own = [facts.passband(name, among=self.passbands) for name in seen]
        if passband.survey in {band.survey for band in own}:
            return None
        closest = min(own, key=lambda band: abs(band.wavelength_um - passband.wavelength_um))
        return seen[closest.name]

    def __call__(self, curves: LightCurves) -> Sequences:
        """The light curves as sequences of features, with the metadata of each object."""
        if self.deredden:
            curves = dust.deredden(curves)
        wavelengths = [self.reads(band) for band in curves.bands]
        cut = windows(
            curves,
            np.array([um is not None for um in wavelengths] + [False]),
            rows=self.rows,
            before=self.before_days,
            after=self.after_days,
            season_gap=self.season_gap_days,
            closed=self.window_is_closed,
        )
        table = np.array(
            [
                (um or 0.0, band.width_um, features.depth_flux(band.depth))
                for band, um in zip(curves.bands, wavelengths, strict=True)
            ],
        ).reshape(-1, 3)
        values = self._features(curves, cut, table)
        context, known = self._context(curves)
        return Sequences(
            values,
            cut.offsets,
            cut.owner,
            cut.row,
            cut.issued,
            cut.time,
            cut.n_detections,
            context[cut.owner],
            known[cut.owner],
            cut.flags,
            self.feature_names,
            self.context_names,
        )

    def start(self, metadata: Mapping[str, Any] | None = None, *, survey: str | facts.Survey) -> State:
        """The state of a stream before its first observation.

        Parameters
        ----------
        metadata : mapping, optional
            Columns of `objects` for this one object: ``redshift``, ``mwebv``, ``trigger_mjd``, ...; read as
            there, so that -9 is a redshift that is missing.
        survey : str or Survey

        Raises
        ------
        UnknownNameError
            For metadata of any other name.
        """
        return stream.start(self, metadata, survey)

    def step(
        self, state: State, observation: Observation
    ) -> tuple[State, NDArray[np.float32], NDArray[np.bool_]]:
        """The next state, the rows that a network reads now (float32 [T, F]), where it answers (bool [T])."""
        return stream.step(self, state, observation)

    def _features(self, curves: LightCurves, cut: Windows, table: NDArray[np.float64]) -> NDArray[np.float32]:
        band = curves.passband[cut.row]
        flux, error = curves.flux[cut.row], curves.flux_err[cut.row]
        limit = np.zeros(len(band), np.bool_)
        if self.rows == "all":
            limit = ~np.isfinite(flux)
            flux = np.where(limit, 0.0, flux)
            error = np.where(limit, curves.limit[cut.row] / 5.0, error)
        out = np.empty((len(band), len(self.feature_names)), np.float32)
        with np.errstate(over="ignore"):
            if self.features == "reference":
                columns = self._reference_columns(cut, table[:, 0][band], flux, error)
            else:
                columns = self._default_columns(cut, table, band, flux, error, limit)
        for k, column in enumerate(columns):
            out[:, k] = column
        return out

    def _reference_columns(
        self,
        cut: Windows,
        wavelength: NDArray[np.float64],
        flux: NDArray[np.float64],
        error: NDArray[np.float64],
    ) -> tuple[Any, ...]:
        blank = dict.fromkeys(features.Row._fields)
        row = features.Row(
            **{**blank, "time": cut.time, "wavelength": wavelength, "flux": flux, "error": error}
        )
        return features.reference(row, features.ARRAYS)

    def _default_columns(
        self,
        cut: Windows,
        table: NDArray[np.float64],
        band: NDArray[np.int16],
        flux: NDArray[np.float64],
        error: NDArray[np.float64],
        limit: NDArray[np.bool_],
    ) -> tuple[Any, ...]:
        wavelength, width, depth = table[:, 0][band], table[:, 1][band], table[:, 2][band]
        magnitude = features.asinh_magnitude(flux, depth, features.ARRAYS)
        start = np.repeat(cut.offsets[:-1], np.diff(cut.offsets))
        before = past(start, band, magnitude, cut.detected)
        time = cut.time
        row = features.Row(
            time=time,
            wavelength=wavelength,
            width=width,
            depth=depth,
            flux=flux,
            error=error,
            detected=cut.detected,
            limit=limit,
            magnitude=magnitude,
            gap=time - time[before.last],
            band_gap=time - time[before.band],
            band_rows=before.band_rows,
            band_magnitude=magnitude[before.band],
            other_magnitude=magnitude[before.other],
            other_wavelength=wavelength[before.other],
            other_gap=time - time[before.other],
            best_magnitude=magnitude[before.best],
            best_gap=time - time[before.best],
            band_best_magnitude=magnitude[before.band_best],
            band_best_gap=time - time[before.band_best],
            detections=cut.n_detections,
            band_detections=before.band_detections,
        )
        return features.default(row, features.ARRAYS)

    def _context(self, curves: LightCurves) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        present = set(curves.objects.column_names)
        columns = {
            name: np.asarray(curves.column(name), np.float64) for name in self.metadata if name in present
        }
        return metadata.context(columns, self.metadata, len(curves), self.features)
