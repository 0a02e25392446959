"""What the cells of a column may hold."""

from firstlight.readers import read_table


def test_dates_written_as_text_are_times_in_utc(tmp_path) -> None:
    path = tmp_path / "dates.csv"
    path.write_text(
        "object_id,mjd,band,flux,flux_err\na,2024-01-01T12:00:00,g,5000,300\na,2024-01-05,r,9000,300\n"
    )
    curves = read_table(path, survey="ZTF", flux_unit="nJy")
    assert curves.time.tolist() == [60310.5, 60314.0]
