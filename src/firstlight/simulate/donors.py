"""Donors: the visits of real (or somebody else's) objects as the log, so that only the transients differ.

A folder in the layout of PLAsTiCC as firstlight's benchmark plasticc-8 has it: ``objects.parquet`` and
``photometry.parquet``. Of an object only when, in which passband and how deep it was visited is used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from firstlight.errors import DataError
from firstlight.facts import Survey, zero_point
from firstlight.simulate.visits import SequenceLog

_NEEDED = {
    "objects.parquet": ("object_id", "ra", "dec", "mwebv", "ddf", "split"),
    "photometry.parquet": ("object_id", "mjd", "band", "flux", "flux_err"),
}


def donor_log(
    folder: str | Path,
    survey: Survey,
    bands: tuple[str, ...],
    *,
    splits: tuple[str, ...] = ("pool", "other"),
    deep_share: float | None = None,
    dereddened: bool = True,
) -> SequenceLog:
    """The visits of the objects of a folder; their depth from the flux errors without the source's photons.

    Parameters
    ----------
    splits : tuple of str
        Which objects lend their visits. Not those of a test split.
    deep_share : float, optional
        Share of events in deep fields; as in the data by default.
    dereddened : bool
        Fluxes and errors of the donors are free of Milky Way dust (PLAsTiCC), and so will the simulated be.
    """
    tables = {}
    for name, columns in _NEEDED.items():
        path = Path(folder, name)
        if not path.exists():
            raise DataError(
                f"there is no {name}", where=str(folder), hint="Donors are a folder with both tables."
            )
        absent = [one for one in columns if one not in pq.read_schema(path).names]
        if absent:
            raise DataError(f"column {absent[0]!r} is missing", where=str(path))
        tables[name] = pq.read_table(path, columns=list(columns))
    objects, rows = tables["objects.parquet"], tables["photometry.parquet"]
    objects = objects.filter(pc.is_in(objects["split"], pa.array(splits)))
    owner = pc.index_in(rows["object_id"], objects["object_id"].combine_chunks())
    mine = pc.is_valid(owner)
    rows, code = rows.filter(mine), owner.filter(mine).to_numpy().astype(np.int64)
    order = np.lexsort((rows["mjd"].to_numpy(), code))
    code, time = code[order], rows["mjd"].to_numpy()[order]
    named = rows["band"].cast(pa.string()).to_numpy(zero_copy_only=False)[order]
    spelt, inverse = np.unique(named.astype(str), return_inverse=True)
    band = np.array([bands.index(survey.passband(one).name) for one in spelt], dtype=np.int8)[inverse]
    flux = np.maximum(rows["flux"].to_numpy().astype(np.float64)[order], 0.0)
    error = rows["flux_err"].to_numpy().astype(np.float64)[order]
    deep = objects["ddf"].to_numpy(zero_copy_only=False).astype(np.bool_)
    # What a bright source adds to the error in PLAsTiCC (FLUXCAL), measured: see `observing.PLASTICC_WIDE`.
    photons = np.where(deep[code], (0.0053 * flux) ** 2, 0.03 * flux + (0.006 * flux) ** 2)
    sky = np.sqrt(np.maximum(error**2 - photons, 0.0))
    faint = sky > 0.7 * error
    kind = deep[code] * len(bands) + band
    median = np.array(
        [
            np.median(sky[faint & (kind == one)]) if np.any(faint & (kind == one)) else np.nan
            for one in range(2 * len(bands))
        ]
    )
    limit = zero_point("FLUXCAL") - 2.5 * np.log10(5.0 * np.where(faint, sky, median[kind]))
    present, start = np.unique(code, return_index=True)
    chosen = objects.take(pa.array(present))
    return SequenceLog(
        time, band, limit, np.append(start, len(time)).astype(np.int64),
        chosen["ra"].to_numpy(), chosen["dec"].to_numpy(), chosen["mwebv"].to_numpy(), deep[present],
        dereddened=dereddened, deep_share=deep_share,
    )  # fmt: skip
