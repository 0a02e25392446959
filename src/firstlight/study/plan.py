"""What a study compares: arms, label budgets, draws and stages, as frozen values or from a TOML file."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from firstlight.errors import UnknownNameError, UsageError, whole_number
from firstlight.evaluate import FULL, Stage

Kind = Literal["zero-shot", "scratch", "fine-tune", "features", "embedding", "average"]
KINDS: tuple[str, ...] = get_args(Kind)
RECIPES = ("", "reference")
PRIORS = ("", "flat", "shares")
REPLAYS = (False, True, "carried")
NO_LABELS = "none"  # the budget of arms that see no label


@dataclass(frozen=True)
class Arm:
    """One way to a classifier.

    Parameters
    ----------
    name : str
        Its name in tables and figures.
    kind : {"zero-shot", "scratch", "fine-tune", "features", "embedding", "average"}
        A base as it is; a network from scratch; a base fine-tuned; hand-made features and boosting; these
        features beside what a base makes of the light curves (embedding and probabilities), boosted; or
        the mean log probability of other arms.
    base : str
        Packaged name or path of the base; that of the study by default.
    strategy : str
        Of fine-tuning (`firstlight.learn.STRATEGIES`).
    replay : bool or "carried"
        Whether simulated light curves are mixed in: those of the study, else those that the base carries;
        "carried" for these in any case.
    preset : str
        Network of kind "scratch": "default" or "reference".
    recipe : {"", "reference"}
        "reference" trains as arXiv:2502.18558 does: whole light curves, full inverse class weights,
        constant rate, a tenth of the labels for early stopping.
    prior : {"", "flat", "shares"}
        Class shares that kind "zero-shot" expects: its own, equal ones, or those of the pool.
    of : tuple of str
        Names of the arms that kind "average" averages.
    metadata : tuple of str or None
        Metadata that this arm sees, of those of the study; None for all of them.
    hidden : tuple of str
        Metadata that it learns from and is not told when it is tested.
    seeds : int or None
        Trainings whose probabilities are averaged: an ensemble. By default 1, and 3 for trees on
        features of detections (the opponent of ztf-5).
    settings : mapping
        Fields of the recipe, ``sizes`` of a network from scratch, or fields of the boosted trees, their
        ``booster`` ("auto", "lightgbm", "scikit-learn", "forest") and, of kind "embedding", further bases
        ``beside`` the first.
    """

    name: str
    kind: str
    base: str = ""
    strategy: str = "full"
    replay: bool | str = False
    preset: str = "default"
    recipe: str = ""
    prior: str = ""
    of: tuple[str, ...] = ()
    metadata: tuple[str, ...] | None = None
    hidden: tuple[str, ...] = ()
    seeds: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        where = f"arm '{self.name}'"
        for what, value, known in (
            ("kind of arm", self.kind, KINDS),
            ("recipe", self.recipe, RECIPES),
            ("prior", self.prior, PRIORS),
            ("replay", self.replay, REPLAYS),
        ):
            if value not in known:
                raise UnknownNameError(what, value, [str(name) for name in known if name], where=where)
        if (self.kind == "average") != bool(self.of):
            raise UsageError("'of' names the arms of an average", where=where)
        if self.seeds is not None:
            whole_number("seeds", self.seeds, 1)

    @property
    def needs_base(self) -> bool:
        """Whether it starts from a trained classifier."""
        return self.kind in ("zero-shot", "fine-tune", "embedding")

    @property
    def bases(self) -> tuple[str, ...]:
        """Names or paths of all classifiers that it starts from."""
        return (self.base, *self.settings.get("beside", ())) if self.base else ()

    @property
    def is_network(self) -> bool:
        """Whether it trains a network, so that its convergence can be followed."""
        return self.kind in ("scratch", "fine-tune")


def file_name(name: str) -> str:
    """A name as a part of a file name."""
    return re.sub(r"[^\w.+-]+", "-", name.replace("%", "pc"))


@dataclass(frozen=True)
class Convergence:
    """Which trainings are followed epoch by epoch, on a part of their labels that is held out.

    These are runs of their own, beside those that are scored: early stopping and held-out labels would change
    the results.
    """

    budgets: tuple[str, ...] = ()
    draws: int = 3
    share: float = 0.2
    arms: tuple[str, ...] = ()  # none named: every arm that trains a network


@dataclass(frozen=True)
class Study:
    """A whole study.

    Parameters
    ----------
    arms : tuple of Arm
    budgets : tuple of str
        Numbers of labels, shares ("10%") or "all"; those of the protocol by default. Arms of kind
        "zero-shot" have no budget.
    name : str
    protocol : str
        "ztf-5" or "plasticc-8"; empty for light curves of one's own.
    data : mapping
        For light curves of one's own: ``photometry`` and, if there is one, ``objects`` (tables, relative to
        the data folder), ``test_photometry`` and ``test_objects`` or else ``test_share``, ``classes``, and
        the options of ``firstlight.read_table``.
    draws : int
        Draws of the labels (training seeds where all labels are used).
    stages : tuple of Stage
        When to score; the full light curve must be among them.
    splits : tuple of str
        "test", and for plasticc-8 also "wide".
    metadata : tuple of str
        Columns beside the light curves; only objects that have them take part.
    base : str
        Default base of the arms.
    replay : tuple of str
        Folders of simulated light curves (`firstlight simulate`); a single one may be given as a string.
    convergence : Convergence
    resamples : int
        Resamples of the test objects behind the intervals.
    shown : tuple of str
        Arms in the figures; by default all, or the best of each kind where they are many.
    """

    arms: tuple[Arm, ...]
    budgets: tuple[str, ...] = ()
    name: str = "study"
    protocol: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    draws: int = 5
    stages: tuple[Stage, ...] = (FULL,)
    splits: tuple[str, ...] = ("test",)
    metadata: tuple[str, ...] = ()
    base: str = ""
    replay: tuple[str, ...] = ()
    convergence: Convergence = Convergence()
    resamples: int = 300
    shown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        whole_number("draws", self.draws, 1)
        whole_number("resamples", self.resamples)
        whole_number("draws", self.convergence.draws, 1)
        names = [arm.name for arm in self.arms]
        if not names or len(set(names)) < len(names):
            raise UsageError("give arms, each with a name of its own", where=self.name)
        files = {file_name(name) for name in names}
        if len(files) < len(names):
            raise UsageError("two arms have names that give the same file name", where=self.name)
        if FULL not in self.stages:
            raise UsageError("the stages lack 'full', on which verdicts rest", where=self.name)
        object.__setattr__(self, "arms", tuple(self._completed(arm) for arm in self.arms))
        for name in (*self.convergence.arms, *self.shown):
            self.arm(name)

    def _completed(self, arm: Arm) -> Arm:
        where = f"arm '{arm.name}'"
        if arm.needs_base and not (arm.base or self.base):
            raise UsageError("needs a base", where=where, hint="Say base = 'reference', or the path of one.")
        if arm.replay and arm.kind != "fine-tune":
            raise UsageError(f"an arm of kind '{arm.kind}' replays nothing", where=where)
        metadata = self.metadata if arm.metadata is None else arm.metadata
        for name in (*metadata, *arm.hidden):
            if name not in self.metadata:
                raise UnknownNameError("metadata of the study", name, self.metadata, where=where)
        for name in arm.of:
            other = self.arm(name)
            if other.kind == "average":
                raise UsageError(f"'{name}' is an average itself", where=where)
        base = (arm.base or self.base) if arm.needs_base else ""
        return dataclasses.replace(arm, base=base, metadata=tuple(metadata))

    def arm(self, name: str) -> Arm:
        """The arm of this name."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise UnknownNameError("arm", name, [arm.name for arm in self.arms], where=self.name)

    def from_scratch(self, arm: Arm) -> bool:
        """Whether an arm knows nothing but the labels of its budget."""
        if arm.kind == "average":
            return all(self.from_scratch(self.arm(name)) for name in arm.of)
        return arm.kind in ("scratch", "features")

    def to_dict(self) -> dict[str, Any]:
        """The study as plain values for JSON, every default written out."""
        return {**dataclasses.asdict(self), "stages": [stage.name for stage in self.stages]}


