"""Distances, dust, passbands, spectra: against closed forms and against other packages."""

import math

import numpy as np
import pytest

from firstlight.errors import UnknownNameError
from firstlight.facts import survey
from firstlight.simulate import populations
from firstlight.simulate.cosmology import comoving_distance, distance_modulus, evolution, redshift_quantiles
from firstlight.simulate.events import blend, reshaped_rise, with_rise, with_tail
from firstlight.simulate.library import Library, Template
from firstlight.simulate.parametric import nickel_luminosity, random_walk
from firstlight.simulate.simulator import source
from firstlight.simulate.sky import galactic
from firstlight.simulate.synthesis import (
    NJY,
    Bandpasses,
    bandpass,
    bandpasses,
    blackbody,
    curves,
    fitzpatrick99,
    law_at,
)


def test_distances_agree_with_astropy():
    cosmology = pytest.importorskip("astropy.cosmology").FlatLambdaCDM(H0=70, Om0=0.3)
    for z in (0.003, 0.07, 0.5, 2.0):
        assert distance_modulus(z) == pytest.approx(cosmology.distmod(z).value, abs=2e-3)
    assert comoving_distance(0.1) == pytest.approx(cosmology.comoving_distance(0.1).value, rel=1e-4)


def test_near_redshifts_are_drawn_by_volume():
    z = redshift_quantiles("constant", 0.001, 0.05)
    # In Euclidean space half of the volume lies beyond 0.5^(1/3) of the range.
    assert z[1000] / 0.05 == pytest.approx(0.5 ** (1 / 3), abs=0.02)
    assert evolution("md14", np.zeros(1))[0] == pytest.approx(1.0)
    with pytest.raises(UnknownNameError, match="md14"):
        evolution("md15", np.zeros(1))


def test_dust_law_agrees_with_the_extinction_package():
    extinction = pytest.importorskip("extinction")
    wave = np.arange(1200.0, 20000.0, 50.0)
    for rv in (2.0, 3.1, 4.5):
        assert np.abs(fitzpatrick99(wave, rv) - extinction.fitzpatrick99(wave, 1.0, rv)).max() < 1e-12
    assert law_at(np.array([5494.0]), 3.1)[0] == pytest.approx(1.0, abs=0.03)


def test_galactic_coordinates_of_the_pole_and_the_centre():
    assert galactic(192.85948, 27.12825)[1] == pytest.approx(90.0, abs=1e-4)
    longitude, latitude = galactic(266.40500, -28.93617)
    assert min(longitude, 360 - longitude) < 0.01 and abs(latitude) < 0.01


@pytest.fixture
def flat():
    return bandpass("flat", np.array([4900.0, 5000.0, 6000.0, 6100.0]), np.array([0.0, 1.0, 1.0, 0.0]))


def test_a_source_of_constant_fnu_has_its_ab_magnitude(flat):
    # F_lambda = F_nu c / lambda^2 with F_nu of AB 20.
    wave = np.arange(4000.0, 8001.0, 20.0)
    fnu = 3.63078e-20 * 10 ** (-0.4 * 20.0)
    series = Template("ab", np.array([0.0, 1.0]), 4000.0, np.tile(fnu * 2.99792458e18 / wave**2, (2, 1)))
    assert curves(series, Bandpasses((flat,)), 0.0, np.ones_like(flat.wave))[0, 0] == pytest.approx(
        1e-8, rel=1e-4
    )
    assert pytest.approx(10 ** ((31.4 - 20.0) / 2.5), rel=1e-4) == 1e-8 * NJY


def test_synthesis_is_the_interpolated_spectrum(flat):
    rng = np.random.default_rng(1)
    wave = np.arange(3000.0, 9001.0, 20.0)
    series = Template("random", np.arange(5.0), 3000.0, rng.uniform(0.5, 1.0, (5, len(wave))))
    z = 0.173
    slow = [np.interp(flat.wave / (1 + z), wave, row) @ flat.weight / (1 + z) for row in series.flux]
    assert np.allclose(curves(series, Bandpasses((flat,)), z, np.ones_like(flat.wave))[0], slow, rtol=1e-12)


def test_blackbody_keeps_stefan_and_boltzmann():
    wave = np.geomspace(50.0, 1e7, 60_000)
    flux = np.trapezoid(blackbody(np.array([12_000.0]), wave)[0], wave)
    assert flux == pytest.approx(5.670374e-5 * 12_000.0**4, rel=1e-4)


def test_curves_begin_smoothly_and_end_declining():
    phase = np.arange(-5.0, 30.0, 1.0)
    flux = np.exp(-0.5 * (phase / 12.0) ** 2)[None] + 0.1
    p, f = with_tail(*with_rise(phase, flux, 4.0))
    assert f[0, 0] == 0.0 and p[0] == -9.0 and np.all(np.diff(p) > 0)
    assert np.all(np.diff(f[0, p > 30.0]) < 0)
    p, dropped = with_tail(phase, flux, drop=(2.0, 60.0))
    fall = -2.5 * np.log10(np.interp(90.0, p, dropped[0]) / np.interp(45.0, p, dropped[0]))
    assert 1.5 < fall < 3.5
    quick = reshaped_rise(phase, flux, 0.5)
    assert np.all(quick[0, phase < 0] >= flux[0, phase < 0]) and np.array_equal(
        quick[:, phase >= 0], flux[:, phase >= 0]
    )


