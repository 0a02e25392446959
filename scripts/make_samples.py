"""The packaged samples, made from what their light curves come from.

Run::

    pip download --no-deps --no-binary :all: ztfparsnip==0.3.0
    pip download --no-deps slsne==0.3
    python scripts/make_samples.py ztf ztfparsnip-0.3.0.tar.gz slsne-0.3-py3-none-any.whl
    python scripts/make_samples.py lsst lsst_107_real_alerts_2026-03-10.parquet --templates TEMPLATES

They write ``src/firstlight/samples/ztf.parquet`` and ``lsst.parquet``: one row an observation, fluxes in nJy,
what is known of the object (type, redshift, position, origin) repeated on each of its rows. The alerts of
Rubin are those of https://github.com/astrolabsoftware/fink-tutorials (Apache-2.0), joined into one file;
TEMPLATES is the data folder of `firstlight.simulate`.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import firstlight

DAYS_BEFORE, DAYS_AFTER = 90.0, 300.0  # around the published date of peak; the rest of the files is baseline
QUADRANT = (3072, 3080)  # pixels of a ZTF readout quadrant, x and y
AB_NANOJANSKY = 31.4  # zero point of a flux in nJy
FORCED, SLSNE = "ztfparsnip 0.3.0", "slsne 0.3"

RUBIN = "Rubin alert packets of 2026-03-10, by Fink"
# Few rows and many nights; one seen on both sides of zero, as active nuclei and variable stars are.
RUBIN_OBJECTS = (
    170094456334188639,
    170046091921195087,
    170028528328769656,
    170032916464664787,
    313871016471822370,
)
SIMULATED = {"SN Ia": 3, "SN II": 2, "SN Ib": 1, "SN Ic": 1, "SLSN-I": 1, "TDE": 1}

# Superluminous supernovae whose ZTF magnitudes the catalogue gives as observed (column "Raw"), and ZTF names.
SUPERLUMINOUS = {
    "2018cxa": None,
    "2020adkm": "ZTF20acvcpau",
    "2020znr": "ZTF20acphdcg",
    "2021hpx": "ZTF21aappdnv",
}

SCHEMA = pa.schema(
    [
        pa.field("object_id", pa.string()),
        pa.field("survey", pa.string()),
        pa.field("mjd", pa.float64(), metadata={"unit": "d"}),
        pa.field("band", pa.string()),
        pa.field("flux", pa.float64(), metadata={"unit": "nJy"}),
        pa.field("flux_err", pa.float64(), metadata={"unit": "nJy"}),
        pa.field("limit_mag", pa.float64(), metadata={"unit": "mag(AB)"}),
        pa.field("label", pa.string()),
        pa.field("redshift", pa.float64()),
        pa.field("ra", pa.float64(), metadata={"unit": "deg"}),
        pa.field("dec", pa.float64(), metadata={"unit": "deg"}),
        pa.field("iau_name", pa.string()),
        pa.field("origin", pa.string()),
    ]
)
# TNS names of the forced-photometry objects; absent where there is none or it is not known here.
IAU_NAMES = {
    "ZTF20acvmzfv": "SN2020abxc",
    "ZTF20acvkjrm": "SN2020abun",
    "ZTF18aawgrxz": "SN2021lmp",
    "ZTF19aapreis": "AT2019dsg",
    "ZTF20acueziy": "SN2020abpa",
    "ZTF20acuobve": "SN2020abso",
    "ZTF20actpavu": "SN2020aazt",
}


def forced_photometry(archive: Path) -> Iterator[dict[str, Any]]:
    """Rows of the difference-image fits in the source distribution of ``ztfparsnip``.

    ``ampl`` is the fitted amplitude in counts at the image's own zero point ``magzp`` (AB); ``ampl_corr`` is
    the same minus the baseline of its field and filter, ``ampl_err_corr`` its error scaled to the scatter.
    """
    with tarfile.open(archive) as tar:
        texts = {
            Path(member.name).name: tar.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in tar
            if "/BTS_plus_TDE/" in member.name and member.isfile()
        }
    headers: Mapping[str, Mapping[str, str]] = json.loads(texts["headers.json"])
    for name, header in sorted(headers.items()):
        peak = float(header["bts_peak_jd"]) - 2_400_000.5
        lines = [line for line in texts[f"{name}_bl.csv"].splitlines() if not line.startswith("#")]
        best: dict[tuple[float, str], dict[str, str]] = {}
        for row in csv.DictReader(lines):
            mjd = float(row["obsmjd"])
            if not -DAYS_BEFORE <= mjd - peak <= DAYS_AFTER or not _good(row):
                continue
            # An object at the edge of two readout quadrants is measured in both: the smaller error stands.
            key = (mjd, row["filter"][-1])
            if key not in best or float(row["ampl_err_corr"]) < float(best[key]["ampl_err_corr"]):
                best[key] = row
        known = {
            "object_id": name,
            "survey": "ZTF",
            "label": header["bts_class"] if header["bts_class"] != "-" else None,
            "redshift": float(header["bts_z"]) if header["bts_z"] != "-" else None,
            "ra": float(header["ra"]),
            "dec": float(header["dec"]),
            "iau_name": IAU_NAMES.get(name),
            "origin": FORCED,
        }
        for (mjd, band), row in sorted(best.items()):
            to_njy = 10.0 ** (0.4 * (AB_NANOJANSKY - float(row["magzp"])))
            yield known | {
                "mjd": mjd,
                "band": band,
                "flux": float(row["ampl_corr"]) * to_njy,
                "flux_err": float(row["ampl_err_corr"]) * to_njy,
            }


def _good(row: Mapping[str, str]) -> bool:
    """Whether the fit passed the archive's cuts, lies on the chip, and has a baseline of earlier epochs."""
    on_chip = 0 <= float(row["target_x"]) < QUADRANT[0] and 0 <= float(row["target_y"]) < QUADRANT[1]
    clear = float(row["cloudy"] or 0) == 0 and row["pass"] == "1"
    return on_chip and clear and row["pre_or_post"] == "-1" and float(row["ampl_err_corr"]) > 0