def read_study(source: str | Path | Mapping[str, Any]) -> Study:
    """The study of a TOML file, or of its content as a mapping.

    Raises
    ------
    UnknownNameError
        For a key that is none, with the nearest one.
    UsageError
        For what is no TOML, and for values that do not fit.
    """
    if isinstance(source, Mapping):
        return _study(dict(source), "study")
    path = Path(source)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"is no TOML: {error}", where=str(path)) from None
    return _study({"name": path.stem, **content}, str(path))


def _study(values: dict[str, Any], where: str) -> Study:
    _known(values, Study, where)
    if "arms" not in values:
        raise UsageError("names no arms", where=where, hint="Write a table [[arms]] for each.")
    if "stages" in values:
        values["stages"] = tuple(Stage.named(name) for name in _listed(values["stages"], where, "stages"))
    if "budgets" in values:
        budgets = _listed(values["budgets"], where, "budgets")
        values["budgets"] = tuple(str(name) for name in budgets if str(name) != NO_LABELS)
    for name in ("splits", "metadata", "shown"):
        if name in values:
            values[name] = tuple(_listed(values[name], where, name))
    if isinstance(values.get("replay"), str):
        values["replay"] = [values["replay"]]
    values["replay"] = tuple(_listed(values.get("replay", ()), where, "replay"))
    followed = dict(values.get("convergence", {}))
    _known(followed, Convergence, f"{where}: convergence")
    followed["budgets"] = tuple(str(name) for name in followed.get("budgets", ()))
    followed["arms"] = tuple(followed.get("arms", ()))
    values["convergence"] = Convergence(**followed)
    values["arms"] = tuple(_arm(dict(arm), where) for arm in values["arms"])
    return Study(**values)


def _arm(values: dict[str, Any], where: str) -> Arm:
    _known(values, Arm, f"{where}: arm '{values.get('name', '')}'")
    for name in ("name", "kind"):
        if name not in values:
            raise UsageError(f"an arm has no {name}", where=where)
    for name in ("of", "metadata", "hidden"):
        if name in values:
            values[name] = tuple(_listed(values[name], where, name))
    return Arm(**values)


def _known(values: Mapping[str, Any], kind: type[Any], where: str) -> None:
    known = [item.name for item in fields(kind)]
    for name in values:
        if name not in known:
            raise UnknownNameError("key", name, known, where=where)


def _listed(value: Any, where: str, name: str) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise UsageError(f"'{name}' is {value!r}; it must be a list", where=where)
    return value
