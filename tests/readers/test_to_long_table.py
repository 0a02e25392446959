"""`convert`: what is written is read back as it was, whatever the format."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest

import firstlight as fl
from firstlight.errors import UnknownNameError, UsageError
from firstlight.readers import long_table, samples


@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".arrow"])
def test_a_converted_table_needs_no_options_and_has_the_same_light_curves(
    suffix: str, tmp_path: Path
) -> None:
    out, seen = tmp_path / f"new/out{suffix}", []
    fl.convert(samples()["ztf"], out, progress=seen.append, max_rows=500)
    before, after = fl.sample("ztf"), fl.read(out)
    assert len(seen) > 1 and sum(map(len, seen)) == len(before)
    assert after.object_id == before.object_id
    good = before.usable & np.isfinite(before.flux)
    np.testing.assert_allclose(after.flux[np.isfinite(after.flux)], before.flux[good])
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_a_stream_takes_csv() -> None:
    stream, curves = io.BytesIO(), fl.sample("ztf")
    fl.convert(samples()["ztf"], stream)
    table = pyarrow.csv.read_csv(io.BytesIO(stream.getvalue()))
    named = {"flux": "flux_nJy", "flux_err": "flux_err_nJy"}  # text has no other place for its unit
    assert table.column_names == [named.get(one, one) for one in long_table(curves).column_names]
    assert table.num_rows == len(curves.time)


def test_what_cannot_be_written_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("no light curves\n")
    with pytest.raises(UsageError, match=r"out: '.*mine.csv' is also the input"):
        fl.convert(table, table)
    with pytest.raises(UnknownNameError, match=r"unknown format of the output file '.parket'.*'.parquet'"):
        fl.convert(table, tmp_path / "a.parket")
    with pytest.raises(UsageError, match="is a folder"):
        fl.convert(table, tmp_path)


def test_batches_know_every_format(shared: Path) -> None:
    path = shared / "data/formats/ztf_forced/forcedphotometry_req00149191_lc.txt"
    (piece,) = fl.read_batches(path)
    assert piece.equals(fl.read(path))