def superluminous(wheel: Path) -> Iterator[dict[str, Any]]:
    """Rows of ZTF photometry in the catalogue of ``slsne``: magnitudes as observed, and upper limits."""
    with zipfile.ZipFile(wheel) as archive:

        def table(path: str) -> list[dict[str, str]]:
            lines = archive.read(f"slsne/ref_data/{path}").decode().splitlines()
            head = lines[0].split()
            return [dict(zip(head, line.split(), strict=True)) for line in lines[1:] if line.strip()]

        catalogue = {row["Name"]: row for row in table("sne_data.txt")}
        for name, ztf in SUPERLUMINOUS.items():
            entry = catalogue[name]
            known = {
                "object_id": ztf or f"SN{name}",
                "survey": "ZTF",
                "label": "SLSN-I",
                "redshift": float(entry["Redshift"]),
                "ra": float(entry["RA_deg"]),
                "dec": float(entry["DEC_deg"]),
                "iau_name": f"SN{name}",
                "origin": SLSNE,
            }
            rows = table(f"supernovae/{name}/{name}.txt")
            rows = [row for row in rows if row["Instrument"] == "ZTF" and row["Ignore"] == "False"]
            seen: set[tuple[float, str]] = set()
            for row in sorted(rows, key=lambda row: (float(row["MJD"]), row["UL"] == "True")):
                mjd, mag = float(row["MJD"]), float(row["Raw"])
                peak = float(entry["Peak"])
                if (mjd, row["Filter"]) in seen or not -DAYS_BEFORE <= mjd - peak <= DAYS_AFTER:
                    continue
                seen.add((mjd, row["Filter"]))
                if row["UL"] == "True":
                    yield known | {"mjd": mjd, "band": row["Filter"], "limit_mag": mag}
                    continue
                flux = 10.0 ** (0.4 * (AB_NANOJANSKY - mag))
                error = flux * float(row["MagErr"]) * 0.4 * np.log(10.0)
                yield known | {"mjd": mjd, "band": row["Filter"], "flux": flux, "flux_err": error}


