"""Light curves: the ragged, columnar value that travels, its selection and its conversions."""

from firstlight.lightcurves.curves import LightCurves
from firstlight.lightcurves.flags import Flag, flag_names
from firstlight.lightcurves.photometry import (
    flux_error_from_magnitude,
    flux_from_magnitude,
    magnitude_from_flux,
    to_njy,
)
from firstlight.lightcurves.tally import Tally

__all__ = [
    "Flag",
    "LightCurves",
    "Tally",
    "flag_names",
    "flux_error_from_magnitude",
    "flux_from_magnitude",
    "magnitude_from_flux",
    "to_njy",
]