def test_a_blend_lies_between_its_parts():
    phase = np.arange(-10.0, 40.0, 1.0)
    a, b = np.exp(-0.5 * (phase / 8.0) ** 2)[None], np.exp(-0.5 * (phase / 16.0) ** 2)[None]
    _, mixed = blend([(0.5, phase, a), (0.5, phase, b)])
    assert np.all(mixed <= np.maximum(a, b) + 1e-9) and np.all(mixed >= np.minimum(a, b) - 1e-9)


def test_the_random_walk_has_unit_variance_and_its_time_scale():
    paths = np.stack([random_walk(np.random.default_rng(i), 50.0, 400, 2.0) for i in range(400)])
    assert paths[:, -1].std() == pytest.approx(1.0, abs=0.12)
    correlation = np.mean(paths[:, 100] * paths[:, 125])
    assert correlation == pytest.approx(math.exp(-1.0), abs=0.15)


def test_salt3_agrees_with_sncosmo(shared, monkeypatch):
    sncosmo = pytest.importorskip("sncosmo")
    from firstlight.simulate.templates import salt_colour_law

    library = Library(shared / "data/simulation")
    monkeypatch.setenv("SNCOSMO_DATA_DIR", str(shared / "data/simulation/sncosmo"))
    model = sncosmo.Model(sncosmo.get_source("salt3"))
    m0, m1, law = library.salt3()
    bands = bandpasses(survey("ZTF"), library, ("g", "r"))
    z, x1, c, x0 = 0.08, 0.7, 0.12, 1e-3
    model.set(z=z, t0=0.0, x0=x0, x1=x1, c=c)
    filters = 10 ** (-0.4 * c * salt_colour_law(law, bands.wave / (1 + z)))
    ours = x0 * (curves(m0, bands, z, filters) + x1 * curves(m1, bands, z, filters))
    phases = np.array([-10.0, 0.0, 15.0, 30.0])
    for row, name in enumerate(("ztfg", "ztfr")):
        theirs = model.bandflux(name, phases * (1 + z), zp=0.0, zpsys="ab")
        mine = np.interp(phases, m0.phase, ours[row])
        assert np.abs(2.5 * np.log10(mine / theirs)).max() < 0.02


@pytest.mark.parametrize(
    ("name", "magnitude", "fade"),
    [("SN Ib-Ca-rich", -15.6, 10.0), ("PISN", -20.2, 110.0), ("ILOT", -12.6, 49.0), ("Kilonova", -13.4, 2.0)],
)
def test_anomalies_have_the_brightness_and_pace_of_their_recipes(shared, name, magnitude, fade):
    library = Library(shared / "data/simulation")
    bands, population, z = bandpasses(survey("ZTF"), library, ("g", "r")), populations()[name], 0.001
    make, clear = source(population, library, bands), np.ones_like(bands.wave)
    peaks, falls = [], []
    for seed in range(60):
        event = make(np.random.default_rng(seed), z, clear, 99.0)
        red = event.flux[1]
        top = int(red.argmax())
        peaks.append(-2.5 * np.log10(red[top]) - distance_modulus(z))
        falls.append(event.time[np.flatnonzero(red > red[top] / 2)[-1]] - event.time[top])
    assert np.median(peaks) == pytest.approx(magnitude, abs=0.4)
    assert np.median(falls) == pytest.approx(fade, rel=0.35)


def test_nickel_powers_what_arnett_says():
    # At maximum the luminosity is about the heating of that moment (Arnett's rule).
    days = np.geomspace(0.4, 200.0, 200)
    light = nickel_luminosity(days, 0.6, 1.4, 10_000.0, 0.1)
    peak = int(light.argmax())
    heating = 0.6 * (6.45e43 * np.exp(-days[peak] / 8.8) + 1.45e43 * np.exp(-days[peak] / 111.3))
    assert 10.0 < days[peak] < 22.0 and light[peak] == pytest.approx(heating, rel=0.1)


def test_lensing_is_symmetric_and_achromatic():
    bands = bandpasses(survey("LSST"), Library(), ())
    make = source(populations()["Microlensing"], Library(), bands)
    event = make(np.random.default_rng(3), 0.0, np.ones_like(bands.wave), 99.0)
    shape = event.flux / event.flux.max(axis=1, keepdims=True)
    assert np.abs(shape - shape[0]).max() < 1e-9
    at = int(event.flux[0].argmax())
    assert event.flux[0, at - 60 : at] == pytest.approx(event.flux[0, at + 1 : at + 61][::-1])


def test_the_package_holds_small_copies_of_the_data(shared):
    whole, own = Library(shared / "data/simulation"), Library()
    assert len(own.photospheres()) == len(whole.photospheres()) == 265
    a, b = whole.photospheres()[7], own.photospheres()[7]
    assert a.name == b.name
    assert np.interp(a.phase, b.phase, b.temperature)[6:] == pytest.approx(a.temperature[6:], rel=0.03)
    assert own.dust_map()[170, 100] == pytest.approx(
        float(whole.dust_map()[168:171, 99:102].mean()), abs=0.01
    )


def test_a_disruption_may_decline_as_a_power_of_time(tmp_path):
    deep = populations(deep=True)["TDE"]
    bands = bandpasses(survey("LSST"), Library(), ("u", "g"))
    event = source(deep, Library(), bands)(np.random.default_rng(3), 0.01, np.ones_like(bands.wave), 40.0)
    assert event is not None
    flux = event.flux.sum(axis=0)
    early, late = (np.interp([a, 2.0 * a], event.time, flux) for a in (2.0, 120.0))
    assert early[0] / early[1] < 1.1 < 2.5 < late[0] / late[1] < 6.0
