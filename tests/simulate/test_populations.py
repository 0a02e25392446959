"""The population table: laws, checks before a run, and messages that say what is wrong and where."""

import tomllib
from importlib import resources

import numpy as np
import pytest

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.facts import class_tree
from firstlight.simulate import Library, population_table, populations, simulate, simulators
from firstlight.simulate.distributions import law


@pytest.mark.parametrize(
    ("spec", "median", "tolerance"),
    [
        (2.0, 2.0, 0.0),
        ({"normal": [1.0, 0.5]}, 1.0, 0.05),
        ({"uniform": [0.0, 4.0]}, 2.0, 0.1),
        ({"log_uniform": [1.0, 100.0]}, 10.0, 1.2),
        ({"log10_normal": [1.0, 0.1]}, 10.0, 0.3),
        ({"exponential": 0.5, "most": 3.0}, 0.345, 0.05),
        ({"split_normal": [0.0, 1.0, 0.001]}, -0.67, 0.06),
        ({"normal_plus_exponential": [0.0, 0.001, 1.0]}, 0.69, 0.06),
    ],
)
def test_laws_have_their_medians(spec, median, tolerance):
    draw, rng = law(spec, "x"), np.random.default_rng(1)
    assert np.median([draw(rng) for _ in range(4000)]) == pytest.approx(median, abs=tolerance + 1e-12)


def test_a_range_is_kept():
    draw, rng = law({"normal": [0.0, 1.0], "within": [-0.5, 1.0]}, "x"), np.random.default_rng(1)
    values = [draw(rng) for _ in range(500)]
    assert min(values) >= -0.5 and max(values) <= 1.0
    host = law({"wv07": 1.0, "most": 2.0}, "x")
    assert min(host(rng) for _ in range(500)) >= 0.0


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ({"gaussian": [0, 1]}, UnknownNameError, "normal"),
        ({"normal": [0]}, UsageError, "takes 2 numbers"),
        ({"normal": [0, 1], "within": [1, 0]}, UsageError, "empty"),
        ("0.5", UsageError, "a number or a table"),
        ({}, UsageError, "one law"),
    ],
)
def test_a_wrong_law_is_named(spec, error, message):
    with pytest.raises(error, match=message):
        law(spec, "SN Ia c")


def test_an_impossible_range_ends():
    with pytest.raises(UsageError, match="outside its range"):
        law({"normal": [0.0, 0.1], "within": [50.0, 60.0]}, "x")(np.random.default_rng(1))


def test_the_packaged_table_has_twelve_classes_of_the_tree_and_five_anomalies():
    table = populations()
    assert len(table) == 17 and sum(one.held_out for one in table.values()) == 5
    assert all(class_tree().canonical(name) == name for name in table)


