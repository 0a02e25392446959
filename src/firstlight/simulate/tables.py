"""Simulated objects as tables and as LightCurves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight.errors import UsageError
from firstlight.facts import Survey
from firstlight.lightcurves import LightCurves
from firstlight.simulate.engine import Selection, Simulated, Simulator, expected, simulators
from firstlight.simulate.forced import Forced
from firstlight.simulate.observing import Observing
from firstlight.simulate.views import View, Visits

_TEXT = {"sim_template"}
_ALWAYS = ("dec", "mwebv", "photoz", "photoz_err", "ra", "redshift", "sim_redshift", "trigger_mjd")


def to_tables(name: str, seed: int, objects: Sequence[Simulated], view: View) -> tuple[pa.Table, pa.Table]:
    """Objects table and photometry table of simulated objects of one class; number not known is null."""
    short = "".join(letter for letter in name if letter.isalnum())
    ids = [f"sim{seed}-{short}-{one.number}" for one in objects]
    keys = sorted({*_ALWAYS, *(key for one in objects for key in one.values)})
    columns: dict[str, pa.Array] = {
        "object_id": pa.array(ids, pa.string()),
        "survey": pa.array([view.survey.name] * len(ids), pa.string()),
        "label": pa.array([name] * len(ids), pa.string()),
        "n_det": pa.array([int(one.rows.detected.sum()) for one in objects], pa.int32()),
    }
    if view.log.dereddened:
        columns["dereddened"] = pa.array([True] * len(ids), pa.bool_())
    for key in keys:
        values = [one.values.get(key) for one in objects]
        kind = pa.string() if key in _TEXT else pa.float64()
        columns[key] = pa.array(values, kind, from_pandas=True)
    counts = [len(one.rows.time) for one in objects]
    owner = np.repeat(np.arange(len(objects), dtype=np.int32), counts)

    def joined(key: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(one.rows, key) for one in objects]) if objects else np.zeros(0)

    names = pa.array([one.name.split("-")[-1] for one in view.bands])
    photometry = pa.table(
        {
            "object_id": _spelt(owner, pa.array(ids, pa.string())),
            "mjd": pa.array(joined("time")),
            "band": _spelt(joined("band").astype(np.int8), names),
            **{key: pa.array(joined(key), from_pandas=True) for key in ("flux", "flux_err", "limit")},
            "detected": pa.array(joined("detected").astype(np.bool_)),
        }
    )
    units = {"mjd": "d", "flux": "nJy", "flux_err": "nJy", "limit": "nJy"}
    fields = [
        one.with_metadata({"unit": units[one.name]}) if one.name in units else one
        for one in photometry.schema
    ]
    told = {"flux_unit": "nJy", "survey": view.survey.name}
    return pa.table(columns), photometry.cast(pa.schema(fields, metadata=told))


def _spelt(codes: NDArray[Any], names: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes), names).cast(pa.string())


Progress = Callable[[str, int, int], None]


def numbers(classes: Mapping[str, int] | Sequence[str] | str, count: int = 1000) -> dict[str, int]:
    """Objects by class of what a user gave: a mapping, or names with `count` of each."""
    if isinstance(classes, str):
        classes = [classes]
    wanted = dict(classes) if isinstance(classes, Mapping) else dict.fromkeys(classes, count)
    if not wanted or any(count <= 0 for count in wanted.values()):
        raise UsageError("classes with a count above zero are wanted", where="simulate")
    return wanted


def simulate(
    survey: str | Path | Survey,
    classes: Mapping[str, int] | Sequence[str] | str,
    count: int = 1000,
    seed: int = 0,
    *,
    data: str | Path | None = None,
    volumetric: float | None = None,
    product: str | None = None,
    visits: Visits | None = None,
    population_table: str | Path | None = None,
    rules: Observing | Forced | None = None,
    selection: Selection | None = None,
) -> LightCurves:
    """Light curves of simulated transients as a survey would give them, with truth columns.

    Parameters
    ----------
    survey : str, path or Survey
        ``"ZTF"``, ``"LSST"``, or a TOML file of your own with `visits`.
    classes : dict or list of str
        Number of triggered objects by class (TNS names), or names with `count` of each.
    seed : int
        Same seed, same result.
    data : path, optional
        The data folder (see `firstlight.simulate.library`); without it SLSN-I, TDE, AGN, SN Ib-Ca-rich,
        PISN, ILOT and Microlensing, under a sample of the visits of ZTF and LSST, and with sncosmo the
        classes whose templates it downloads.
    volumetric : float, optional
        As many events as happen in so many square degrees x years, in place of numbers; those that trigger
        are given.
    product : {"alerts", "forced"}, optional
        Detections and limits (default for ZTF), or flux and error at every visit (default elsewhere).
    visits : Visits, optional
        Another visit log, or donors.
    population_table : path or str, optional
        Your own table in place of the packaged ``populations.toml``, or ``"literature"``: the packaged table
        in which nothing was fitted to labelled light curves.
    rules, selection : optional
        How the survey observes, and which objects are kept.

    Returns
    -------
    LightCurves
        Their `objects` carry ``label``, ``redshift``, ``photoz``, ``photoz_err``, ``mwebv``, ``trigger_mjd``,
        and truth as ``sim_*``.

    Raises
    ------
    DataError, UnknownNameError, UsageError
        Before the run: files that are not there, names nobody knows, priors that make no sense.

    Examples
    --------
    >>> curves = simulate("LSST", {"TDE": 2}, seed=1)
    >>> curves.objects["label"].to_pylist()
    ['TDE', 'TDE']
    """
    wanted = numbers(classes, count)
    made = simulators(
        survey, list(wanted), data=data, population_table=population_table, product=product, rules=rules,
        selection=selection, visits=visits,
    )  # fmt: skip
    parts = []
    for name, number in wanted.items():
        one = made[name]
        if volumetric is None:
            objects = one.first(seed, number)
        else:
            events = (one.simulate(seed, k) for k in range(expected(one.population, seed, volumetric)))
            objects = [event for event in events if event is not None]
        parts.append(to_tables(name, seed, objects, one.view))
    return to_curves(
        pa.concat_tables([part[0] for part in parts], promote_options="default"),
        pa.concat_tables([part[1] for part in parts]),
        next(iter(made.values())),
    )


def to_curves(objects: pa.Table, rows: pa.Table, made: Simulator) -> LightCurves:
    """The two tables as LightCurves."""
    return LightCurves.from_columns(
        object_id=rows["object_id"],
        time=rows["mjd"],
        passband=rows["band"],
        survey=made.view.survey,
        flux=rows["flux"],
        flux_err=rows["flux_err"],
        limit=rows["limit"],
        detected=rows["detected"],
        flux_unit="nJy",
        objects=objects,
        dereddened=made.view.log.dereddened,
    )
