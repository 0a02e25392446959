"""Wavelength, width and extinction of every passband in a folder of filter curves, as lines of TOML.

A curve is a text file of two columns: wavelength in Angstrom and photon-counting throughput (any scale).
The numbers of ``facts/surveys.toml`` and ``facts/extinction.toml`` come from here::

    python scripts/passbands.py path/to/filters          # ztf_g.dat, lsst_u.dat, ...
    python scripts/passbands.py --law                    # the extinction law itself

Needs the package ``extinction`` (Fitzpatrick 1999 in C).
"""

import argparse
from pathlib import Path

import numpy as np
from extinction import fitzpatrick99
from numpy.typing import NDArray

R_V = 3.1
TEMPERATURE = 10_000.0  # K; photospheres near maximum lie between 8,000 and 15,000 K, and A changes by 0.7 %
EBV = 0.1  # mag; small enough that A is proportional to E(B-V)


def blackbody(wavelength: NDArray[np.float64], kelvin: float) -> NDArray[np.float64]:
    """Planck's F_lambda in arbitrary units; `wavelength` in Angstrom."""
    return wavelength**-5 / np.expm1(1.4387769e8 / (wavelength * kelvin))


def describe(curve: Path) -> dict[str, float]:
    """Transmission-weighted mean, equivalent width (both um) and A/E(B-V) of one curve."""
    wave, throughput = np.loadtxt(curve, unpack=True)
    mean = np.trapezoid(wave * throughput, wave) / np.trapezoid(throughput, wave)
    width = np.trapezoid(throughput, wave) / throughput.max()
    photons = blackbody(wave, TEMPERATURE) * wave * throughput
    dimmed = photons * 10 ** (-0.4 * fitzpatrick99(wave, R_V * EBV, R_V))
    extinction = -2.5 * np.log10(np.trapezoid(dimmed, wave) / np.trapezoid(photons, wave)) / EBV
    return {"wavelength_um": mean / 1e4, "width_um": width / 1e4, "extinction": float(extinction)}


def main() -> None:
    """Print the TOML."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="folder of .dat files")
    parser.add_argument("--law", action="store_true", help="print the law on a grid of inverse wavelengths")
    options = parser.parse_args()
    if options.law:
        inverse = np.arange(0.4, 5.01, 0.1)[::-1]
        law = fitzpatrick99(1e4 / inverse, R_V, R_V)
        print(f"wavelength_um = {[round(float(x), 5) for x in 1 / inverse]}")
        print(f"extinction = {[round(float(x), 4) for x in law]}")
    for curve in sorted(options.folder.glob("*.dat")) if options.folder else ():
        print(f"[{curve.stem.replace('_', '.')}]")
        print("\n".join(f"{name} = {value:.4f}" for name, value in describe(curve).items()))


if __name__ == "__main__":
    main()
