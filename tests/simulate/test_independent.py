"""The synthesis against two others, and models of LightCurveLynx as sources.

"The same model" is the same template, redshift, distance and visits, without dust and noise.
"""

from __future__ import annotations

import sys
import types
import warnings

import numpy as np
import pytest

from firstlight.errors import DataError, MissingExtraError, UsageError
from firstlight.facts import survey
from firstlight.simulate import Library, populations, simulate, simulators
from firstlight.simulate.synthesis import NJY, bandpasses, curves
from firstlight.simulate.templates import salt_colour_law

Z, T0 = 0.08, 60_000.0
X1, C, X0 = 0.7, 0.12, 1e-3
DAYS = np.arange(-8.0, 41.0, 3.0)  # observer days from maximum
SURVEYS = [("ZTF", ("g", "r")), ("LSST", ("g", "r", "i", "z"))]


@pytest.fixture
def library(shared, monkeypatch):
    monkeypatch.setenv("SNCOSMO_DATA_DIR", str(shared / "data/simulation/sncosmo"))
    return Library(shared / "data/simulation")


@pytest.fixture(scope="module")
def lightcurvelynx():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(
            "lightcurvelynx", reason="LightCurveLynx is not installed: pip install 'firstlight[lynx]'"
        )


def ours(library, bands, template):
    """Magnitudes [band, day] of our synthesis; `template` a V19 name, or SALT3."""
    if template == "salt3":
        m0, m1, law = library.salt3()
        filters = 10 ** (-0.4 * C * salt_colour_law(law, bands.wave / (1 + Z)))
        flux = X0 * (curves(m0, bands, Z, filters) + X1 * curves(m1, bands, Z, filters))
        phase = m0.phase
    else:
        series = library.template(template)
        flux = curves(series, bands, Z, np.ones_like(bands.wave)) * series.scale
        phase = series.phase
    return -2.5 * np.log10(np.stack([np.interp(DAYS, phase * (1 + Z), row) for row in flux]))


def sncosmo_source(template):
    import sncosmo

    source = sncosmo.get_source(template)
    if template == "salt3":
        return source
    # Cubic splines of sncosmo overshoot between the irregular epochs of V19: linear in phase, as ours.
    return sncosmo.TimeSeriesSource(
        source._phase, source._wave, source._flux(source._phase, source._wave), time_spline_degree=1
    )


@pytest.mark.parametrize("template", ["salt3", "v19-2013ge-corr", "v19-2009ip-corr"])
@pytest.mark.parametrize(("name", "short"), SURVEYS)
def test_magnitudes_are_those_of_sncosmo(library, template, name, short):
    """Worst difference 0.006 mag (measured 0.005, median 0.0004): cells of 20 A here, of 5 A there."""
    sncosmo = pytest.importorskip("sncosmo", reason="pip install 'firstlight[simulate]'")
    bands = bandpasses(survey(name), library, short)
    model = sncosmo.Model(sncosmo_source(template))
    model.set(z=Z, t0=0.0, **({"x0": X0, "x1": X1, "c": C} if template == "salt3" else {"amplitude": 1.0}))
    mine = ours(library, bands, template)
    for row, one in enumerate(short):
        table = np.loadtxt(library.path(f"filters/{name.lower()}_{one}.dat"))
        band = sncosmo.Bandpass(table[:, 0], table[:, 1], name=one)
        theirs = -2.5 * np.log10(model.bandflux(band, DAYS, zp=0.0, zpsys="ab"))
        assert np.abs(mine[row] - theirs).max() < 0.006, (template, one, np.abs(mine[row] - theirs).max())


