"""What a base carries of its own training: some labelled light curves, small enough to travel with it.

Fine-tuning replays them, so that a network keeps what the labels at hand do not show. They are written as one
Parquet file with one row an object, which holds what the preparation reads and nothing else: days since the
trigger to 0.001 d, fluxes and errors to 0.1 %, no names and no dates.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from firstlight._types import AnyArray, Ints
from firstlight.classifier import Classifier
from firstlight.classifier.checkpoint import REPLAY
from firstlight.errors import Arg, CheckpointError, UsageError
from firstlight.facts import Passband
from firstlight.lightcurves import LightCurves
from firstlight.lightcurves.conversion import dumps, loads
from firstlight.lightcurves.object_table import standard
from firstlight.lightcurves.rows import Rows, in_order
from firstlight.preparation import Preparation
from firstlight.tables.objects import with_column

FORMAT = "1"
_DAY = 1000.0  # steps a day
_STEP = 1000.0  # steps a unit of ln(error), and of asinh(flux / error)
_SEEN, _DETECTED, _LIMIT = 0, 1, 2  # kinds of rows: measured, detected, 5-sigma limit
_ROWS = {"days": pa.int32(), "band": pa.int8(), "kind": pa.int8(), "log_error": pa.int16(), "snr": pa.int16()}


def balanced(names: Sequence[str | None], count: int, rng: np.random.Generator) -> Ints:
    """Objects [<= count] to be kept: as many of every label as of any other, as far as there are any.

    Parameters
    ----------
    names : n labels
        At full resolution, so that a class holds all its kinds however the network merges them; None is
        never chosen.
    count : int
    rng : Generator
    """
    labels = np.array(["" if name is None else name for name in names], dtype=str)
    groups = [rng.permutation(np.flatnonzero(labels == one)) for one in np.unique(labels) if one]
    chosen: list[Ints] = []
    left = count
    # From the smallest group on: what it lacks is shared among the larger ones.
    for k, group in enumerate(sorted(groups, key=len)):
        chosen.append(group[: left // (len(groups) - k)])
        left -= len(chosen[-1])
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.int64)


def read_rows(curves: LightCurves, preparation: Preparation) -> LightCurves:
    """The objects that the preparation gives a sequence, with the observations that it reads."""
    sequences = preparation(curves)
    read = np.zeros(len(curves.time), np.bool_)
    read[sequences.row] = True
    return curves.where(read).take(np.unique(sequences.owner))


def carry(
    curves: LightCurves, names: Sequence[str | None], preparation: Preparation, *, count: int, seed: int
) -> bytes:
    """Up to `count` of the labelled light curves as a part of a checkpoint, balanced over their labels."""
    if count < 1:
        raise UsageError(f"{count} is no number of light curves to be carried", where=Arg("keep"))
    objects = balanced(names, count, np.random.default_rng([seed, 3]))
    return dump(curves.take(objects), [str(names[k]) for k in objects], preparation)


def note(count: int) -> str:
    """What the card says about it."""
    return f"Carries up to {count:,} of these light curves, which fine-tuning replays."


def carried(classifier: Classifier) -> LightCurves | None:
    """The labelled light curves that a classifier carries, None where it carries none."""
    data = classifier.checkpoint.extras.get(REPLAY)
    where = classifier.checkpoint.where(REPLAY)
    return None if data is None else parse(data, where=where, among=classifier.passbands)


def dump(curves: LightCurves, names: Sequence[str], preparation: Preparation) -> bytes:
    """The light curves as a part of a checkpoint.

    Parameters
    ----------
    curves : LightCurves
        n objects.
    names : n labels
        As TNS spells them.
    preparation : Preparation
        Says which observations and metadata are read; objects that give it no sequence are left out.
    """
    labelled = curves.with_labels(list(names))
    kept = read_rows(labelled, preparation)
    limit = ~np.isfinite(kept.flux)
    error = np.where(limit, kept.limit / 5.0, kept.flux_err)
    signal = np.where(limit, 0.0, kept.flux) / error
    columns: dict[str, AnyArray] = {
        "days": (kept.time - kept.trigger[kept.owner]) * _DAY,
        "band": kept.passband,
        "kind": np.where(limit, _LIMIT, np.where(kept.detected, _DETECTED, _SEEN)),
        "log_error": np.clip(np.log(error), -32, 32) * _STEP,
        "snr": np.clip(np.arcsinh(signal), -32, 32) * _STEP,
    }
    offsets = pa.array(kept.offsets.astype(np.int32))
    table = {
        "label": kept.objects.column("label"),
        "survey": kept.objects.column("survey"),
        "dereddened": kept.objects.column("dereddened"),
        "triggered": pa.array(np.isfinite(kept.column("trigger_mjd"))),
    }
    for name in _metadata(preparation):
        if name in kept.objects.column_names:
            table[name] = pa.array(np.asarray(kept.column(name), np.float32))
    for name, kind in _ROWS.items():
        values = pa.array(np.rint(columns[name]).astype(kind.to_pandas_dtype()))
        table[name] = pa.ListArray.from_arrays(offsets, values)
    notes = {"firstlight.replay": FORMAT, "passbands": dumps(kept.bands)}
    buffer = io.BytesIO()
    pq.write_table(
        pa.table(table).replace_schema_metadata(notes),
        buffer,
        compression="zstd",
        compression_level=19,
        use_dictionary=["label", "survey"],
        column_encoding={"days.list.element": "DELTA_BINARY_PACKED"},
        write_statistics=False,
    )
    return buffer.getvalue()


def parse(data: bytes, *, where: str = REPLAY, among: Iterable[Passband] = ()) -> LightCurves:
    """The light curves that `dump` wrote; their time is in days since the trigger.

    `among` are passbands of a user's own that older files name only.

    Raises
    ------
    CheckpointError
        When it is no such file, or one of a later version.
    """
    try:
        table = pq.read_table(pa.BufferReader(data))
    except pa.ArrowException as problem:
        raise CheckpointError(f"cannot be read ({problem})", where=where) from problem
    notes = table.schema.metadata or {}
    if notes.get(b"firstlight.replay") != FORMAT.encode():
        raise CheckpointError("holds no light curves that this version reads", where=where)
    lists = {name: table.column(name).combine_chunks() for name in _ROWS}
    values = {name: np.asarray(one.flatten(), np.float64) for name, one in lists.items()}
    offsets = np.asarray(lists["days"].offsets, np.int64)
    error = np.exp(values["log_error"] / _STEP)
    limit = values["kind"] == _LIMIT
    rows = Rows(
        time=values["days"] / _DAY,
        passband=values["band"].astype(np.int16),
        flux=np.where(limit, np.nan, np.sinh(values["snr"] / _STEP) * error),
        flux_err=np.where(limit, np.nan, error),
        limit=np.where(limit, 5.0 * error, np.nan),
        detected=values["kind"] == _DETECTED,
        flags=np.zeros(len(limit), np.uint16),
    )
    given = np.asarray(table.column("triggered").to_numpy(zero_copy_only=False), np.bool_)
    objects = table.drop_columns([*_ROWS, "triggered"]).replace_schema_metadata(None)
    objects = objects.append_column("object_id", pa.array([f"replay-{k}" for k in range(len(table))]))
    # Behind `standard`, which reads a trigger of MJD 0 as a missing one: here it is the first of the days.
    objects = with_column(standard(objects), "trigger_mjd", pa.array(np.where(given, 0.0, np.nan)))
    bands = loads(notes[b"passbands"], among=among)
    return LightCurves.from_rows(in_order(rows, offsets), offsets, bands, objects)


def _metadata(preparation: Preparation) -> tuple[str, ...]:
    """Columns of the objects without which the preparation would read something else."""
    return tuple(dict.fromkeys([*preparation.metadata, *(["mwebv"] if preparation.deredden else [])]))
