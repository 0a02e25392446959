"""What can be wrong with an observation or an object, one bit each."""

from __future__ import annotations

from enum import IntFlag
from typing import Any

import numpy as np

from firstlight._types import AnyArray, Bits
from firstlight.tables.columns import floats


class Flag(IntFlag):
    """Bits of the `flags` of observations and objects (uint16).

    An object carries the bits of its observations besides its own.
    """

    DROPPED_NAN = 1
    """Time, flux or error is not finite, and no limit stands there."""
    DROPPED_DUPLICATE = 2
    """Same time, passband, flux and limit as an observation before."""
    DROPPED_BAD_ERROR = 4
    """Error zero or negative."""
    DROPPED_UNKNOWN_PASSBAND = 8
    """The survey knows no such passband."""
    SINGLE_EPOCH = 16
    """Object: more than three usable observations, all at one time."""
    NO_DATA = 32
    """Object: no usable observation."""
    NO_DETECTION = 64
    """Object: no usable observation is a detection."""
    NO_KNOWN_PASSBAND = 128
    """Object: it has observations, none in a known passband."""
    REDSHIFT_SENTINEL = 256
    """Object: a redshift of -9, -99, -999, -9999, 0, <= -1 or > 10 was read as missing."""
    IMPLAUSIBLE_FLUX = 512
    """Flux, error or limit above 1e13 nJy (AB -1.1, about Sirius); not used."""
    OUTSIDE_WINDOW = 1024
    """Outside the time window of a preparation."""
    BAD_METADATA = 2048
    """Object: an impossible position, extinction or uncertainty was read as missing."""
    POSITION_SCATTER = 4096
    """Object: its positions scatter by more than 2 arcsec."""
    BAD_QUALITY = 8192
    """The survey's own quality flags, or the sign of a magnitude, say not to use it."""
    UNREAD_PASSBAND = 16384
    """Object: some observations lie in passbands that the classifier does not read."""
    CONSTANT_FLUX = 32768
    """Object: constant within errors for 90 days, but for one step at most: no transient, and no answer."""


UNUSABLE = (
    Flag.DROPPED_NAN
    | Flag.DROPPED_DUPLICATE
    | Flag.DROPPED_BAD_ERROR
    | Flag.DROPPED_UNKNOWN_PASSBAND
    | Flag.IMPLAUSIBLE_FLUX
    | Flag.BAD_QUALITY
)
"""An observation with one of these takes part in nothing."""

OF_METADATA = Flag.REDSHIFT_SENTINEL | Flag.BAD_METADATA | Flag.POSITION_SCATTER
"""Bits that do not follow from the observations; the others of an object are recomputed from its rows."""


def flag_names(flags: int) -> tuple[str, ...]:
    """The names of the bits set in `flags`, in lower case.

    Examples
    --------
    >>> flag_names(33)
    ('dropped_nan', 'no_data')
    """
    return tuple(str(flag.name).lower() for flag in Flag if flag & int(flags))


def mark(flags: Bits, where: AnyArray, flag: Flag) -> None:
    """Set the bits of `flag` in place, where a mask or positions say so."""
    flags[where] |= np.uint16(flag)  # an IntFlag itself would turn the array into int64


def flag_column(values: Any, size: int) -> Bits:
    """Given flags as uint16; zeros where none are given."""
    if values is None:
        return np.zeros(size, np.uint16)
    return np.nan_to_num(floats(values, "flags")).astype(np.uint16)