@pytest.mark.parametrize("template", ["salt3", "v19-2013ge-corr"])
@pytest.mark.parametrize(("name", "short"), SURVEYS)
def test_magnitudes_are_those_of_lightcurvelynx(library, lightcurvelynx, template, name, short):
    """Worst difference 0.006 mag (measured 0.005, median 0.0009)."""
    pytest.importorskip("sncosmo", reason="pip install 'firstlight[simulate]'")
    from lightcurvelynx.astro_utils.passbands import Passband, PassbandGroup
    from lightcurvelynx.models.sncosmo_models import SncosmoWrapperModel

    bands = bandpasses(survey(name), library, short)
    values = {"x0": X0, "x1": X1, "c": C} if template == "salt3" else {"amplitude": 1.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = sncosmo_source(template)
        source.name = template
        model = SncosmoWrapperModel(template if template == "salt3" else source, t0=T0, redshift=Z, **values)
        group = PassbandGroup(
            [
                Passband(np.loadtxt(library.path(f"filters/{name.lower()}_{one}.dat")), name, one)
                for one in short
            ]
        )
        state = model.sample_parameters(num_samples=1)
        mine = ours(library, bands, template)
        for row, one in enumerate(short):
            names = np.full(len(DAYS), one)
            nanojansky = model.evaluate_bandfluxes(group, T0 + DAYS, names, state)
            away = mine[row] + 2.5 * np.log10(np.asarray(nanojansky).ravel() / NJY)
            assert np.abs(away).max() < 0.006, (template, one, np.abs(away).max())


# ---------------------------------------------------------------- their models as sources

TABLE = """
["Toy"]
number = 90
source = "lightcurvelynx"
model = "{model}"
rate = 1e-5
evolution = "constant"
redshift = [0.01, 0.05]
magnitude_band = "ZTF-r"
"""


def table(tmp_path, model, more=""):
    path = tmp_path / "toy.toml"
    path.write_text(TABLE.format(model=model) + more, encoding="utf-8")
    return path


def grid():
    """Phase, wavelength, F_lambda at 10 pc in erg/s/cm2/A: a flat source of M -18, Gaussian in time."""
    phase, wave = np.arange(0.0, 81.0, 4.0), np.arange(2_000.0, 10_001.0, 100.0)
    flat = 3.63078e-20 * 10 ** (0.4 * 18.0) * 2.99792458e18 / wave**2
    return phase, wave, np.exp(-0.5 * ((phase - 30.0) / 15.0) ** 2)[:, None] * flat


def test_a_model_of_lightcurvelynx_is_a_source(lightcurvelynx, shared, tmp_path, monkeypatch):
    from lightcurvelynx.models.sed_template_model import SEDTemplate, SEDTemplateModel

    phase, wave, flux = grid()
    nanojansky = flux * wave**2 / 2.99792458e18 * 1e32

    def toy():
        return SEDTemplateModel(SEDTemplate.from_components(phase, wave, nanojansky, sed_data_t0=0.0), t0=0.0)

    module = types.ModuleType("toy_models")
    module.toy = toy
    monkeypatch.setitem(sys.modules, "toy_models", module)
    one = table(tmp_path, "toy_models:toy")
    data = shared / "data/simulation"
    curve = simulate("ZTF", {"Toy": 3}, seed=1, data=data, population_table=one, allow_code=True)
    assert curve.objects["sim_magnitude"].to_pylist() == pytest.approx([-18.0] * 3, abs=0.02)
    again = simulate("ZTF", {"Toy": 3}, seed=1, data=data, population_table=one, allow_code=True)
    assert np.array_equal(curve.flux, again.flux, equal_nan=True)
    scaled = table(tmp_path, "toy_models:toy", "magnitude = -19.0\nhost_av = 0.3\n")
    bright = simulate("ZTF", {"Toy": 1}, seed=1, data=data, population_table=scaled, allow_code=True)
    assert bright.objects["sim_magnitude"].to_pylist() == [-19.0]


def test_a_simsed_library_is_a_source(lightcurvelynx, shared, tmp_path):
    folder = tmp_path / "SIMSED.TOY"
    folder.mkdir()
    (folder / "SED.INFO").write_text("FLUX_SCALE: 1.0\nSED: toy.dat\n", encoding="utf-8")
    phase, wave, flux = grid()
    rows = [
        f"{p} {w} {f:.6e}" for p, row in zip(phase, flux, strict=True) for w, f in zip(wave, row, strict=True)
    ]
    (folder / "toy.dat").write_text("\n".join(rows), encoding="utf-8")
    curve = simulate(
        "ZTF", {"Toy": 2}, seed=1, data=shared / "data/simulation", population_table=table(tmp_path, folder)
    )
    assert curve.objects["sim_magnitude"].to_pylist() == pytest.approx([-18.0] * 2, abs=0.02)


def test_a_model_of_band_fluxes_is_taken_as_observed(lightcurvelynx, tmp_path, monkeypatch):
    from lightcurvelynx.models.physical_model import BandfluxModel

    class Flare(BandfluxModel):
        def compute_bandflux(self, times, filter, state):
            return 1e5 * (1.0 + np.exp(-0.5 * ((times - 50.0) / 20.0) ** 2)) * (2.0 if filter == "r" else 1.0)

    module = types.ModuleType("toy_models")
    module.flare = lambda: Flare(t0=0.0)
    monkeypatch.setitem(sys.modules, "toy_models", module)
    one = table(tmp_path, "toy_models:flare", "galactic = true\n")
    curve = simulate("LSST", {"Toy": 2}, seed=1, population_table=one, allow_code=True)
    for short, bright in (("g", 1e5), ("r", 2e5)):  # the light before the flare is in the reference image
        peak = float(curve.objects[f"sim_peak_{short}"][0].as_py())
        dust = float(curve.objects["sim_mwebv"][0].as_py()) * 4.0
        assert -0.05 < peak + 2.5 * np.log10(bright / NJY) < dust + 0.05
    assert np.isnan(curve.column("redshift")).all()


def test_a_model_that_cannot_be_used_says_why(lightcurvelynx, tmp_path, monkeypatch):
    module = types.ModuleType("toy_models")
    module.nothing = dict
    monkeypatch.setitem(sys.modules, "toy_models", module)
    for model, error, message in (
        ("toy_models:nothing", UsageError, "returns a dict"),
        ("toy_models:none", UsageError, "cannot be called"),
        ("no_such_module:f", UsageError, "PYTHONPATH"),
        (str(tmp_path), DataError, r"SED\.INFO"),
        ("", UsageError, "needs `model`"),
    ):
        with pytest.raises(error, match=message):
            simulators("ZTF", ["Toy"], population_table=table(tmp_path, model), allow_code=True)


def test_without_lightcurvelynx_the_message_says_what_to_install(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "lightcurvelynx"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lightcurvelynx", None)
    one = table(tmp_path, "toy_models:toy")
    assert populations(one)["Toy"].model == "toy_models:toy"
    with pytest.raises(MissingExtraError, match=r"firstlight\[lynx\]"):
        simulators("ZTF", ["Toy"], population_table=one, allow_code=True)
