"""SkyPortal and Fritz: photometry as CSV, passbands named with their survey (``ztfg``, ``atlaso``)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from firstlight.readers.answers import object_name
from firstlight.readers.cells import passbands
from firstlight.readers.columns import survey_prefixes
from firstlight.readers.photometry import Photometry
from firstlight.readers.source import TableSource, open_source
from firstlight.readers.table import Options, whole


def is_skyportal(names: list[str]) -> bool:
    """Whether a CSV has the columns of SkyPortal."""
    return {"mjd", "mag", "magerr", "filter", "limiting_mag", "magsys"} <= set(names)


def read_skyportal(
    path: Path, *, object_id: str | int | None = None, survey: str | None = None, report: list[str]
) -> Photometry:
    """Photometry of a SkyPortal CSV: magnitudes, or limits where there is none.

    Parameters
    ----------
    path : Path
    object_id : str, optional
        Name of the object, where there is no column ``obj_id``; by default the file's.
    survey : str, optional
        Survey of all passbands, where their names do not say it.
    """
    source = open_source(path)
    names = source.schema.names
    table = source.read(dict.fromkeys(names, "text"), report)
    columns: dict[str, str | None] = {"object_id": "obj_id" if "obj_id" in names else "object_id"}
    if "obj_id" not in names:
        name = object_name(object_id, None, path, where=path.name, report=report)
        column = pa.array([name] * table.num_rows, type=pa.string())
        if "object_id" in names:
            table = table.drop_columns(["object_id"])
        table = table.append_column("object_id", column)
    photometry = whole(TableSource(table, path.name), Options(survey=survey, columns=columns), report=report)
    return photometry if survey is not None else replace(photometry, surveys=_surveys(photometry.passband))


def _surveys(bands: pa.DictionaryArray) -> pa.DictionaryArray:
    """The survey of each row by the beginning of its passband's name; as given where none fits."""
    named = []
    for band in bands.dictionary.to_pylist():
        fits = [
            survey for prefix, survey in survey_prefixes().items() if (band or "").lower().startswith(prefix)
        ]
        named.append(fits[0] if fits else band)
    column = pa.DictionaryArray.from_arrays(bands.indices, pa.array(named, type=pa.string()))
    return passbands(pc.cast(column, pa.string()))
