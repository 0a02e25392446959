"""Every sample of the formats: what is in the file arrives with its value, sign, passband and time."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.lightcurves import Flag, LightCurves
from firstlight.readers import formats as known
from firstlight.readers import read, read_batches, read_table, sniff

FLUXCAL = 10**1.56  # nJy
KN = "ELASTICC2_TRAIN_01_1percent_KN_K17"


def bands(curves: LightCurves) -> list[str]:
    return [curves.passbands[code] for code in curves.passband]


@pytest.mark.parametrize(
    ("path", "format", "objects", "rows"),
    [
        ("plasticc/kaggle_training_set.csv", "plasticc", 9, 2949),
        ("plasticc/kaggle_training_set_metadata.csv", "plasticc", 9, 2949),
        ("plasticc/plasticc_train_lightcurves.csv", "plasticc", 20, 3595),
        ("plasticc/plasticc_test_lightcurves.csv", "plasticc", 5, 644),
        (f"snana/{KN}", "snana", 10, 1589),
        (f"snana/{KN}/{KN}.LIST", "snana", 10, 1589),
        ("snana/ELASTICC2_TRAIN_01_1percent_SNIb-Templates", "snana", 24, 3263),
        ("snana/ELASTICC2_TRAIN_01_1percent_Mdwarf-flare", "snana", 5, 1422),
        ("snana/PLASTICC_alt_sched_MODEL11/LSST_WFD_NONIa-0005_HEAD.FITS", "snana", 4, 696),
        ("snana/PLASTICC_alt_sched_MODEL11/LSST_WFD_NONIa-0005_PHOT.FITS", "snana", 4, 696),
        ("snana/text/DES_SN152334.DAT", "snana", 1, 135),
        ("alerce/ztf_detections_ZTF18abcgqmz.json", "alerce", 1, 2),
        ("alerce/lsst_lightcurve_api_detections_170587116732416143.json", "alerce", 1, 3),
        ("antares/ztf_loci_ANT2026b78o35eau2gs_alerts.json", "antares", 1, 3),
        ("antares/lsst_locus_ANT2019b5sdo.json", "antares", 1, 3),
        ("lasair/lsst_alert_313637921267122191.json", "lasair", 1, 8),
        ("lasair/lsst_lightcurve_lite_313637921267122191.json", "lasair", 1, 8),
        ("lasair/lsst_alert_schema10_0.json", "lasair", 1, 32),
        ("lasair/ztf_kafka_alert_cand_and_noncand.json", "lasair", 1, 54),
        ("ztf_forced/forcedphotometry_req00149191_lc.txt", "ztf-forced", 1, 455),
        ("atlas_forced/job01088.txt", "atlas-forced", 1, 147),
    ],
)
def test_a_sample_is_recognised_and_read_whole(
    formats: Path, path: str, format: str, objects: int, rows: int
) -> None:
    assert sniff(formats / path) == format and format in known()
    curves = read(formats / path)
    assert (len(curves), len(curves.time)) == (objects, rows)
    assert (curves.passband >= 0).all() and (curves.time > 50_000).all() and (curves.time < 63_000).all()
    assert read(formats / path, format=format).equals(curves)


@pytest.mark.parametrize(
    "path",
    [
        "lasair/sample_annotation.json",
        "lasair/lsst_object_row_313637921267122191.json",
        "alerce/ztf_object_ZTF18abcgqmz.json",
    ],
)
def test_json_without_a_light_curve_is_refused_with_the_formats(formats: Path, path: str) -> None:
    with pytest.raises(DataError, match=r"is JSON of no known kind\. Known formats: table, plasticc, snana"):
        read(formats / path)


# -- PLAsTiCC --------------------------------------------------------------------------------------------


def test_plasticc_values_arrive(formats: Path) -> None:
    curves = read(formats / "plasticc" / "plasticc_train_lightcurves.csv", label="true_target")
    first = curves["615"]
    assert first.time[0] == 59750.4229 and bands(first)[0] == "LSST-r"
    assert first.flux[0] == pytest.approx(-544.810303 * FLUXCAL) and first.detected[0]
    assert all(curves.objects["dereddened"].to_pylist())
    assert dict(zip(curves.object_id, curves.column("label"), strict=True))["1920"] == "90"
    assert np.isnan(first.column("redshift")[0])  # 0 stands for Galactic
    assert curves["1920"].column("redshift")[0] == 0.309 and curves["1920"].column("photoz")[0] == 0.323
    assert not [
        name for name in curves.objects.column_names if name.startswith(("true_", "tflux_", "target"))
    ]


def test_plasticc_layouts_agree_on_the_object_they_share(formats: Path) -> None:
    folder = formats / "plasticc"
    one, other = (
        read(folder / "kaggle_training_set.csv")["615"],
        read(folder / "plasticc_train_lightcurves.csv")["615"],
    )
    assert np.array_equal(one.flux, other.flux) and np.array_equal(one.detected, other.detected)


def test_a_sentinel_redshift_in_plasticc_is_missing(formats: Path) -> None:
    report: list[str] = []
    curves = read(formats / "plasticc" / "plasticc_test_lightcurves.csv", label="true_target", report=report)
    assert np.isnan(curves.column("redshift")).all() and np.isfinite(curves.column("photoz")).all()
    assert any("redshift -9 read as missing" in line for line in report)
    assert curves.column("label").tolist()[:2] == ["42", "90"]


def test_plasticc_light_curves_alone_are_a_table_that_needs_its_unit(formats: Path, tmp_path: Path) -> None:
    path = shutil.copy(formats / "plasticc" / "kaggle_training_set.csv", tmp_path / "curves.csv")
    assert sniff(path) == "table"
    with pytest.raises(DataError, match="no flux unit"):
        read(path, survey="LSST")
    assert len(read(path, survey="LSST", flux_unit="FLUXCAL")) == 9
    assert (
        len(read(path, format="plasticc", metadata=formats / "plasticc" / "kaggle_training_set_metadata.csv"))
        == 9
    )
    for name in ("kaggle_training_set.csv", "kaggle_training_set_metadata.csv"):
        shutil.copy(formats / "plasticc" / name, tmp_path / name)
    (tmp_path / "curves.csv").unlink()
    assert len(read(tmp_path)) == 9


def test_a_label_that_is_not_there_is_refused(formats: Path) -> None:
    for path in (
        "plasticc/kaggle_training_set.csv",
        f"snana/{KN}",
        "snana/text",
        "atlas_forced/job01088.txt",
    ):
        with pytest.raises(DataError, match=r"no (label column|key) 'nope'"):
            read(formats / path, label="nope")


# -- SNANA -----------------------------------------------------------------------------------------------


def test_snana_pointers_pads_and_flags_are_followed(formats: Path) -> None:
    curves = read(formats / "snana" / KN, label="SIM_TYPE_INDEX")
    first = curves["1248482"]
    assert len(first.time) == 155 and first.time[0] == 61081.3773
    assert bands(first)[0] == "LSST-i" and first.flux[0] == pytest.approx(-4.047596 * FLUXCAL, rel=1e-6)
    assert set(bands(curves)) == {f"LSST-{b}" for b in "ugrizy"}  # Y of SNANA is y
    assert 0 < first.detected.sum() < 20
    assert first.column("trigger_mjd")[0] == pytest.approx(61147.184, abs=1e-3)
    assert set(curves.column("label")) == {"50"}
    assert not any(curves.objects["dereddened"].to_pylist())
    assert not [name for name in curves.objects.column_names if name.startswith("SIM_")]


def test_a_redshift_that_repeats_the_photometric_one_is_none(formats: Path) -> None:
    curves = read(formats / "snana" / KN)
    with_spectrum, without = curves["1248482"], curves["1897118"]
    assert with_spectrum.column("redshift")[0] == pytest.approx(0.048895, abs=1e-6)
    assert np.isnan(without.column("redshift")[0]) and without.column("photoz")[0] == pytest.approx(
        0.28428, abs=1e-5
    )


def test_fluxes_corrected_for_extinction_say_so(formats: Path) -> None:
    curves = read(formats / "snana" / "PLASTICC_alt_sched_MODEL11")
    assert all(curves.objects["dereddened"].to_pylist()) and curves.object_id[0] == "60583001"


def test_a_survey_that_nobody_knows_must_be_named(formats: Path) -> None:
    with pytest.raises(DataError, match=r"survey 'SNLS' of the header is not known.*survey='ZTF'"):
        read(formats / "snana" / "old_small")
    curves = read(formats / "snana" / "old_small", survey="DES")
    assert curves.object_id[0] == "03D1aw" and len(curves.time) == 95
    assert curves.column("redshift")[0] == pytest.approx(0.5817, abs=1e-6)
    assert curves.detected.any()  # no flags at all in this file: signal to noise decides


def test_snana_text_is_read_with_its_types(formats: Path) -> None:
    curves = read(formats / "snana" / "text", label="SIM_COMMENT")
    assert dict(zip(curves.object_id, curves.column("label"), strict=True)) == {
        "152334": "Ia",
        "504785": "II",
        "753342": "II",
    }
    one = curves["753342"]
    assert (
        one.time[0] == 56176.191
        and one.flux[0] == pytest.approx(4.938 * FLUXCAL)
        and bands(one)[0] == "DES-g"
    )
    assert one.column("photoz")[0] == 0.4141 and np.isnan(one.column("redshift")[0])
    assert one.column("dec")[0] == -27.5 and one.column("mwebv")[0] == 0.0097


def test_damaged_snana_files_are_named(formats: Path, tmp_path: Path) -> None:
    source = formats / "snana" / "PLASTICC_alt_sched_MODEL11"
    for name in ("LSST_WFD_NONIa-0005_HEAD.FITS", "LSST_WFD_NONIa-0005_PHOT.FITS"):
        shutil.copy(source / name, tmp_path / name)
    phot = tmp_path / "LSST_WFD_NONIa-0005_PHOT.FITS"
    data = phot.read_bytes()
    phot.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"PHOT\.FITS"):
        read(tmp_path)
    phot.unlink()
    with pytest.raises(DataError, match=r"no such file: 'LSST_WFD_NONIa-0005_PHOT\.FITS'"):
        read(tmp_path)
    text = (formats / "snana" / "text" / "DES_SN504785.DAT").read_text()
    path = tmp_path / "t.DAT"
    path.write_text(text[: len(text) // 2])
    with pytest.raises(DataError, match=r"t\.DAT: .*(NOBS says 68|VARLIST 9)"):
        read(path)
    path.write_text(text.split("VARLIST")[0])
    with pytest.raises(DataError, match="no VARLIST"):
        read(path)


def test_vector_columns_of_fits_files_do_no_harm(formats: Path, tmp_path: Path) -> None:
    from astropy.io import fits
    from astropy.table import Table

    for kind in ("HEAD", "PHOT"):
        name = f"LSST_WFD_NONIa-0005_{kind}.FITS"
        with fits.open(formats / "snana" / "PLASTICC_alt_sched_MODEL11" / name) as hdus:
            table = Table(hdus[1].data)
            table["VECTOR"] = np.ones((len(table), 3), dtype=np.float32)
            fits.HDUList([hdus[0], fits.BinTableHDU(table)]).writeto(tmp_path / name)
    assert read(tmp_path).equals(read(formats / "snana" / "PLASTICC_alt_sched_MODEL11"))
    table = Table(
        {"id": [1, 2], "mjd": [5e4, 5e4 + 1], "band": ["g", "r"], "flux": [1.0, 2.0], "flux_err": [1.0, 1.0]}
    )
    table["stamp"] = np.ones((2, 4, 4))
    table.write(tmp_path / "t.fits")
    assert len(read_table(tmp_path / "t.fits", survey="ZTF", flux_unit="nJy")) == 2


# -- brokers ---------------------------------------------------------------------------------------------


def test_alerce_reads_the_difference_magnitude_with_its_sign(formats: Path) -> None:
    curves = read(formats / "alerce" / "ztf_detections_ZTF18abcgqmz.json")
    assert curves.object_id == ["ZTF18abcgqmz"]
    expected = -(10 ** (0.4 * (31.4 - 18.7706)))  # magpsf 18.770634, not magpsf_corr 15.501; isdiffpos -1
    assert curves.flux[0] == pytest.approx(expected) and curves.time[0] == pytest.approx(58288.37787)
    assert bands(curves) == ["ZTF-g", "ZTF-g"]


def test_alerce_non_detections_arrive_as_limits(formats: Path, tmp_path: Path) -> None:
    rows = json.loads((formats / "alerce" / "ztf_detections_ZTF18abcgqmz.json").read_text())
    limits = [{"tid": "ztf", "mjd": 58280.1, "fid": 2, "diffmaglim": 20.5}]
    limits += [{"tid": "ztf", "mjd": 58281.1, "fid": 2, "diffmaglim": -999.0}]
    path = tmp_path / "lc.json"
    path.write_text(json.dumps({"detections": rows, "non_detections": limits}))
    curves = read(path, object_id="mine")
    assert curves.object_id == ["mine"] and len(curves.time) == 4
    assert curves.limit[0] == pytest.approx(10 ** (0.4 * (31.4 - 20.5))) and np.isnan(curves.flux[0])
    assert curves.flags.tolist() == [0, Flag.DROPPED_NAN, 0, 0]
    with pytest.raises(DataError, match=r"lc\.json: does not say which object it is.*object_id=NAME"):
        read(path)


def test_alerce_csv_is_the_json(formats: Path, tmp_path: Path) -> None:
    source = formats / "alerce" / "ztf_detections_ZTF18abcgqmz.json"
    rows = json.loads(source.read_text())
    names = list(rows[1])
    text = "\n".join([",".join(names), *(",".join(str(row.get(name, "")) for name in names) for row in rows)])
    path = tmp_path / "ZTF18abcgqmz.csv"
    path.write_text(text)
    assert sniff(path) == "alerce"
    assert read(path).equals(read(source))


def test_alerce_numbers_the_passbands_of_lsst_otherwise(formats: Path) -> None:
    curves = read(formats / "alerce" / "lsst_lightcurve_api_detections_170587116732416143.json")
    assert bands(curves) == ["LSST-i", "LSST-g", "LSST-g"]  # 3, 1, 1
    assert curves.flux.tolist() == [-2615.273, -2803.7178, -3019.9097]
    assert curves.object_id == ["170587116732416143"]


def test_antares_names_the_red_passband_r_and_keeps_limits(formats: Path) -> None:
    curves = read(formats / "antares" / "ztf_loci_ANT2026b78o35eau2gs_alerts.json")
    assert bands(curves) == ["ZTF-r"] * 3
    assert np.isfinite(curves.limit).tolist() == [True, True, False]
    assert curves.flux[2] == pytest.approx(10 ** (0.4 * (31.4 - 15.428149223327637)))
    lsst = read(formats / "antares" / "lsst_locus_ANT2019b5sdo.json")
    assert lsst.flux.tolist() == [76925.4375, 78216.8515625, 76826.640625]
    assert lsst.object_id == ["ANT2019b5sdo"] and lsst.column("ra")[0] == pytest.approx(358.88777)


def test_antares_csv_light_curves_are_read(tmp_path: Path) -> None:
    text = "alert_id,ant_mjd,ant_survey,ant_ra,ant_dec,ant_passband,ant_mag,ant_magerr,ant_maglim\n"
    text += "ztf_candidate:1,59000.5,1,10.0,20.0,g,19.0,0.1,20.5\nztf_upper_limit:2,59001.5,2,,,R,,,20.4\n"
    path = tmp_path / "ANT2020abc.csv"
    path.write_text(text)
    report: list[str] = []
    curves = read(path, report=report)
    assert curves.object_id == ["ANT2020abc"] and bands(curves) == ["ZTF-g", "ZTF-r"]
    assert np.isfinite(curves.limit).tolist() == [False, True]
    assert any("positive differences" in line for line in report)
    locus = tmp_path / "locus.json"
    locus.write_text(json.dumps({"locus_id": "ANT2020abc", "ra": 10.0, "dec": 20.0, "lightcurve": text}))
    assert np.array_equal(read(locus).flux, curves.flux, equal_nan=True)


def test_a_locus_of_two_surveys_is_one_object(tmp_path: Path) -> None:
    alerts: list[dict[str, Any]] = [
        {"ant_mjd": 60_000.0, "ant_passband": "g", "ant_mag": 19.0, "ant_magerr": 0.1, "ztf_isdiffpos": "f"},
        {"lsst_diaSource_psfFlux": 5.0, "lsst_diaSource_psfFluxErr": 1.0, "lsst_diaSource_band": "y"},
    ]
    alerts[1]["lsst_diaSource_midpointMjdTai"] = 60_001.0
    path = tmp_path / "locus.json"
    path.write_text(json.dumps({"locus_id": "ANT2030x", "alerts": alerts}))
    curves = read(path)
    assert curves.object_id == ["ANT2030x"] and bands(curves) == ["ZTF-g", "LSST-y"]
    assert curves.flux[0] == pytest.approx(-(10 ** (0.4 * (31.4 - 19.0)))) and curves.flux[1] == 5.0


def test_lasair_lsst_keeps_all_digits_of_the_id_and_bare_nan(formats: Path) -> None:
    curves = read(formats / "lasair" / "lsst_alert_313637921267122191.json")
    assert curves.object_id == ["313637921267122191"]
    assert (np.diff(curves.time) > 0).all() and curves.flux[-1] == 24162.1953125  # newest first in the file
    assert curves.column("mwebv")[0] == pytest.approx(0.007206862)
    assert curves.column("dec")[0] == pytest.approx(-44.117973)


def test_a_source_and_a_forced_source_of_one_visit_are_one_observation(tmp_path: Path) -> None:
    source = {"midpointMjdTai": 61_000.1, "band": "i", "psfFlux": 7818.6, "psfFluxErr": 100.0}
    forced = {"midpointMjdTai": 61_000.1, "band": "i", "psfFlux": 6995.1, "psfFluxErr": 100.0}
    faint = {"midpointMjdTai": 61_001.1, "band": "i", "psfFlux": 100.0, "psfFluxErr": 100.0}
    gone = {
        "midpointMjdTai": 61_002.1,
        "band": "i",
        "psfFlux": 900.0,
        "psfFluxErr": 100.0,
        "timeWithdrawnMjdTai": 61_003.0,
    }
    alert = {"diaSourcesList": [gone, source], "diaForcedSourcesList": [forced, faint]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"diaObjectId": 170587116732416143, "alert": alert}))
    curves = read(path)
    assert curves.flux.tolist() == [6995.1, 100.0, 900.0] and curves.detected.tolist() == [True, False, False]
    assert curves.flags.tolist() == [0, 0, Flag.BAD_QUALITY]


def test_lasair_ztf_reads_signs_and_limits(formats: Path) -> None:
    path = formats / "lasair" / "ztf_kafka_alert_cand_and_noncand.json"
    curves, alert = read(path), json.loads(path.read_text())
    rows = sorted([alert["candidate"], *alert["prv_candidates"]], key=lambda row: row["jd"])
    negative = sum(row["isdiffpos"] in ("f", "0") for row in rows if row["isdiffpos"] is not None)
    assert (curves.flux < 0).sum() == negative > 0
    assert np.isfinite(curves.limit).sum() == sum(row["magpsf"] is None for row in rows)
    assert curves.time[-1] == pytest.approx(59276.1384144)


# -- forced photometry -----------------------------------------------------------------------------------


def test_the_ztf_forced_file_uses_the_zero_point_of_each_row(formats: Path) -> None:
    path = formats / "ztf_forced" / "forcedphotometry_req00149191_lc.txt"
    curves = read(path, object_id="ZTF18abc")
    first = int(np.argmin(np.abs(curves.time - 58207.350081)))
    assert curves.flux[first] == pytest.approx(100.575168044371 * 10 ** (0.4 * (31.4 - 26.2024)))
    assert curves.object_id == ["ZTF18abc"] and read(path).object_id == ["210.84827-6.03164"]
    assert curves.column("ra")[0] == pytest.approx(210.84826655)
    assert (curves.flags & Flag.DROPPED_NAN > 0).sum() == 2  # status 56 without a flux
    assert set(bands(curves)) == {"ZTF-g", "ZTF-r", "ZTF-i"}


def test_the_baseline_is_subtracted_only_when_asked(formats: Path) -> None:
    path = formats / "ztf_forced" / "forcedphotometry_req00149191_lc.txt"
    report: list[str] = []
    raw, corrected = read(path), read(path, baseline_before=58_600.0, report=report)
    assert not np.array_equal(raw.flux, corrected.flux, equal_nan=True)
    early = (corrected.time < 58_600.0) & corrected.usable
    assert abs(np.median(corrected.flux[early])) < abs(np.median(raw.flux[early])) + 100.0
    assert all("baseline not subtracted" in line for line in report)


def test_a_truncated_ztf_forced_file_is_refused(formats: Path, tmp_path: Path) -> None:
    text = (formats / "ztf_forced" / "forcedphotometry_req00149191_lc.txt").read_text()
    path = tmp_path / "forced.txt"
    path.write_text(text[:40_000])
    with pytest.raises(DataError, match=r"forced\.txt: row .* cells, the header 40"):
        read(path)


def test_the_atlas_file_is_read_by_its_signed_flux(formats: Path) -> None:
    curves = read(formats / "atlas_forced" / "job01088.txt", object_id="AT2020wol")
    assert curves.time[0] == 59101.519211 and curves.flux[0] == -7000.0 and curves.flux_err[0] == 10000.0
    assert set(bands(curves)) == {"ATLAS-o", "ATLAS-c"}


def test_atlas_nights_can_be_stacked(formats: Path) -> None:
    path = formats / "atlas_forced" / "job01088.txt"
    single, nights = read(path), read(path, stack_nights=True)
    good = single.usable
    keys = {(int(t), b) for t, b in zip(single.time[good], single.passband[good], strict=True)}
    assert nights.usable.sum() == len(keys)
    weight = 1 / single.flux_err[good] ** 2
    of_stack = 1 / nights.flux_err[nights.usable] ** 2
    assert weight.sum() == pytest.approx(of_stack.sum())
    assert (weight * single.flux[good]).sum() == pytest.approx((of_stack * nights.flux[nights.usable]).sum())


def test_skyportal_csv_is_cut_by_the_survey_in_its_passbands(formats: Path, tmp_path: Path) -> None:
    path = formats / "atlas_forced" / "skyportal_photometry_ZTFrlh6cyjh.csv"
    assert sniff(path) == "skyportal"
    curves = read(path, object_id="ZTFrlh6cyjh")
    assert curves.objects["survey"].to_pylist() == ["ATLAS"] and len(curves.time) == 384
    assert np.isfinite(curves.limit).sum() > 0 and np.isfinite(curves.flux).sum() > 0
    row = int(np.argmin(np.abs(curves.time - 59334.59644)))
    assert curves.flux[row] == pytest.approx(10 ** (0.4 * (31.4 - 18.71)))
    mixed = tmp_path / "mixed.csv"
    mixed.write_text(path.read_text() + "999,59334.7,18.7,0.1,ztfg,342.46,51.26,20.1,ab\n")
    both = read(mixed, object_id="x")
    assert both.objects["survey"].to_pylist() == ["ATLAS+ZTF"] and "ZTF-g" in bands(both)


# -- options ---------------------------------------------------------------------------------------------


def test_options_that_do_not_belong_are_refused(formats: Path) -> None:
    path = formats / "atlas_forced" / "job01088.txt"
    with pytest.raises(UsageError, match="'baseline_before' has no meaning for format 'atlas-forced'"):
        read(path, baseline_before=59_000.0)
    with pytest.raises(UnknownNameError, match="Did you mean 'stack_nights'"):
        read(path, stack_night=True)
    with pytest.raises(UnknownNameError, match="Did you mean 'atlas-forced'"):
        read(path, format="atlas-forcd")
    with pytest.raises(DataError, match="holds ATLAS, but survey='ZTF' is given"):
        read(path, survey="ZTF")
    with pytest.raises(DataError, match="no such file"):
        read(formats / "nope.csv")


def test_metadata_of_a_second_table_join_any_format(formats: Path) -> None:
    objects = pa.table({"object_id": ["x", "y"], "redshift": [0.1, 0.2], "type": ["SN Ia", "SN II"]})
    curves = read(formats / "atlas_forced" / "job01088.txt", object_id="x", objects=objects, label="type")
    assert curves.object_id == ["x", "y"] and curves.column("label").tolist() == ["SN Ia", "SN II"]


def test_the_real_tables_are_read_at_once_and_in_pieces(shared: Path) -> None:
    for name, rows, options in (
        ("ztf", 541_958, {"survey": "ZTF"}),
        ("plasticc", 1_814_380, {"survey": "LSST", "flux_unit": "FLUXCAL", "dereddened": True}),
    ):
        folder = shared / "data" / name
        options["objects"] = folder / "objects.parquet"
        curves = read_table(folder / "photometry.parquet", **options)
        assert len(curves.time) == rows and curves.usable.mean() > 0.99
        parts = list(read_batches(folder / "photometry.parquet", **options, max_rows=300_000))
        assert LightCurves.concat(parts).equals(curves)
