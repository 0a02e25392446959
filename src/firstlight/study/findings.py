"""A study from its plan to its findings: their tidy tables, their verdicts and their report."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight.errors import MissingExtraError, UsageError
from firstlight.files import replacing, write_bytes, write_text
from firstlight.lightcurves import LightCurves
from firstlight.report import Bullets, escaped, plain, png
from firstlight.study.cell_scores import ALL
from firstlight.study.cells import Cell
from firstlight.study.material import Material, rules_of
from firstlight.study.plan import Study, read_study
from firstlight.study.results import Results
from firstlight.study.running import CellProgress, jobs, read, run
from firstlight.study.sentences import sentences
from firstlight.study.study_page import study_figures, study_page
from firstlight.study.verdicts import verdicts
from firstlight.working_folder import working_in

if TYPE_CHECKING:
    import pyarrow as pa


class Findings(Results):
    """The results of a study, as far as they are there, with what can be written of them."""

    def scores(self) -> pa.Table:
        """Every measure of every cell as tidy rows, with 95 % of the resamples where they were kept."""
        return _table(_score_rows(self))

    def cells_table(self) -> pa.Table:
        """One row a cell: its labels, seconds, epochs and gradient steps."""
        rows = []
        for cell, (answer, _) in self.results.items():
            record = answer.record
            rows.append(
                _names(cell)
                | {"labels": record["number"], "followed": cell.followed}
                | {name: record.get(name) for name in ("seconds", "epochs", "steps", "failed")}
            )
        return _table(rows)

    def summary(self) -> pa.Table:
        """Medians over draws of the main measures, by arm, budget, split and stage."""
        rows: list[dict[str, Any]] = []
        for arm in self.arms:
            for budget in self.budgets(arm.name):
                found = {
                    key for cell in self.cells(arm.name, budget) for key in self.results[cell][1].samples
                }
                for split, stage, metric, of in sorted(found, key=str):
                    median = self.median(arm.name, budget, metric, stage=stage, split=split, of=of)
                    if median is not None:
                        rows.append(
                            {"arm": arm.name, "budget": budget, "labels": self.number(budget)}
                            | {"split": split, "stage": stage, "metric": metric, "of": self._of(of)}
                            | dataclasses.asdict(median)
                        )
        return _table(rows)

    def _repr_html_(self) -> str:
        return study_page(self, verdicts(self), {}).fragment()

    def _of(self, index: int) -> str:
        return "all" if index == ALL else self.rules.classes[index]

    def write(self, folder: str | Path) -> Path:
        """The folder, now with tables (Parquet and CSV), verdicts, figures and ``report.html``."""
        home = Path(folder)
        self.write_tables(home)
        found = verdicts(self)
        told = sentences(self, found)
        words = (
            f"**{escaped(arm)}**\n\n{Bullets(tuple(lines)).markdown()}\n\n" for arm, lines in told.items()
        )
        write_text(home / "verdicts.json", json.dumps(plain(dataclasses.asdict(found)), indent=1))
        write_text(home / "verdicts.md", "".join(words))
        write_text(home / "study.json", json.dumps(self.study.to_dict(), indent=1))
        try:
            drawn = study_figures(self)
        except MissingExtraError:
            drawn = {}  # without matplotlib the tables and verdicts stand alone
        for name, figure in drawn.items():
            write_bytes(home / "figures" / f"{name}.png", png(figure, dpi=150))
        study_page(self, found, drawn).write(home / "report.html")
        return home

    def write_tables(self, folder: Path) -> None:
        """Write ``scores``, ``summary`` and ``cells`` as Parquet and CSV."""
        import pyarrow.csv
        import pyarrow.parquet

        tables = {"scores": self.scores(), "summary": self.summary(), "cells": self.cells_table()}
        for name, table in tables.items():
            with replacing(folder / f"{name}.parquet") as part:
                pyarrow.parquet.write_table(table, part)
            with replacing(folder / f"{name}.csv") as part:
                pyarrow.csv.write_csv(table, part)


def study(
    plan: Study | str | Path | Mapping[str, Any],
    *,
    pool: LightCurves | None = None,
    test: LightCurves | None = None,
    classes: Sequence[str] | None = None,
    data: str | Path | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    only: Sequence[str] = (),
    progress: CellProgress | None = None,
) -> Findings:
    """How well each arm does with how many labels, with intervals and verdicts.

    Parameters
    ----------
    plan : Study, path or mapping
        The plan: a value, a TOML file, or what would stand in one.
    pool, test : LightCurves, optional
        Labelled light curves to draw labels from and to score on, instead of the study's own.
    classes : sequence of str, optional
        With `pool`: the classes, by default its labels.
    data : path, optional
        Folder of the protocol's data, or to which the paths of the study's ``[data]`` are relative.
    out : path, optional
        Folder of the results; a study that was stopped goes on in it. Without it nothing is kept but the
        value returned.
    workers : int
        Processes.
    only : sequence of str
        Names of arms to run; all by default.
    progress : callable, optional
        Called after each cell with cells done, cells in all, words, and seconds.

    Returns
    -------
    Findings
        `Findings.summary` is the table of medians, `firstlight.study.verdicts` gives the verdicts,
        `Findings.write` the report.

    Raises
    ------
    UsageError, UnknownNameError
        For a plan that does not fit, before any work.

    Examples
    --------
    >>> plan = {"arms": [{"name": "features", "kind": "features"}], "budgets": [50, "all"]}
    >>> found = study(plan, pool=pool, test=test)  # doctest: +SKIP
    """
    asked = plan if isinstance(plan, Study) else read_study(plan)
    if (pool is None) != (test is None):
        raise UsageError("give both pool and test, or neither", where="study")
    rules = rules_of(asked, data, pool=pool, test=test, classes=classes)
    material = Material(asked, rules)
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            return _found(material, Path(folder), workers, only, progress)
    with working_in(out) as home:
        try:
            return _found(material, home, workers, only, progress)
        except BaseException:
            partial = _read(material, home)
            if partial.results:
                partial.write_tables(home)  # what is there so far can be looked at
            raise


def label_efficiency(*plan: Any, **options: Any) -> Findings:
    """The former name of `study`."""
    import warnings

    warnings.warn(
        "firstlight.label_efficiency is called firstlight.study now", DeprecationWarning, stacklevel=2
    )
    if "study" in options:
        options["plan"] = options.pop("study")
    return study(*plan, **options)


def _found(
    material: Material, home: Path, workers: int, only: Sequence[str], progress: CellProgress | None
) -> Findings:
    run(material, home, workers=workers, only=only, progress=progress)
    return _read(material, home)


def _read(material: Material, home: Path) -> Findings:
    """The results that are in a folder."""
    there = {job.cell: read(job, material) for job in jobs(material, home)}
    return Findings(
        material.study,
        material.rules,
        {cell: result for cell, result in there.items() if result is not None},
    )


def _names(cell: Cell) -> dict[str, Any]:
    return {"arm": cell.arm.name, "kind": cell.arm.kind, "budget": cell.budget, "draw": cell.draw}


def _score_rows(findings: Findings) -> Iterable[dict[str, Any]]:
    classes = findings.rules.classes
    for cell, (answer, scored) in findings.results.items():
        for key, value in scored.values.items():
            split, stage, metric, index = key
            sample = scored.samples.get(key)
            known = np.empty(0) if sample is None else sample[np.isfinite(sample)]
            lo, hi = np.quantile(known, (0.025, 0.975)).tolist() if known.size else (None, None)
            yield (
                _names(cell)
                | {"labels": answer.record["number"], "split": split, "stage": stage, "metric": metric}
                | {"of": "all" if index == ALL else classes[index], "value": value, "lo": lo, "hi": hi}
            )


def _table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    import pyarrow as pa

    listed: Sequence[Mapping[str, Any]] = list(rows)
    names = list(dict.fromkeys(name for row in listed for name in row))
    return pa.table({name: [row.get(name) for row in listed] for name in names})
