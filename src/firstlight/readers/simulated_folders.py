"""Folders that `firstlight simulate` wrote: which survey they are, and where their tables stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from firstlight import facts
from firstlight.errors import Arg, DataError
from firstlight.lightcurves import LightCurves
from firstlight.notes import Notes
from firstlight.tables.objects import one_array

_SETTINGS, _PHOTOMETRY, _OBJECTS = "survey.json", "photometry", "objects"


class SimulatedFolder(NamedTuple):
    """The tables of a simulated survey, and what its settings say of it."""

    photometry: Path
    objects: Path
    survey: facts.Survey

    def with_truth(self, curves: LightCurves) -> LightCurves:
        """The light curves with what only the simulation knows of them, in columns ``sim_*``.

        Readers leave such columns out, so that no classifier learns from them unseen; here they are meant.
        """
        parts = [pq.read_table(file) for file in sorted(self.objects.glob("[!.]*.parquet"))]
        table = pa.concat_tables(parts, promote_options="permissive")
        names = [name for name in table.column_names if name.startswith("sim_")]
        mine = pc.is_in(table["object_id"], value_set=one_array(curves.objects["object_id"]))
        return curves.with_objects(table.select(["object_id", *names]).filter(mine))


def simulated_folder(path: Any, notes: Notes, *, survey: Any = None) -> SimulatedFolder | None:
    """What a folder says of the survey that was simulated into it; None for anything else.

    Parameters
    ----------
    path : path or table
    notes : Notes
        Told which survey it is, that the labels are the truth, and whether the run came to its end.
    survey : optional
        As for `read`: must be that of the folder.

    Raises
    ------
    DataError
        When the settings are damaged, or another survey is given.
    """
    if not isinstance(path, (str, Path)):
        return None
    folder = Path(path)
    parts = folder / _PHOTOMETRY, folder / _OBJECTS
    if not (folder / _SETTINGS).is_file() or not all(part.is_dir() for part in parts):
        return None
    notes = notes.at(folder.name)
    try:
        told = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
        known = facts.survey(told.get("own_survey") or told["survey"])
    except (ValueError, KeyError, AttributeError, OSError) as error:
        raise DataError(
            "its settings cannot be read",
            where=f"{folder.name}/{_SETTINGS}",
            hint=("Read its tables: ", f"{parts[0]} with ", Arg("objects", str(parts[1])), "."),
        ) from error
    if survey is not None and facts.survey(survey) != known:
        asked = facts.survey(survey).name
        raise notes.error(
            (f"holds {known.name}, but ", Arg("survey", asked), " is given"), hint="Leave it out."
        )
    unfinished = "" if "generated" in told else "; the run did not come to its end"
    notes.add(
        f"simulated {known.name} with seed {told.get('seed', 'unknown')}, labels are the truth{unfinished}."
    )
    return SimulatedFolder(*parts, known)