def _write(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_ones_own_is_checked_before_the_run(tmp_path):
    good = '["X"]\nnumber = 1\nsource = "tde"\nrate = 1e-6\nevolution = "md14"\nredshift = [0.01, 0.2]\n'
    assert populations(_write(tmp_path, good))["X"].redshift == (0.01, 0.2)
    with pytest.raises(DataError, match="redshift range"):
        populations(_write(tmp_path, good.replace("[0.01, 0.2]", "[0.2, 0.1]")))
    with pytest.raises(DataError, match="'rate' is missing"):
        populations(_write(tmp_path, good.replace("rate = 1e-6\n", "")))
    with pytest.raises(UnknownNameError, match="host_av"):
        populations(_write(tmp_path, good + "host_aw = 1.0\n"))
    with pytest.raises(DataError, match="same `number`"):
        populations(_write(tmp_path, good + good.replace('"X"', '"Y"')))
    with pytest.raises(DataError, match="not TOML"):
        populations(_write(tmp_path, "["))
    with pytest.raises(DataError, match="no population table"):
        populations(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="needs the parameter 'log_luminosity'"):
        populations(_write(tmp_path, good))["X"].draw("log_luminosity", np.random.default_rng(1))


def test_missing_data_says_what_to_install(tmp_path):
    with pytest.raises(DataError, match=r"firstlight\[simulate\]"):
        Library(tmp_path).template("v19-2009ip-corr")
    with pytest.raises(DataError, match="visits"):
        simulate("ZTF", {"SN Ia": 1}, data=tmp_path)


def test_unknown_surveys_and_classes_are_named(tmp_path):
    with pytest.raises(UnknownNameError, match="ZTF"):
        simulators("ZTFF", ["TDE"])
    with pytest.raises(UnknownNameError, match="SN Ia"):
        simulators("ZTF", ["SN 1a"], data=tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        simulators("ZTF", ["SN Ia"], data=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="above zero"):
        simulate("ZTF", {"SN Ia": 0}, data=tmp_path)


def test_a_prior_beyond_what_the_model_can_do_is_refused_before_the_run(tmp_path):
    text = (
        '["X"]\nnumber = 1\nsource = "salt3"\nrate = 1e-6\nevolution = "md14"\nredshift = [0.01, 0.2]\n'
        "x1 = { normal = [9.0, 1.0] }\n"
    )
    with pytest.raises(UsageError, match=r"\[X\] x1.* -6 to 6"):
        populations(_write(tmp_path, text))


@pytest.mark.parametrize("name", ["populations", "literature"])
def test_the_packaged_tables_pass_the_checks_of_ones_own(tmp_path, name):
    """They are not checked again before every run."""
    mine = _write(tmp_path, f'extends = "{name}"\n')
    assert not population_table(mine).packaged and population_table(name).packaged
    for deep in (False, True):
        assert list(populations(mine, deep=deep)) == list(populations(name, deep=deep))


def test_a_table_of_ones_own_is_checked_as_a_whole(tmp_path):
    mine = _write(tmp_path, 'extends = "populations"\n["AGN"]\nmagnitude = 5.0\n')
    with pytest.raises(UsageError, match=r"\[AGN\] magnitude"):
        simulators("ZTF", ["TDE"], population_table=mine)


def test_a_deep_survey_has_ranges_of_its_own():
    shallow, deep = populations(), populations(deep=True)
    assert all(
        deep[name].redshift[1] > 2 * one.redshift[1] for name, one in shallow.items() if not one.galactic
    )
    assert shallow["Microlensing"].draw_redshift(np.random.default_rng(1)) == 0.0


def test_rates_give_known_numbers_of_supernovae():
    # 2.5e-5 Mpc^-3 yr^-1 within z 0.1 (0.31 Gpc^3 comoving): some 8,000 SN Ia a year in the whole sky.
    from firstlight.simulate.cosmology import rate_integral

    assert 2.5e-5 * rate_integral("constant", 1e-4, 0.1) * 41_253 == pytest.approx(7_500, rel=0.1)


def test_a_table_may_hold_only_what_it_changes(tmp_path):
    mine = _write(tmp_path, 'extends = "populations"\n["TDE"]\nhost_av = 0.0\ndeep = { rate = 5e-7 }\n')
    rng = np.random.default_rng(1)
    changed, packaged = populations(mine), populations()
    assert list(changed) == list(packaged) and changed["TDE"].draw("host_av", rng) == 0.0
    assert changed["TDE"].rate == packaged["TDE"].rate and changed["TDE"].number == packaged["TDE"].number
    deep = populations(mine, deep=True)["TDE"]  # `deep` is replaced as a whole
    assert deep.rate == 5e-7 and deep.redshift == packaged["TDE"].redshift
    second = tmp_path / "second.toml"
    second.write_text('extends = "mine.toml"\n["TDE"]\nrate = 2e-6\n', encoding="utf-8")
    assert populations(second)["TDE"].rate == 2e-6 and populations(second)["TDE"].draw("host_av", rng) == 0.0
    hashes = {population_table(one).sha256 for one in (None, "literature", mine, second)}
    assert len(hashes) == 4 and population_table("populations").sha256 == population_table().sha256


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('extends = "mine.toml"\n', DataError, "extends itself"),
        ('extends = "nothing.toml"\n', DataError, r"no population table.*\n*.*literature"),
        ("extends = 3\n", DataError, "names one table"),
        ('extend = "populations"\n', UnknownNameError, "extends"),
        ('extends = "populations"\n["TDE"]\nhost_aw = 1.0\n', UnknownNameError, "host_av"),
        ('extends = "populations"\n["SN X"]\nsource = "tde"\n', DataError, r"\[SN X\]"),
    ],
)
def test_a_table_that_extends_wrongly_says_so(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        populations(_write(tmp_path, text))


def test_the_literature_table_holds_no_fit_to_labelled_light_curves(shared):
    """Every parameter that the header of the packaged table names as fitted has a value of its own there."""
    own = tomllib.loads(
        resources.files("firstlight.simulate").joinpath("literature.toml").read_text(encoding="utf-8")
    )
    assert own.pop("extends") == "populations"
    fitted = population_table().classes
    learnt = [name for name, table in fitted.items() if not table.get("held_out")]
    assert list(own) == learnt
    for name in learnt:
        assert {"deep", "depth_loss", "host_noise", "late", "classified_shift", "note"} <= set(own[name])
        assert ({"magnitude", "log_luminosity"} & set(fitted[name])) <= set(own[name]), name
    assert "c" in own["SN Ia"] and {"temperature", "decline_days", "host_av"} <= set(own["TDE"])
    assert {
        "stretch", "stretch_rise", "stretch_fall", "rise_gap", "rise_power", "decline", "blue_start",
        "plateau_end", "host_av", "preferred",
    } <= set(own["SN II"])  # fmt: skip
    curves = simulate(
        "ZTF", {"TDE": 1, "SN II": 1}, seed=1, data=shared / "data/simulation", population_table="literature"
    )
    assert curves.objects["label"].to_pylist() == ["TDE", "SN II"]


def _with_correction(path, magnitudes):
    packaged = resources.files("firstlight.simulate").joinpath("populations.toml")
    text = packaged.read_text(encoding="utf-8").replace(
        '["SN Iax[02cx-like]".deep]',
        f'["SN Iax[02cx-like]".correction]\ndays = [0.0, 40.0]\nwavelengths = [4000.0, 8000.0]\n'
        f'magnitudes = {magnitudes}\n\n["SN Iax[02cx-like]".deep]',
    )
    path.write_text(text, encoding="utf-8")
    return path


def test_a_correction_is_bilinear_and_flat_beyond_its_table(tmp_path):
    table = populations(_with_correction(tmp_path / "a.toml", "[[0.0, 1.0], [2.0, 3.0]]"))
    found = table["SN Iax[02cx-like]"].correction
    assert found.at(np.array([-9.0, 20.0, 99.0]), np.array([3000.0, 6000.0])) == pytest.approx(
        np.array([[0.0, 1.0, 2.0], [0.5, 1.5, 2.5]])
    )
    assert populations()["SN Iax[02cx-like]"].correction is None
    assert populations(deep=True)["SN Iax[02cx-like]"].correction is not None


def test_a_correction_with_a_number_missing_is_told(tmp_path):
    with pytest.raises(DataError, match=r"SN Iax.*correction.*rows of \[1, 2\]"):
        populations(_with_correction(tmp_path / "a.toml", "[[0.0, 1.0], [2.0]]"))


GOOD = (
    '["X"]\nnumber = 1\nsource = "tde"\nrate = 1e-6\nevolution = "md14"\nredshift = [0.01, 0.2]\n'
    "log_luminosity = 43.0\nrise_days = 10.0\ndecline_days = 30.0\ntemperature = 2e4\nheating = 0.0\n"
)


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("heating = 0.0\n", "", UsageError, r"X: source 'tde' needs the parameter 'heating'"),
        (
            "heating = 0.0",
            "heating = { normal = [0.0, -1.0] }",
            UsageError,
            r"\[X\] heating.*cannot be drawn",
        ),
        ("heating = 0.0", "heating = { normal = ['a', 1.0] }", UsageError, "'a' is no number"),
        ("heating = 0.0", "heating = { normal = [nan, 1.0] }", UsageError, "no law"),
        ("heating = 0.0", "heating = { log_uniform = [-1.0, 1.0] }", UsageError, "cannot be drawn"),
        ("heating = 0.0", "heating = { normal = [0.0, 1.0], within = 3 }", UsageError, "`within` takes 2"),
        ("temperature = 2e4", "temperature = { normal = [100.0, 10.0] }", UsageError, "1000 to 1e"),
        ('"md14"', "{ pow = 1.0 }", DataError, r"\[X\].*'power' is missing"),
        ('"md14"', '"md15"', UnknownNameError, "md14"),
        ("1e-6", '"high"', DataError, r"\[X\].*wrong kind"),
        ("[0.01, 0.2]", "0.1", DataError, r"\[X\].*wrong kind"),
        ('"tde"', '"tdf"', UnknownNameError, "tde"),
        (
            "heating = 0.0",
            "heating = 0.0\nearly_peak = { probability = 0.5 }",
            DataError,
            "'depth' is missing",
        ),
        ("heating = 0.0", 'heating = 0.0\nwarp = "much"', DataError, "wrong kind"),
    ],
)
def test_what_is_wrong_with_a_class_is_said_before_the_run(tmp_path, old, new, error, message):
    assert simulators("ZTF", ["X"], population_table=_write(tmp_path, GOOD))
    with pytest.raises(error, match=message):
        simulators("ZTF", ["X"], population_table=_write(tmp_path, GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("lines", "error", "message"),
    [
        ('templates = ["v19-2009iq-corr"]', UnknownNameError, "v19-2009ip-corr"),
        ('template_classes = ["SN X"]', UsageError, "no template of this class"),
        ('templates = ["v19-2009ip-corr"]', UsageError, "needs the parameter 'magnitude'"),
        ('templates = ["v19-2009ip-corr"]\nmagnitude_band = "ZTF-x"', UnknownNameError, "ZTF-r"),
    ],
)
def test_what_is_wrong_with_templates_is_said_before_the_run(shared, tmp_path, lines, error, message):
    text = GOOD.replace('"tde"', '"templates"') + lines + "\n"
    with pytest.raises(error, match=message):
        simulators("ZTF", ["X"], data=shared / "data/simulation", population_table=_write(tmp_path, text))
