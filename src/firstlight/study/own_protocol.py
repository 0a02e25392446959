"""Light curves of a user's own as a protocol: classes, a test split, and draws of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from firstlight.errors import DataError, UsageError
from firstlight.evaluate import STAGES, Protocol
from firstlight.facts import class_tree
from firstlight.lightcurves import LightCurves
from firstlight.readers import read_table

TEST_SHARE = 0.3
_OWN_KEYS = ("photometry", "objects", "test_photometry", "test_objects", "test_share", "classes")


def own_protocol(
    pool: LightCurves,
    test: LightCurves,
    *,
    budgets: Sequence[str],
    draws: int,
    classes: Sequence[str] | None = None,
    metadata: Sequence[str] = (),
    name: str = "own",
) -> Protocol:
    """A protocol of labelled light curves.

    Budgets are drawn class by class, one object of each at least, and nested within a draw. Labels are
    summed up the class tree to `classes`; what stands under none of them is left out.

    Parameters
    ----------
    pool, test : LightCurves
        With a column ``label`` of the objects.
    budgets : sequence of str
        Numbers of labels, shares such as ``"10%"``, or ``"all"``.
    draws : int
    classes : sequence of str, optional
        The labels of the pool by default.
    """
    given = [str(label) for label in pool.column("label") if label is not None]
    order = tuple(classes) if classes is not None else tuple(sorted(set(given)))
    curves = {"pool": _labelled(pool, order, metadata), "test": _labelled(test, order, metadata)}
    shared = set(curves["pool"].object_id) & set(curves["test"].object_id)
    if shared:
        raise DataError(
            f"{len(shared)} objects are in the pool and in the test split, e.g. '{sorted(shared)[0]}'",
            where=name,
        )
    used = (pool.bands[code] for code in np.unique(pool.passband[pool.usable]))
    bands = [band.name for band in sorted(used, key=lambda band: band.wavelength_um)]
    return Protocol(
        name=name,
        classes=order,
        curves=curves,
        draws=_draws(curves["pool"], order, budgets, draws, name),
        metadata=tuple(metadata),
        features="detections" if len(bands) == 2 else "flux",
        passbands=tuple(bands),
        reach_needed=False,
        stages=STAGES,
    )


def read_own(
    data: Mapping[str, Any],
    folder: Path | None,
    *,
    budgets: Sequence[str],
    draws: int,
    metadata: Sequence[str],
    name: str,
) -> Protocol:
    """The protocol of the ``[data]`` table of a study; its paths are relative to `folder`."""
    if "photometry" not in data:
        raise UsageError(
            "no light curves: neither a protocol nor [data] with 'photometry'",
            where=name,
            hint="Say protocol = 'ztf-5', or name a table.",
        )
    home = folder or Path()
    options = {key: value for key, value in data.items() if key not in _OWN_KEYS}
    pool = _read(home, data["photometry"], data.get("objects"), options)
    if "test_photometry" in data:
        test = _read(home, data["test_photometry"], data.get("test_objects"), options)
    else:
        pool, test = _cut(pool, float(data.get("test_share", TEST_SHARE)))
    return own_protocol(
        pool,
        test,
        budgets=budgets,
        draws=draws,
        classes=data.get("classes"),
        metadata=metadata,
        name=name,
    )


def _read(home: Path, photometry: str, objects: str | None, options: Mapping[str, Any]) -> LightCurves:
    beside = None if objects is None else home / objects
    return read_table(home / photometry, objects=beside, **options)


def _cut(curves: LightCurves, share: float) -> tuple[LightCurves, LightCurves]:
    """Pool and test: every class cut in the same shares, always in the same way."""
    if not 0 < share < 1:
        raise UsageError(f"test_share is {share}; it must lie between 0 and 1")
    labels = np.array([str(label) for label in curves.column("label")])
    rng, tested = np.random.default_rng(0), np.zeros(len(curves), bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        tested[members[: max(1, round(share * members.size))]] = True
    return curves.take(np.flatnonzero(~tested)), curves.take(np.flatnonzero(tested))


def _labelled(curves: LightCurves, classes: tuple[str, ...], metadata: Sequence[str]) -> LightCurves:
    """The objects of these classes that have all metadata, labelled with the names of the classes."""
    labels = class_tree().collapse_labels(curves.column("label"), classes)
    kept = np.array([label is not None for label in labels], bool)
    for column in metadata:
        kept &= np.isfinite(np.asarray(curves.column(column), np.float64))
    return curves.with_labels(labels).take(np.flatnonzero(kept))


def _draws(
    pool: LightCurves, classes: tuple[str, ...], budgets: Sequence[str], draws: int, name: str
) -> dict[tuple[str, int], tuple[str, ...]]:
    labels, ids = np.array(pool.column("label"), str), np.array(pool.object_id, str)
    found = {}
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        orders = [rng.permutation(np.sort(ids[labels == one])) for one in classes]
        for budget in budgets:
            if budget == "all":
                continue
            share = _share(budget, len(pool), name)
            chosen = [order[: max(1, round(share * order.size))] for order in orders]
            found[budget, draw] = tuple(str(one) for one in np.concatenate(chosen))
    return found


def _share(budget: str, number: int, name: str) -> float:
    try:
        share = float(budget[:-1]) / 100 if budget.endswith("%") else int(budget) / number
    except ValueError:
        raise UsageError(
            f"'{budget}' is no budget", where=name, hint="Say a number, a share such as '10%', or 'all'."
        ) from None
    if not 0 < share <= 1:
        raise UsageError(f"budget {budget} of a pool of {number:,} labels", where=name)
    return share