def rubin(alerts: Path) -> Iterator[dict[str, Any]]:
    """Rows of real objects in alert packets of Rubin: forced fluxes, and sources that have none.

    A forced flux of a visit in which the object was a source is a detection. Nothing says what they are.
    """
    packets: dict[int, list[dict[str, Any]]] = {}
    for packet in pq.read_table(alerts).to_pylist():
        if packet["diaObject"] is not None:
            packets.setdefault(packet["diaObject"]["diaObjectId"], []).append(packet)
    for name in RUBIN_OBJECTS:
        mine = packets[name]
        sources = [one for packet in mine for one in [packet["diaSource"], *(packet["prvDiaSources"] or [])]]
        forced = [one for packet in mine for one in packet["prvDiaForcedSources"] or []]
        seen = {one["visit"]: one for one in sources}
        rows = {one["visit"]: one for one in forced if one["timeWithdrawnMjdTai"] is None}
        known = {
            "object_id": str(name),
            "survey": "LSST",
            "ra": mine[-1]["diaObject"]["ra"],
            "dec": mine[-1]["diaObject"]["dec"],
            "origin": RUBIN,
        }
        for row in sorted((seen | rows).values(), key=lambda row: row["midpointMjdTai"]):
            yield known | {
                "mjd": row["midpointMjdTai"],
                "band": row["band"],
                "flux": row["psfFlux"],
                "flux_err": row["psfFluxErr"],
                "detected": row["visit"] in seen,
            }


def simulated(templates: Path) -> Iterator[dict[str, Any]]:
    """Rows of simulated supernovae under the baseline of LSST, named so that nobody takes them for real."""
    curves = firstlight.simulate("LSST", SIMULATED, seed=2026, data=templates)
    for one in curves:
        label = str(one.column("label")[0])
        number = one.object_id[0].rpartition("-")[2]
        known = {
            "object_id": f"simulated {label} {number}",
            "survey": "LSST",
            "label": label,
            "redshift": float(one.column("redshift")[0]),
            "ra": float(one.column("ra")[0]),
            "dec": float(one.column("dec")[0]),
            "origin": "simulated by firstlight",
        }
        for k in range(len(one.time)):
            yield known | {
                "mjd": float(one.time[k]),
                "band": one.passbands[one.passband[k]].rpartition("-")[2],
                "flux": float(one.flux[k]),
                "flux_err": float(one.flux_err[k]),
                "detected": bool(one.detected[k]),
            }


def main() -> None:
    """Write a packaged sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    kinds = parser.add_subparsers(dest="sample", required=True)
    ztf, lsst = kinds.add_parser("ztf"), kinds.add_parser("lsst")
    ztf.add_argument("ztfparsnip", type=Path, help="source distribution of ztfparsnip 0.3.0 (.tar.gz)")
    ztf.add_argument("slsne", type=Path, help="wheel of slsne 0.3")
    lsst.add_argument("alerts", type=Path, help="alert packets of Rubin as Parquet")
    lsst.add_argument("--templates", type=Path, required=True, help="data folder of the simulation")
    arguments = parser.parse_args()
    if arguments.sample == "ztf":
        table = pa.Table.from_pylist(
            [*forced_photometry(arguments.ztfparsnip), *superluminous(arguments.slsne)], schema=SCHEMA
        )
    else:
        schema = SCHEMA.remove(SCHEMA.get_field_index("limit_mag"))
        schema = schema.remove(schema.get_field_index("iau_name")).append(pa.field("detected", pa.bool_()))
        table = pa.Table.from_pylist(
            [*rubin(arguments.alerts), *simulated(arguments.templates)], schema=schema
        )
    out = Path(__file__).parents[1] / f"src/firstlight/samples/{arguments.sample}.parquet"
    sink = io.BytesIO()
    words = [field.name for field in table.schema if pa.types.is_string(field.type)]
    pq.write_table(table, sink, compression="zstd", use_dictionary=words)
    out.write_bytes(sink.getvalue())
    print(f"{out.name}: {table.num_rows} rows, {len(sink.getvalue()) // 1024} KiB")


if __name__ == "__main__":
    main()
