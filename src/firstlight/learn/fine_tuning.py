"""Fine-tuning: a base classifier adapted to labelled light curves of another survey or other classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import torch

from firstlight.classifier import Classifier, load
from firstlight.classifier.checkpoint import REPLAY
from firstlight.errors import whole_number
from firstlight.learn import auto, training_labels
from firstlight.learn.cards import Learnt, card_settings
from firstlight.learn.cross_validation import held_out_score
from firstlight.learn.fitting import Training, replay_pool
from firstlight.learn.networks import NetworkConfig, Weights, match_head, split_members
from firstlight.learn.publishing import (
    named_after,
    reading_only,
    refuse_folder,
    seen_passbands,
    train_classifier,
)
from firstlight.learn.recipe import FINE_TUNE, FINE_TUNE_REPLAY, Recipe, epochs_for, phases
from firstlight.learn.replay import carried, carry
from firstlight.learn.training import Progress
from firstlight.learn.training_labels import LabelMap
from firstlight.lightcurves import LightCurves


def fine_tune(
    base: str | Path | Classifier,
    curves: LightCurves,
    *,
    classes: Sequence[str] | None = None,
    overlapping: bool = False,
    strategy: str | None = None,
    replay: LightCurves | Literal[False] | None = None,
    keep: int = 0,
    labels: LabelMap | None = None,
    scheme: str | None = None,
    recipe: Recipe | None = None,
    name: str | None = None,
    seed: int = 0,
    run: str | Path | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    about: str = "",
    source: Sequence[str | Path] = (),
    score: bool = True,
    report: list[str] | None = None,
    progress: Progress | None = None,
    device: str = "cpu",
    **settings: Any,
) -> Classifier:
    """The base classifier adapted to labelled light curves; it reads their passbands beside its own.

    The result expects the classes in the shares that they have among the labels; `Classifier.classify` takes
    other ``priors``.

    Parameters
    ----------
    base : str, Path or Classifier
        A packaged name, the path of a checkpoint, or a loaded classifier.
    curves : LightCurves
        With a column `label` of the objects; those without a label are counted and left out.
    classes : sequence of str, optional
        Classes of the result. By default those of the base and of the labels, without those that another one
        holds: no object can be an SN Ia and not one, so finer labels and finer classes of the base count for
        the coarser label. What became of each label stands in `report` and in the card.
    overlapping : bool
        Let one class hold another, where the coarser label means the rest (``SN Ia`` beside
        ``SN Ia-91bg-like`` in PLAsTiCC).
    strategy : str, optional
        By default "auto" where light curves are replayed or the base carries some, else "full". What moves;
        everything else stays bit-identical. "full", "output", "last-two", "recurrent-and-output";
        "bias-norm" and "adapters" (low-rank updates of the matrices) move little of every layer;
        "head-first", "layer-wise" (lower layers slower) and "l2-sp" (pulled back to the base) move everything
        with care; "auto" also decides, from the labels, where to start and how far from the base to stop, and
        may train longer than the recipe says (`LONG`), on all that was measured, with members from scratch.
    replay : LightCurves or False, optional
        Labelled light curves of the base, mixed in so that what they taught is not forgotten. By default
        those that the base carries, where it knows the passbands of most observations here; False for none.
    keep : int
        Replayed light curves that the result carries, to be tuned again; 0 for those that the base carries.
    labels, scheme : optional
        How the labels are spelt (`firstlight.learn.read_names`).
    recipe : Recipe, optional
        By default `FINE_TUNE`, or `FINE_TUNE_REPLAY` with replay.
    name : str, optional
        Name of the result; by default that of the folder `out`.
    seed : int
        Same seed, same weights (with the same number of threads).
    run : path, optional
        Folder that keeps the state after every epoch; called again, training goes on where it stopped.
    out : path, optional
        Folder to which the checkpoint is written. One that holds a classifier is refused before the training.
    overwrite : bool
        Replace the classifier in `out`.
    about : str
        Markdown for its card: whose light curves, what was measured, what to beware of.
    source : sequence of path
        Files that the light curves were read from; the card names them with their hashes.
    score : bool
        Train once more without a fifth of the labels, for the score in the card. False saves the time.
    report : list of str, optional
        Gains a line for each label, the class that it counts for and its objects, before the training.
    progress : callable, optional
        Called with a row of the history after every epoch.
    device : str
        Where torch computes.
    **settings
        Single fields of the recipe, e.g. ``epochs=5``.

    Raises
    ------
    TrainingError
        When there are too few labels, or a label may be several classes that base and labels tell apart.
    UsageError
        When `out` holds something, or one of `classes` holds another.
    UnknownNameError
        For a label, class, strategy or setting that nobody knows.

    Examples
    --------
    >>> tuned = fine_tune("reference", labelled, epochs=5)  # doctest: +SKIP
    >>> tuned.save("my-classifier")  # doctest: +SKIP
    """
    seed, keep = whole_number("seed", seed), whole_number("keep", keep)
    if strategy is not None:
        phases(strategy)  # refuse an unknown name before any work
    refuse_folder(out, run, overwrite=overwrite)
    base = base if isinstance(base, Classifier) else load(base)
    replayed = _replayed(base, replay, curves, labels=labels, scheme=scheme)
    carries = REPLAY in base.checkpoint.extras and replay is not False
    strategy = strategy or ("full" if replayed is None and not carries else "auto")
    chosen = (recipe or (FINE_TUNE if replayed is None else FINE_TUNE_REPLAY)).with_(**settings)
    names = training_labels.read_names(curves, labels=labels, scheme=scheme)
    own = training_labels.tuned_classes(base.classes, names, classes, overlapping=overlapping)
    known = training_labels.index(names, own)
    told = training_labels.label_lines(names, known, base.classes)
    joined = classes is None and any(name is not None and name not in own for name in names)
    training_labels.tell(told, report, warn=joined)
    training_labels.require(known, least=1 if strategy in ("output", "auto") else None)
    old = None if replayed is None else training_labels.index(replayed.names, known.classes)
    mixed_in = None if replayed is None else _as_unknown(replayed.curves, curves, base.preparation.metadata)
    learnt_from: list[Classifier | LightCurves | None] = [base, curves, mixed_in]
    preparation = reading_only(base.preparation, seen_passbands(*learnt_from))
    training = Training(
        curves=curves,
        labels=known,
        preparation=preparation,
        recipe=chosen,
        epochs=chosen.epochs or epochs_for(int((known.target >= 0).sum())),
        strategy=strategy,
        replay=None if old is None or mixed_in is None else replay_pool(mixed_in, old, preparation, chosen),
        start_shares=auto.expected_shares(base, known.classes),
    )
    config, starts = start_from(base, known.classes, chosen.members)
    reasons: dict[str, Any] = {}
    if strategy == "auto":
        decision = auto.decide(training, config, starts, base, seed=seed, device=device)
        training, starts, reasons = decision.training, decision.starts, {"auto": decision.reasons}
    details = {
        "replay": None if old is None else old.counts,
        "base": {"name": base.name, "version": base.version, "hash": base.hash},
        "strategy": strategy,
        **reasons,
    }
    learnt = Learnt.of(
        curves,
        known,
        source=source,
        label_lines=told,
        held_out=held_out_score(training, config, starts, seed=seed, device=device) if score else None,
        warnings=_beware(training, base, curves),
    )
    rows = "every observation" if training.recipe.prefixes else "the last observation"
    return train_classifier(
        training,
        config,
        starts,
        kind="fine-tuning",
        details=details,
        learnt_from=learnt_from,
        replay=_carried_on(base, replayed, training, keep, seed),
        # Weights and replay make the network expect other shares than the labels have; these are restored.
        prior=training.label_shares(),
        name=name or named_after(out, "fine-tuned"),
        summary=f"Fine-tuned from `{base.name}` (version {base.version}, hash {base.hash[:12]}).",
        settings=card_settings(
            f"strategy {strategy}, {training.epochs} epochs, seed {seed}",
            training.recipe,
            f"cross-entropy at {rows}, class weights n^-{training.recipe.weight_power:g}",
        ),
        notes=_notes(training, details),
        learnt=learnt,
        about=about,
        seed=seed,
        run=run,
        out=out,
        progress=progress,
        device=device,
    )


class _Replayed(NamedTuple):
    """Light curves that are replayed, and the names of their classes."""

    curves: LightCurves
    names: list[str | None]


def _replayed(
    base: Classifier,
    replay: LightCurves | Literal[False] | None,
    curves: LightCurves,
    *,
    labels: LabelMap | None,
    scheme: str | None,
) -> _Replayed | None:
    """The light curves given, else those that the base carries, whose labels are spelt as TNS does.

    Those of a survey with other passbands are no help (1,000 labels of simulated LSST and `ztf-sim`: macro
    AUROC .859 with them, .868 without).
    """
    if replay is False:
        return None
    if replay is not None:
        return _Replayed(replay, training_labels.read_names(replay, labels=labels, scheme=scheme))
    own = carried(base)
    if own is None or _is_far(base, curves):
        return None
    return _Replayed(own, training_labels.read_names(own))


def _is_far(base: Classifier, curves: LightCurves) -> bool:
    """Whether most observations are in passbands that the base does not know."""
    known = [base.preparation.reads(band) is not None for band in curves.bands]
    read = np.array([*known, False])[curves.passband]
    return bool(2 * np.count_nonzero(read & curves.usable) < np.count_nonzero(curves.usable))


def _as_unknown(replayed: LightCurves, labelled: LightCurves, metadata: Sequence[str]) -> LightCurves:
    """The replayed light curves without metadata that no labelled one has: they must be no easier to tell."""
    objects = replayed.objects
    for name in set(metadata) & set(objects.column_names):
        there = name in labelled.objects.column_names
        if not (there and np.isfinite(np.asarray(labelled.column(name), np.float64)).any()):
            unknown = pa.nulls(len(objects), objects.schema.field(name).type)
            objects = objects.set_column(objects.column_names.index(name), name, unknown)
    return dataclasses.replace(replayed, objects=objects)


def _carried_on(
    base: Classifier, replayed: _Replayed | None, training: Training, keep: int, seed: int
) -> bytes | None:
    """What the result carries to be replayed again: `keep` of what was given, else what the base carries."""
    if replayed is not None and keep:
        return carry(replayed.curves, replayed.names, training.preparation, count=keep, seed=seed)
    return base.checkpoint.extras.get(REPLAY)


def start_from(
    base: Classifier, classes: Sequence[str], members: int | None
) -> tuple[NetworkConfig, list[Weights]]:
    """The sizes of one member, and the tensors from which each starts: the base's, its head matched by name.

    Member k starts from the base's member k, or again from its first ones where it has fewer.
    """
    whole = NetworkConfig.from_dict(base.checkpoint.config["network"])
    weights = {key: torch.tensor(value) for key, value in base.checkpoint.weights.items()}
    alone = split_members(weights, whole)
    config = dataclasses.replace(whole, classes=len(classes), members=1)
    starts: list[Weights] = []
    for k in range(members or len(alone)):
        start = dict(alone[k % len(alone)])
        start["output.weight"], start["output.bias"] = match_head(
            start["output.weight"], start["output.bias"], base.classes, classes
        )
        starts.append(start)
    return config, starts


def _beware(training: Training, base: Classifier, curves: LightCurves) -> list[str]:
    """What the card warns of beside small classes."""
    told = []
    if _is_far(base, curves):
        told.append("Most observations are in passbands that the base does not know: it helped little.")
    absent = [one for one, count in training.labels.counts.items() if not count]
    if absent:
        told.append(f"No label of {', '.join(absent)}: what is said of these comes from the base alone.")
    return told


def _notes(training: Training, details: Mapping[str, Any]) -> list[str]:
    """What the card says about the labels, what "auto" decided, and what was replayed."""
    labels, notes = training.labels, []
    absent = [one for one, count in labels.counts.items() if not count]
    if absent:
        notes.append(f"Without labels, kept from the base: {', '.join(absent)}.")
    if labels.unlabelled or labels.outside:
        notes.append(
            f"Left out: {labels.unlabelled:,} objects without a label, "
            f"{labels.outside:,} of classes outside these."
        )
    if training.without_rows:
        notes.append(
            f"{training.without_rows:,} labelled objects have no detection that the classifier reads."
        )
    if "auto" in details:
        notes.append(_decision(details["auto"]))
    if details["replay"]:
        notes.append(f"Replayed beside them: {sum(details['replay'].values()):,} labelled base light curves.")
    return notes


def _decision(reasons: Mapping[str, Any]) -> str:
    """What "auto" decided, in words."""
    if reasons.get("long"):
        return (
            "A long training: better than any shorter one from the base (cross-validated). Networks that "
            "start from the base and from scratch are averaged."
        )
    return f"The weights lie {reasons['blend']:.0%} of the way from the base ({reasons['by']})."
