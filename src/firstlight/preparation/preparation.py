"""How light curves become numbers: a plain value, saved with a classifier, for tables and for streams."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from firstlight import facts
from firstlight._arithmetic import COLUMNS
from firstlight._types import Bools, Floats32
from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.preparation import dust, features, states, step, steps
from firstlight.preparation import metadata as known_of
from firstlight.preparation.rules import Filters, Rules, filters
from firstlight.preparation.seasons import Seasons, past, seasons
from firstlight.preparation.sequences import Sequences, Steps
from firstlight.preparation.states import Observation, State, States

Features = Literal["default", "reference"]
RowKind = Literal["detections", "measured", "all"]

# As far as the g and r of ZTF, LSST, Pan-STARRS and DES lie apart; the next passbands are three times as far.
NEIGHBOUR_UM = 0.03


@dataclass(frozen=True)
class Preparation:
    """The rule by which light curves become the numbers that a network reads.

    ``preparation(curves)`` prepares a table at once. ``preparation.begin()`` and ``preparation.steps()`` take
    the observations of many objects as they arrive, ``preparation.start()`` and ``preparation.step()`` one of
    one object, and give the same numbers. Nothing looks ahead.

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
    rows: RowKind = "detections"
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
        for name, known in (("features", get_args(Features)), ("rows", get_args(RowKind))):
            if getattr(self, name) not in known:
                raise UnknownNameError(f"{name} of a preparation", getattr(self, name), known)
        for name in ("before_days", "after_days", "season_gap_days"):
            if not (getattr(self, name) >= 0 and np.isfinite(getattr(self, name))):
                raise UsageError(
                    f"{name} is {getattr(self, name)!r}, which is no number of days", where="preparation"
                )
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "metadata", tuple(self.metadata))
        known_of.refuse_truth(self.metadata)
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
    def reference(cls, *, rows: RowKind = "measured", metadata: tuple[str, ...] = ()) -> Preparation:
        """The preparation of the published networks: 30 days before to 70 days after the trigger, g and r.

        Source: training scripts and weights of astromcad 1.2.7 (arXiv:2403.14742).
        """
        return cls(features="reference", rows=rows, before_days=30.0, after_days=70.0, metadata=metadata)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, in order."""
        return features.names(self.features)

    @property
    def context_names(self) -> tuple[str, ...]:
        """Names of the metadata columns, in order."""
        return self.metadata

    @property
    def rules(self) -> Rules:
        """When an observation counts, and when a season opens and speaks.

        The first and the last moment of the window belong to it, but not for ``reference``.
        """
        return Rules(
            rows=self.rows,
            before=self.before_days,
            after=self.after_days,
            season_gap=self.season_gap_days,
            closed=self.features == "default",
            features=self.features,
            deredden=self.deredden,
        )

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

    def filters(self, bands: Sequence[facts.Passband]) -> Filters:
        """The numbers of passbands as this preparation reads them."""
        return filters(bands, [self.reads(band) for band in bands])

    def __call__(self, curves: LightCurves) -> Sequences:
        """The light curves as sequences of features, with the metadata of each object."""
        if self.deredden:
            curves = dust.deredden(curves)
        table = self.filters(curves.bands)
        cut = seasons(curves, table.reads, self.rules)
        context, known = self._context(curves)
        return Sequences(
            features=self._features(curves, cut, table),
            offsets=cut.offsets,
            owner=cut.owner,
            row=cut.row,
            issued=cut.issued,
            time=cut.time,
            n_detections=cut.n_detections,
            context=context[cut.owner],
            context_mask=known[cut.owner],
            flags=cut.flags,
            names=self.feature_names,
            context_names=self.context_names,
        )

    def _features(self, curves: LightCurves, cut: Seasons, table: Filters) -> Floats32:
        band = curves.passband[cut.row]
        flux, error, limit = features.measured(
            curves.flux[cut.row], curves.flux_err[cut.row], curves.limit[cut.row], COLUMNS
        )
        time, wavelength = cut.time, table.wavelength[band]
        if self.features == "reference":  # which looks at no earlier row
            blank = dict.fromkeys(features.Row._fields)
            here = {"time": time, "wavelength": wavelength, "flux": flux, "error": error}
            return features.numbers(self.features, features.Row(**{**blank, **here}))
        depth = table.depth[band]
        magnitude = features.asinh_magnitude(flux, depth, COLUMNS)
        start = np.repeat(cut.offsets[:-1], np.diff(cut.offsets))
        before = past(start, band, magnitude, cut.detected)
        row = features.Row(
            time=time,
            wavelength=wavelength,
            width=table.width[band],
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
        return features.numbers(self.features, row)

    def _context(self, curves: LightCurves) -> tuple[Floats32, Bools]:
        present = set(curves.objects.column_names)
        columns = {
            name: np.asarray(curves.column(name), np.float64) for name in self.metadata if name in present
        }
        return known_of.context(columns, self.metadata, len(curves), self.features)

    def begin(self, curves: LightCurves) -> States:
        """The states of the objects of light curves before their first observation.

        Only the objects and their metadata count here, not the observations.
        """
        context, known = self._context(curves)
        return states.beginning(
            curves.bands,
            self.filters(curves.bands),
            context=context,
            context_mask=known,
            trigger=np.asarray(curves.column("trigger_mjd"), np.float64),
            mwebv=dust.uncorrected(curves),
        )

    def steps(self, before: States, curves: LightCurves) -> Steps:
        """The states after further observations, and the rows that a network reads now.

        Parameters
        ----------
        before : States
            Of n objects.
        curves : LightCurves
            The new observations of the same n objects, in the same order; some may have none. Their
            passbands are among those of the states.

        Returns
        -------
        Steps
            Observations that were delivered before are flagged; those that come too late are named.

        Raises
        ------
        UsageError
            For another number of objects.
        DataError
            For a passband that the states do not know by these numbers.
        """
        if len(before) != len(curves):
            raise UsageError(f"{len(curves)} light curves for {len(before)} states", where="steps")
        code = {band: place for place, band in enumerate(before.bands)}
        for band in curves.bands:
            if band not in code:
                raise DataError(f"the states do not know the passband '{band.name}'", where="steps")
        place = np.array([*(code[band] for band in curves.bands), -1], np.int16)
        rows = steps.rows_of(curves, place)
        return steps.advance(self.rules, before, rows, curves.offsets, self.metadata)

    def states_of(self, data: Iterable[bytes], bands: Sequence[facts.Passband]) -> States:
        """The states that `States.to_bytes` wrote, of these passbands.

        Raises
        ------
        DataError
            For bytes of another version, of other passbands or metadata, or cut short.
        """
        return states.from_bytes(data, tuple(bands), self.filters(bands), len(self.metadata))

    def start(self, metadata: Mapping[str, Any] | None = None, *, survey: str | facts.Survey) -> State:
        """The state of a stream of one object before its first observation.

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
        values, flags = known_of.of_one(metadata or {}, self.metadata)
        chosen = facts.survey(survey)
        columns = {key: np.array([known_of.number(values, key)]) for key in self.metadata}
        context, known = known_of.context(columns, self.metadata, 1, self.features)
        return states.beginning_of_one(
            chosen,
            self.filters(chosen.passbands).plain,
            context=context,
            context_mask=known,
            trigger=known_of.number(values, "trigger_mjd"),
            mwebv=np.nan if values.get("dereddened") else known_of.number(values, "mwebv"),
            flags=flags,
        )

    def step(self, state: State, observation: Observation) -> tuple[State, Floats32, Bools]:
        """The next state, the rows that a network reads now (float32 [T, F]), where it answers (bool [T]).

        T is 0 when the observation is not read, 1 as a rule, more when a trigger brings the rows before it.

        Raises
        ------
        DataError
            When the observation belongs before one that was already taken, or its time is no MJD.
        """
        return step.step(self.rules, state, observation)
