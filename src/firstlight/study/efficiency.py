"""The face of a study: from its plan to its findings."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from firstlight.errors import UsageError
from firstlight.lightcurves import LightCurves
from firstlight.study.findings import Findings
from firstlight.study.material import Material, rules_of
from firstlight.study.plan import Study, read_study
from firstlight.study.running import Progress, jobs, read, run


def label_efficiency(
    study: Study | str | Path | Mapping[str, Any],
    *,
    pool: LightCurves | None = None,
    test: LightCurves | None = None,
    classes: Sequence[str] | None = None,
    data: str | Path | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    only: Sequence[str] = (),
    progress: Progress | None = None,
) -> Findings:
    """How well each arm does with how many labels, with intervals and verdicts.

    Parameters
    ----------
    study : Study, path or mapping
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
    >>> found = label_efficiency(plan, pool=pool, test=test)  # doctest: +SKIP
    """
    plan = study if isinstance(study, Study) else read_study(study)
    if (pool is None) != (test is None):
        raise UsageError("give both pool and test, or neither", where="label_efficiency")
    rules = rules_of(plan, data, pool=pool, test=test, classes=classes)
    material = Material(plan, rules)
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            return _found(material, Path(folder), workers, only, progress)
    home = Path(out)
    home.mkdir(parents=True, exist_ok=True)
    try:
        found = _found(material, home, workers, only, progress)
    except BaseException:
        partial = _read(material, home)
        if partial.results:
            partial.write_tables(home)  # what is there so far can be looked at
        raise
    return found


def _found(
    material: Material, home: Path, workers: int, only: Sequence[str], progress: Progress | None
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
