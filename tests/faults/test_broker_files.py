"""Files as brokers serve them: what they say is read, what they call bad is not used."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import firstlight as fl
from firstlight.errors import DataError, FirstlightError
from firstlight.lightcurves import Flag

NIGHTS = 6


def csv_file(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue())
    return path


def json_file(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data))
    return path


def boom_object(name: str = "ZTF25aaaaaaa", **extra: Any) -> dict[str, Any]:
    rows = [
        {
            "jd": 2460700.5 + 3 * i,
            "band": "gr"[i % 2],
            "magpsf": 18.0 + 0.1 * i,
            "sigmapsf": 0.05,
            "diffmaglim": 20.5,
        }
        for i in range(NIGHTS)
    ]
    return {
        "objectId": name,
        "candidate": {**rows[-1], "isdiffpos": True},
        "prv_candidates": rows[:-1],
        "prv_nondetections": [{"jd": 2460690.5, "band": "r", "diffmaglim": 20.1}],
        **extra,
    }


def test_history_of_boom_counts_though_its_rows_do_not_say_isdiffpos(tmp_path: Path) -> None:
    notes: list[str] = []
    curves = fl.read(json_file(tmp_path / "object.json", boom_object()), report=notes)
    assert curves.detected.sum() == NIGHTS and not (curves.flags & Flag.BAD_QUALITY).any()
    assert np.isfinite(curves.limit).sum() == 1
    assert any("without isdiffpos" in note for note in notes)


@pytest.mark.parametrize("data", [boom_object(), [boom_object(), boom_object("ZTF25aaaaaab")]])
def test_envelope_of_a_server_is_taken_off(tmp_path: Path, data: Any) -> None:
    served = json_file(tmp_path / "served.json", {"status": "success", "message": "", "data": data})
    plain = json_file(tmp_path / "plain.json", data)
    assert fl.read(served).equals(fl.read(plain))


def test_envelope_without_data_is_told(tmp_path: Path) -> None:
    served = json_file(
        tmp_path / "served.json", {"status": "error", "message": "no such object", "data": None}
    )
    with pytest.raises(DataError, match="no such object"):
        fl.read(served)


def test_objects_one_a_line(tmp_path: Path) -> None:
    lines = tmp_path / "export.jsonl"
    lines.write_text("\n".join(json.dumps(boom_object(name)) for name in ("ZTF25aaaaaaa", "ZTF25aaaaaab")))
    assert fl.read(lines).objects.column("object_id").to_pylist() == ["ZTF25aaaaaaa", "ZTF25aaaaaab"]


def test_lsst_object_of_boom(tmp_path: Path) -> None:
    row = {
        "jd": 2461000.5,
        "band": "r",
        "psfFlux": -900.0,
        "psfFluxErr": 50.0,
        "diaSourceId": 1,
        "magpsf": 24.0,
    }
    data = {"objectId": "313853499999999999", "candidate": row, "prv_candidates": [{**row, "jd": 2460990.5}]}
    curves = fl.read(json_file(tmp_path / "lsst.json", data))
    assert curves.passbands[0].startswith("LSST") and curves.flux.tolist() == [-900.0, -900.0]
    assert curves.detected.all()  # a negative source is one


def test_rows_of_pittgoogle(tmp_path: Path) -> None:
    rows = [
        {"jd": 2460700.5 + i, "fid": 1.0, "magpsf": 18.0, "sigmapsf": 0.1, "ra": 1.0, "decl": 2.0}
        for i in range(4)
    ]
    curves = fl.read(json_file(tmp_path / "rows.json", {"objectId": "ZTF25aaaaaaa", "rows": rows}))
    assert curves.detected.sum() == 4
    assert curves.objects.column("dec").to_pylist() == [2.0]


@pytest.mark.parametrize(
    "cone",
    [
        [{"object": "ZTF25aaaaaaa", "separation": 1.2}],
        {"object": "ZTF25aaaaaaa", "separation": 1.2},
        {"nearest": {"object": "ZTF25aaaaaaa", "separation": 1.2}, "count": 1},
    ],
)
def test_cone_search_of_lasair_says_what_it_is(tmp_path: Path, cone: Any) -> None:
    with pytest.raises(DataError, match="cone search"):
        fl.read(json_file(tmp_path / "cone.json", cone))


def fink_rows() -> list[dict[str, Any]]:
    rows = [
        {
            "i:objectId": "ZTF25aaaaaaa",
            "i:jd": 2460700.5 + 3 * i,
            "i:fid": 1 + i % 2,
            "i:magpsf": 18.0,
            "i:sigmapsf": 0.05,
            "i:isdiffpos": "t",
            "i:diffmaglim": 20.5,
            "d:tag": "valid",
        }
        for i in range(NIGHTS)
    ]
    bad = {**rows[0], "i:jd": 2460720.5, "i:magpsf": 21.5, "d:tag": "badquality"}
    limit = {
        **rows[0],
        "i:jd": 2460690.5,
        "i:magpsf": None,
        "i:sigmapsf": None,
        "i:isdiffpos": None,
        "d:tag": "upperlim",
    }
    return [limit, *rows, bad]


@pytest.mark.parametrize("kind", ["csv", "json", "enveloped", "pandas", "columns by hand"])
def test_fink_rows_in_every_shape(tmp_path: Path, kind: str) -> None:
    rows, options, notes = fink_rows(), {}, []
    if kind == "json":
        table: Any = json_file(tmp_path / "fink.json", rows)
    elif kind == "enveloped":
        table = json_file(tmp_path / "fink.json", {"status": "ok", "data": rows})
    elif kind == "pandas":
        table = pd.DataFrame(rows)
    else:
        table = csv_file(tmp_path / "fink.csv", rows)
    if kind == "columns by hand":
        options = {"columns": {"time": "i:jd", "mag": "i:magpsf"}, "time_format": "jd", "survey": "ZTF"}
    curves = fl.read(table, report=notes, **options)
    assert curves.detected.sum() == NIGHTS
    assert (curves.flags & Flag.BAD_QUALITY != 0).sum() == 1
    assert np.isfinite(curves.limit).sum() == 1
    assert any("d:tag" in note for note in notes)


def test_lsst_rows_of_fink_say_their_survey_and_unit(tmp_path: Path) -> None:
    rows = [
        {
            "r:diaObjectId": 313853499999999999,
            "r:midpointMjdTai": 61000.0 + i,
            "r:band": "g",
            "r:psfFlux": 500.0,
            "r:psfFluxErr": 20.0,
        }
        for i in range(3)
    ]
    curves = fl.read(json_file(tmp_path / "fink.json", rows))
    assert curves.passbands[0].startswith("LSST") and curves.flux.tolist() == [500.0] * 3
    assert curves.objects.column("object_id").to_pylist() == ["313853499999999999"]


IRSA = [
    {
        "oid": 686103400034440,
        "hjd": 2460000.624 + i,
        "mjd": 60000.123 + i,
        "mag": 18.5,
        "magerr": 0.05,
        "catflags": 32768 if i == 2 else 0,
        "filtercode": ("zg", "zr", "zi")[i % 3],
    }
    for i in range(NIGHTS)
]


def ipac(rows: list[dict[str, Any]]) -> str:
    kinds = {int: "long", float: "double", str: "char"}
    lines = ["\\fixlen = T", "|" + "|".join(f"{name:>17}" for name in rows[0]) + "|"]
    lines.append("|" + "|".join(f"{kinds[type(cell)]:>17}" for cell in rows[0].values()) + "|")
    lines += [" " + " ".join(f"{cell:>17}" for cell in row.values()) for row in rows]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("kind", ["csv", "ipac"])
def test_light_curves_of_irsa(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"irsa.{kind}"
    if kind == "ipac":
        path.write_text(ipac(IRSA))
    else:
        csv_file(path, IRSA)
    notes: list[str] = []
    curves = fl.read(path, survey="ZTF", report=notes)
    assert curves.time[0] == pytest.approx(60000.123)  # the time of the observatory, not of the Sun
    assert curves.detected.sum() == NIGHTS - 1
    assert any("catflags" in note for note in notes) and any("'hjd' not used" in note for note in notes)
    assert curves.objects.column("object_id").to_pylist() == ["686103400034440"]


SKYPORTAL = [
    {
        "id": i,
        "mjd": 60000.0 + i,
        "mag": 18.0,
        "magerr": 0.05,
        "limiting_mag": 20.5,
        "filter": "ztfg",
        "instrument_name": "ZTF",
        "flux": 229.0,
        "fluxerr": 10.5,
    }
    for i in range(NIGHTS)
]


def test_download_of_skyportal_is_one_object_named_by_its_file(tmp_path: Path) -> None:
    curves = fl.read(csv_file(tmp_path / "2025abc_photometry.csv", SKYPORTAL))
    assert curves.objects.column("object_id").to_pylist() == ["2025abc"]  # 'id' numbers the observations
    assert curves.detected.sum() == NIGHTS and curves.passbands[0] == "ZTF-g"


def test_answer_of_skyportal(tmp_path: Path) -> None:
    rows = [
        {**row, "obj_id": "2025abc", "magsys": "ab", "groups": [{"id": 1}], "altdata": None}
        for row in SKYPORTAL
    ]
    curves = fl.read(json_file(tmp_path / "x.json", {"status": "success", "data": rows}))
    assert curves.objects.column("object_id").to_pylist() == ["2025abc"]
    assert curves.detected.sum() == NIGHTS


def test_filter_of_no_known_survey_can_be_left_out(tmp_path: Path) -> None:
    rows = [*SKYPORTAL, {**SKYPORTAL[0], "filter": "uvot::uvw2"}]
    path = csv_file(tmp_path / "2025abc_photometry.csv", rows)
    with pytest.raises(FirstlightError, match="unknown passband 'uvot::uvw2'"):
        fl.read(path)
    assert fl.read(path, unknown_passbands="drop").detected.sum() == NIGHTS


def test_objects_of_a_table_with_columns_like_skyportal_stay_apart(tmp_path: Path) -> None:
    rows = [{"object_id": f"A{i % 2}", "magsys": "ab", **row} for i, row in enumerate(SKYPORTAL)]
    assert len(fl.read(csv_file(tmp_path / "mine.csv", rows))) == 2


@pytest.mark.parametrize("fid", ["1.0", 1.0, "1", np.float32(1)])
def test_filter_number_that_was_a_float(fid: Any) -> None:
    table = {"oid": ["a"], "mjd": [60000.0], "fid": [fid], "magpsf": [18.0], "sigmapsf": [0.1]}
    assert fl.read(table, survey="ZTF").passband.tolist() == [0]


@pytest.mark.parametrize("broker", ["alerce", "boom", "fink"])
def test_negative_difference_that_the_survey_detected_counts(tmp_path: Path, broker: str) -> None:
    if broker == "fink":
        rows: Any = [{**row, "i:isdiffpos": "f"} for row in fink_rows()[1:-1]]
    elif broker == "boom":
        rows = boom_object()
        rows["prv_candidates"] = [{**row, "isdiffpos": False} for row in rows["prv_candidates"]]
    else:
        row = {"oid": "ZTF25aaaaaaa", "fid": 1, "magpsf": 18.0, "sigmapsf": 0.1, "isdiffpos": -1}
        rows = [{**row, "mjd": 60000.0 + i} for i in range(NIGHTS)]
    curves = fl.read(json_file(tmp_path / "alerts.json", rows))
    assert (curves.flux < 0).sum() >= NIGHTS - 1 and curves.detected.sum() == NIGHTS
