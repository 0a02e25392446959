"""Tables as a notebook holds them: frames that were written, lists, sncosmo's metadata, lazy frames."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table

import firstlight as fl
from firstlight.errors import DataError


def photometry(**meta) -> Table:
    """A table as sncosmo makes it."""
    table = Table(
        {
            "time": [59000.1, 59001.2],
            "band": ["ztfg", "ztfr"],
            "flux": [90.0, 70.0],
            "fluxerr": [9.0, 8.0],
            "zp": [27.5, 27.5],
            "zpsys": ["ab", "ab"],
        }
    )
    table.meta.update(meta)
    return table


@pytest.fixture(scope="module")
def curves():
    return fl.sample("ztf")


@pytest.mark.parametrize("read", [fl.read, fl.read_table])
def test_the_frame_of_light_curves_is_read_back_with_nothing_said(read, curves) -> None:
    pytest.importorskip("pandas")
    frame = curves.to_pandas()
    assert len(frame) == len(curves.time) and {"redshift", "label", "flux"} <= set(frame.columns)
    assert read(frame).equals(curves)
    assert read(curves.to_astropy()).equals(curves)
    assert read(curves.observations()).object_id == curves.object_id
    assert read(frame.sample(frac=1.0, random_state=1)).column("label").tolist() != []
    shuffled = read(frame.sample(frac=1.0, random_state=1))
    assert shuffled[curves.object_id].equals(curves)


def test_the_other_frame_has_one_row_an_object(curves) -> None:
    pytest.importorskip("pandas")
    assert len(curves.to_pandas(observations=False)) == len(curves)
    with pytest.raises(DataError, match="says otherwise"):
        fl.read_table(curves.to_pandas(), flux_unit="uJy")


def test_objects_without_observations_are_not_lost_on_the_way(curves) -> None:
    pytest.importorskip("pandas")
    blind = fl.LightCurves.concat([curves[:1].where(np.zeros(len(curves[:1].time), bool)), curves[1:2]])
    back = fl.read_table(blind.to_pandas())
    assert back.equals(blind) and back.n_observations.tolist()[0] == 0


def test_the_redshift_of_sncosmos_tables_stands_in_their_metadata() -> None:
    read = fl.read_table(photometry(z=0.05, t0=59000.0), survey="ZTF", object_id="mine")
    assert read.object_id == ["mine"] and read.column("redshift").tolist() == [0.05]
    assert fl.read_table(photometry(z=-9.0), survey="ZTF", object_id="a").column("redshift").tolist() != [
        -9.0
    ]


def test_a_column_says_more_than_metadata() -> None:
    table = photometry(z=0.05)
    table["redshift"] = [0.07, 0.07]
    assert fl.read_table(table, survey="ZTF", object_id="a").column("redshift").tolist() == [0.07]


def test_metadata_of_a_table_of_several_objects_belong_to_none() -> None:
    table = photometry(z=0.05)
    table["object_id"] = ["a", "b"]
    read = fl.read_table(table, survey="ZTF")
    assert np.isnan(read.column("redshift")).all()


def test_lists_of_tables_have_an_object_each() -> None:
    read = fl.read([photometry(z=0.05), photometry(z=0.06), photometry()], survey="ZTF")
    assert read.object_id == ["1", "2", "3"] and read.n_observations.tolist() == [2, 2, 2]
    np.testing.assert_array_equal(read.column("redshift"), [0.05, 0.06, np.nan])
    named = fl.read_table([photometry(name="SN a"), photometry(SNID="b")], survey="ZTF")
    assert named.object_id == ["SN a", "b"]
    alone = fl.read_table(photometry(z=0.05), survey="ZTF", object_id="1")
    np.testing.assert_array_equal(read["1"].flux, alone.flux)


def test_lists_of_frames_of_every_library_are_understood() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    columns = {name: list(photometry()[name]) for name in photometry().colnames}
    for kind in (pandas.DataFrame, polars.DataFrame, pa.table):
        read = fl.read_table([kind(columns), kind(columns)], survey="ZTF")
        assert read.object_id == ["1", "2"] and len(read.time) == 4


def test_two_tables_of_one_name_and_tables_of_two_units_are_refused() -> None:
    with pytest.raises(DataError, match=r"table 2 of 2 in memory.*'a' as table 1"):
        fl.read_table([photometry(name="a"), photometry(name="a")], survey="ZTF")
    first, second = photometry(), photometry()
    del first["zp"], second["zp"]
    first["flux"].unit, second["flux"].unit = "uJy", "nJy"
    with pytest.raises(DataError, match="'flux' has the unit nJy, and uJy"):
        fl.read_table([first, second], survey="ZTF")


def test_lazy_frames_are_read() -> None:
    polars = pytest.importorskip("polars")
    columns = {"id": ["a", "a"], "mjd": [59000.1, 59001.2], "band": ["g", "r"], "flux_uJy": [9.0, 7.0]}
    frame = polars.DataFrame({**columns, "fluxerr_uJy": [1.0, 1.0]})
    assert fl.read(frame.lazy(), survey="ZTF").equals(fl.read(frame, survey="ZTF"))
