"""Light curves that do not vary: what is constant within its errors, or but for one step, is no transient.

Difference images of a star whose reference is too bright or too faint have a constant flux, and one that
changed its reference has a step. Networks have learnt nothing of the kind and take it for what lasts longest.
Whether a light curve is flat is told from the rows that the network reads: a table and a stream say the same.

In each passband all intervals of three errors about the fluxes must have a value in common. Where they have
none any more a step is counted, and the passband starts anew. Flat is what has had at most one step, and then
none in any passband for `DAYS`, with `ROWS` rows by then and levels that are known well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from firstlight._types import Bools, Floats32, Ints
from firstlight.preparation import features as read

# Of 5,022 real transients of the pool of ztf-5 5 are taken for flat at the end and 17 at some time, mostly on
# plateaus of SNe II; of the 3,416 of plasticc-8 4 and 31. With 60 days it is 14 and 57, 5 and 50.
ERRORS, DAYS, ROWS, KNOWN = np.float32(3.0), np.float32(90.0), 10, np.float32(0.1)
BANDS = 6  # of one object at most; with more it is never called flat
_SLOT = 4  # wavelength as the network knows it, the least and the highest value in common, and steps
_STEPS, _MOVED, _COUNT, _FLAT = (BANDS * _SLOT + k for k in range(4))
SIZE = BANDS * _SLOT + 4


def nothing(n: int) -> Floats32:
    """What is remembered of n objects before their first row, float32 [n, SIZE]."""
    memory = np.zeros((n, SIZE), np.float32)
    memory[:, : BANDS * _SLOT : _SLOT] = np.nan
    return memory


def is_flat(memory: Floats32) -> Bools:
    """Whether the objects are flat by now, bool [n]."""
    return np.asarray(memory[..., _FLAT] > 0.0)


def follow(
    memory: Floats32, names: Sequence[str], features: Floats32, offsets: Ints
) -> tuple[Bools, Floats32]:
    """Whether each object is flat at each of its further rows, bool [M], and what is remembered then.

    Parameters
    ----------
    memory : float32 [s, SIZE]
    names : sequence of str
        Of the features.
    features : float32 [M, F]
        Rows that the network reads, sequence by sequence.
    offsets : int64 [s + 1]
        Of the sequences.
    """
    flat, memory = np.zeros(len(features), np.bool_), memory.copy()
    lengths = np.diff(offsets)
    columns = _columns(names, features)
    going = np.flatnonzero((lengths > 0) & (memory[:, _STEPS] <= 1.0))
    for turn in range(int(lengths.max(initial=0))):
        going = going[lengths[going] > turn]
        if not going.size:
            break
        rows = offsets[going] + turn
        now = _after(memory[going], *(column[rows] for column in columns))
        memory[going], flat[rows] = now, now[:, _FLAT] > 0.0
        going = going[now[:, _STEPS] <= 1.0]  # with two steps it never is flat any more
    return flat, memory


def _columns(names: Sequence[str], features: Floats32) -> tuple[Floats32, ...]:
    """Time, wavelength, and the ends of the interval of each row; without ends for a limit."""
    column = {name: features[:, k] for k, name in enumerate(names)}
    with np.errstate(over="ignore"):
        if tuple(names) == read.REFERENCE:
            flux, error, time = column["flux"], column["flux_err"], column["time"] * np.float32(100.0)
            limit = np.zeros(len(flux), np.float32)
        else:
            flux = np.sinh(2.0 * (column["flux"] + 1.0))
            error = np.exp(2.0 * column["error"]) / np.float32(5.0)
            time = _days(column["time"])
            limit = column["limit"]
        low, high = flux - ERRORS * error, flux + ERRORS * error
    known = limit == 0.0
    return time, column["wavelength"], np.where(known, low, -np.inf), np.where(known, high, np.inf)


def _days(feature: Floats32) -> Floats32:
    """Days since the trigger, from the feature of them."""
    scaled = 2.0 * (feature + np.float32(1.0))
    return np.asarray(np.sign(scaled) * np.expm1(np.abs(scaled)), np.float32)


def _after(memory: Floats32, time: Floats32, wavelength: Floats32, low: Floats32, high: Floats32) -> Floats32:
    """What is remembered after one more row of each object, float32 [n, SIZE]."""
    every = np.arange(len(memory))
    known = memory[:, : BANDS * _SLOT : _SLOT]
    mine = np.where(known == wavelength[:, None], 0, np.where(np.isnan(known), 1, 2))
    slot = mine.argmin(axis=1)
    full = mine[every, slot] == 2
    fresh = mine[every, slot] == 1
    least = np.where(fresh, low, np.maximum(memory[every, slot * _SLOT + 1], low))
    most = np.where(fresh, high, np.minimum(memory[every, slot * _SLOT + 2], high))
    step = least > most
    memory[every, slot * _SLOT] = wavelength
    memory[every, slot * _SLOT + 1] = np.where(step, low, least)
    memory[every, slot * _SLOT + 2] = np.where(step, high, most)
    memory[every, slot * _SLOT + 3] += step + 2.0 * full
    memory[:, _STEPS] = memory[:, 3 : BANDS * _SLOT : _SLOT].max(axis=1)
    memory[:, _MOVED] = np.where(step | (memory[:, _COUNT] == 0), time, memory[:, _MOVED])
    memory[:, _COUNT] += 1.0
    memory[:, _FLAT] = (
        (memory[:, _STEPS] <= 1.0)
        & (memory[:, _COUNT] >= ROWS)
        & (time - memory[:, _MOVED] >= DAYS)
        & _levels_known(memory)
    )
    return memory


def _levels_known(memory: Floats32) -> Bools:
    """Whether the level of every passband is known to a tenth of the highest of them."""
    used = ~np.isnan(memory[:, : BANDS * _SLOT : _SLOT])
    low, high = memory[:, 1 : BANDS * _SLOT : _SLOT], memory[:, 2 : BANDS * _SLOT : _SLOT]
    with np.errstate(invalid="ignore"):
        wide = np.where(used, high - low, 0.0).max(axis=1)
        level = np.where(used, np.abs(high + low), 0.0).max(axis=1)
        return np.asarray(wide <= KNOWN * level)
