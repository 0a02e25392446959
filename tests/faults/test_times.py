"""Times: a bound on both sides, their unit, dates as they are written, and codes that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table
from astropy.time import Time
from astropy.units import Quantity

import firstlight as fl
from firstlight.cli.app import run
from firstlight.errors import DataError
from firstlight.lightcurves import Flag

MJD = 60_000.123 + 3.0 * np.arange(8)
FLUX = 50.0 + 10.0 * np.arange(8)


def columns(time: Any) -> dict[str, Any]:
    return {
        "object_id": ["A"] * 8,
        "mjd": time,
        "band": ["g", "r"] * 4,
        "flux": FLUX,
        "fluxerr": np.full(8, 6.0),
    }


def written(folder: Path, time: Any) -> Path:
    path = folder / "x.csv"
    rows = columns(time)
    lines = [",".join(map(str, row)) for row in zip(*rows.values(), strict=True)]
    path.write_text("\n".join([",".join(rows), *lines]) + "\n")
    return path


def in_memory(time: Any, **changes: Any) -> fl.LightCurves:
    rows = columns(time)
    return fl.LightCurves.from_columns(
        object_id=rows["object_id"], time=time, passband=rows["band"], flux=rows["flux"],
        flux_err=rows["fluxerr"], survey="ZTF", flux_unit="uJy", **changes,
    )  # fmt: skip


def read(table: Any, **options: Any) -> fl.LightCurves:
    return fl.read_table(table, survey="ZTF", flux_unit="uJy", **options)


# --- bounds and codes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0.0, -9.0, -99.0, -999.0, -99999.0, 99999.0, 590_000.0, 1e300, -59_000.0])
@pytest.mark.parametrize("system", ["mjd", "jd"])
def test_one_time_that_is_none_is_missing_flagged_and_told(code: float, system: Any, tmp_path: Path) -> None:
    time = np.where(np.arange(8) == 3, code, MJD + (2_400_000.5 if system == "jd" else 0.0))
    report: list[str] = []
    for curves in (
        in_memory(time, time_system=system, report=report),
        read(columns(time), time_format=system, report=report),
        read(written(tmp_path, time.tolist()), time_format=system, report=report),
        next(
            fl.read_batches(columns(time), survey="ZTF", flux_unit="uJy", time_format=system, report=report)
        ),
    ):
        assert curves.usable.sum() == 7
        assert np.isnan(curves.time).sum() == 1
        assert curves.object_flags[0] & Flag.DROPPED_NAN
    assert len([line for line in report if "1 of 8 times lie outside the years 1900 to 2100" in line]) == 4


WRONG = {
    "Unix seconds": (MJD - 40_587) * 86_400,
    "Unix milliseconds": (MJD - 40_587) * 86_400e3,
    "decimal years": 2000 + (MJD - 51_544.5) / 365.25,
    "YYYYMMDD": np.array([20230225.0, 20230228, 20230303, 20230306, 20230309, 20230312, 20230315, 20230318]),
    "MJD in hours": MJD * 24,
    "MJD in seconds": MJD * 86_400,
    "no MJD between": MJD - MJD[0] + 1,  # days since the first one
    "no MJD between the": MJD - 57_000.0,
}


@pytest.mark.parametrize("what", WRONG)
def test_times_in_another_unit_are_refused_and_named(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given in (
        in_memory,
        lambda time: read(columns(time)),
        lambda time: read(written(tmp_path, time.tolist())),
    ):
        with pytest.raises(DataError, match=what):
            given(WRONG[what])
    if what.startswith("Unix"):
        with pytest.raises(DataError, match="not Julian dates, but perhaps Unix"):
            read(columns(WRONG[what]), time_format="jd")
    path = written(tmp_path, WRONG[what].tolist())
    assert run(["classify", str(path), "--survey", "ZTF", "--flux-unit", "uJy"]) != 0
    message = capsys.readouterr().err
    assert what in message
    assert "--time-format" not in message


def test_julian_dates_and_mjd_are_told_apart_by_the_words_of_the_face(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, (MJD + 2_400_000.5).tolist())
    with pytest.raises(DataError, match="Julian dates say time_format='jd'"):
        read(path)
    run(["classify", str(path), "--survey", "ZTF", "--flux-unit", "uJy"])
    assert "--time-format jd" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"not Julian dates.*time_system='mjd'"):
        in_memory(MJD, time_system="jd")


# --- units and precision ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "factor"), [("h", 24.0), ("min", 1440.0), ("s", 86_400.0), ("d", 1.0)])
def test_the_unit_of_a_column_of_times_is_read(unit: str, factor: float, tmp_path: Path) -> None:
    report: list[str] = []
    table = Table({**columns(MJD * factor)})
    table["mjd"].unit = unit
    table.write(tmp_path / "x.ecsv")
    for curves in (
        read(table, report=report),
        read(tmp_path / "x.ecsv", report=report),
        in_memory(Quantity(MJD * factor, unit), report=report),
    ):
        np.testing.assert_allclose(curves.time, MJD, rtol=0, atol=1e-6)
    assert len(report) == (0 if unit == "d" else 3)


def test_units_that_measure_no_time_are_refused_and_unix_seconds_are_no_mjd() -> None:
    with pytest.raises(DataError, match="no unit of time"):
        in_memory(Quantity(MJD, "Jy"))
    table = Table(columns((MJD - 40_587) * 86_400))
    table["mjd"].unit = "s"
    with pytest.raises(DataError, match="perhaps Unix seconds"):
        read(table)


def test_times_in_too_coarse_steps_are_refused_and_the_step_named(tmp_path: Path) -> None:
    for time in (np.float32(MJD + 2_400_000.5), pa.array(MJD + 2_400_000.5, pa.float32())):
        with pytest.raises(DataError, match=r"float32, in steps of 0\.25 days"):
            in_memory(time, time_system="jd")
        with pytest.raises(DataError, match=r"float32, in steps of 0\.25 days"):
            read(columns(time), time_format="jd")
    with pytest.raises(DataError, match="float16"):
        in_memory(np.float16(MJD))
    np.testing.assert_allclose(in_memory(np.float32(MJD)).time, MJD, atol=0.002)


# --- dates ------------------------------------------------------------------------------------------------

ISO = [str(one) for one in Time(MJD, format="mjd").isot]


@pytest.mark.parametrize(
    "spell",
    [
        lambda x: x,
        lambda x: x + "Z",
        lambda x: x.replace("T", " ") + "+00:00",
        lambda x: x + " UTC",
        lambda x: x.replace("-", "/", 2),
        lambda x: Time(Time(x).mjd + 2 / 24, format="mjd").isot + "+02:00",
        lambda x: Time(Time(x).mjd - 5.5 / 24, format="mjd").isot + "-0530",
        lambda x: f"{x[:10]}.{f'{Time(x).mjd % 1:.9f}'[2:]}",
    ],
)
def test_dates_are_read_with_zones_offsets_and_decimal_days(spell: Any, tmp_path: Path) -> None:
    texts = [spell(one) for one in ISO]
    for curves in (read(written(tmp_path, texts)), read(columns(texts)), in_memory(texts)):
        np.testing.assert_allclose(curves.time, MJD, rtol=0, atol=1e-8)


def test_timestamps_and_times_of_astropy_are_mjd() -> None:
    for time in (
        Time(MJD, format="mjd"),
        np.array(ISO, "datetime64[ms]"),
        pa.array(np.array(ISO, "datetime64[us]")),
    ):
        np.testing.assert_allclose(in_memory(time).time, MJD, rtol=0, atol=1e-8)


@pytest.mark.parametrize("bad", ["n/a", "yesterday", "2023-02-30", "2023-13-01", "2023-02-25T25:00", ""])
def test_one_cell_that_is_no_date_is_one_missing_time(bad: str, tmp_path: Path) -> None:
    report: list[str] = []
    curves = read(written(tmp_path, [*ISO[:3], bad, *ISO[4:]]), report=report)
    assert (curves.usable.sum(), np.isnan(curves.time).sum()) == (7, 1)
    assert bool(report) == (bad not in ("n/a", ""))


def test_dates_and_numbers_may_stand_in_one_column() -> None:
    mixed = [*ISO[:4], *map(str, MJD[4:])]
    np.testing.assert_allclose(read(columns(mixed)).time, MJD, atol=1e-8)


def test_a_column_of_which_nothing_can_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column 'mjd': no cell can be read as numbers"):
        read(written(tmp_path, ["Tuesday"] * 8))


# --- the time of one observation --------------------------------------------------------------------------


def test_one_observation_of_a_stream_follows_the_same_bounds() -> None:
    classifier = fl.load("ztf")
    state = classifier.start(survey="ZTF")

    def step(time: float) -> Any:
        return classifier.step(state, fl.Observation(time, "g", flux=9e4, flux_err=4e3))

    assert step(MJD[0])[1] is not None
    for code in (0.0, -999.0, 99_999.0, float("nan")):
        after, answer = step(code)
        assert answer is None
        assert after.preparation.flags & Flag.DROPPED_NAN
    for wrong, what in (
        (MJD[0] + 2_400_000.5, "Julian date"),
        (1.6e9, "Unix seconds"),
        (2023.2, "decimal years"),
    ):
        with pytest.raises(DataError, match=what):
            step(wrong)
