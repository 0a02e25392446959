"""How networks are trained: strategies, every number of a recipe, and the defaults of both ways to train.

Plain values without torch, so that a command line offers what is listed here before anything heavy is loaded.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from firstlight.errors import UnknownNameError, UsageError, whole_number

Preset = Literal["default", "reference"]
PRESETS: tuple[str, ...] = get_args(Preset)
Schedule = Literal["cosine", "constant"]
Strategy = Literal[
    "output",
    "last-two",
    "recurrent-and-output",
    "full",
    "head-first",
    "layer-wise",
    "l2-sp",
    "adapters",
    "bias-norm",
    "auto",
]
STRATEGIES: tuple[str, ...] = get_args(Strategy)


@dataclass(frozen=True)
class Augmentation:
    """What may be changed in each light curve before every epoch; 0 switches a change off.

    Parameters
    ----------
    drop_rows : float
        Largest share of observations dropped; each object draws its own share between 0 and this.
    drop_passband : float
        Chance that an object loses one of its passbands.
    start_late : float
        Chance that an object's first one to three detections are dropped, which shifts the trigger.
    zero_point : float
        Sigma (mag) of one offset for each object and passband.
    noise : float
        Largest noise added, in units of each error; errors grow accordingly.
    dim : float
        Chance that an object's flux is multiplied by a factor between 0.2 and 1 with its errors kept; what
        falls below the survey's threshold is no longer a detection.
    dilation : float
        Largest relative stretch of time about the trigger, either way.
    metadata : float
        Chance that all metadata of an object are masked, and of the others that each known value is.
    """

    drop_rows: float = 0.0
    drop_passband: float = 0.0
    start_late: float = 0.0
    zero_point: float = 0.0
    noise: float = 0.0
    dim: float = 0.0
    dilation: float = 0.0
    metadata: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            top = math.inf if item.name in ("zero_point", "noise") else 1.0
            if not 0 <= value <= top:
                raise UsageError(f"augmentation {item.name} is {value}; it must lie in [0, {top}]")

    @property
    def changes_curves(self) -> bool:
        """Whether any switch but `metadata` is on."""
        return any(getattr(self, item.name) for item in fields(self) if item.name != "metadata")


# Ranges as in the augmentations of Avocado (arXiv:1907.04690) and SuperNNova (arXiv:1901.06384).
STANDARD = Augmentation(
    drop_rows=0.6,
    drop_passband=0.05,
    start_late=0.1,
    zero_point=0.05,
    noise=0.7,
    dim=0.3,
    dilation=0.1,
    metadata=0.5,
)


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Parameters
    ----------
    epochs : int or None
        Times through the labelled objects; None for a number that falls with their count (`epochs_for`).
    draws : int
        Least number of labelled objects drawn an epoch; fewer labels are drawn more than once.
    batch_size : int
    rate : float
        Learning rate of Adam at its highest.
    schedule : {"cosine", "constant"}
        Cosine falls to 0 at the last step.
    weight_decay : float
        Decoupled decay (AdamW); 0 is Adam.
    gradient_norm : float
        Longer gradients are scaled down to this.
    weight_power : float
        Class weights n_c ** -weight_power, from the labels given alone.
    prefixes : bool
        Loss at every observation; else at the last one only.
    prefix_power : float
        A row at position p of length l counts (p / l) ** prefix_power.
    smoothing : float
        Label smoothing.
    augmentation : Augmentation
    replay_ratio : float
        Replayed base objects for each labelled one, where replay is given.
    pull : float
        Strength of the pull back to the base's weights (L2-SP).
    blend : float
        Share of the way from the base's weights to the tuned ones at which the result lies; 1 all of it.
    head_share, later_rate : float
        Strategy "head-first": share of the epochs on the head alone, and the factor on the rate after it.
    validation : float
        Share of the labelled objects held out for early stopping; 0 trains the whole schedule.
    patience : int
        Epochs without an improvement by `min_delta` after which training stops.
    min_delta : float
    members : int or None
        Networks trained from different seeds and averaged; None as many as the base has.
    calibration_folds : int
        Folds of the labels on which calibration, class sets and novelty are fitted out of sample, each with a
        training of its own; below 2 there are none of them.
    """

    epochs: int | None = None
    draws: int = 0
    batch_size: int = 64
    rate: float = 1e-3
    schedule: Schedule = "cosine"
    weight_decay: float = 0.0
    gradient_norm: float = 1.0
    weight_power: float = 0.5
    prefixes: bool = True
    prefix_power: float = 0.5
    smoothing: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    replay_ratio: float = 1.0
    pull: float = 0.0
    blend: float = 1.0
    head_share: float = 0.3
    later_rate: float = 0.3
    validation: float = 0.0
    patience: int = 5
    min_delta: float = 1e-3
    members: int | None = None
    calibration_folds: int = 0

    def __post_init__(self) -> None:
        if self.schedule not in get_args(Schedule):
            raise UnknownNameError("schedule", self.schedule, get_args(Schedule))
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name not in ("schedule", "augmentation") and not isinstance(
                value, (int, float, type(None))
            ):
                raise UsageError(f"{item.name} is {value!r}; it must be a number", where="recipe")
        for name in ("epochs", "batch_size", "members", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} is {value}; it must be at least 1", where="recipe")
        for name in ("epochs", "draws", "batch_size", "patience", "members", "calibration_folds"):
            if getattr(self, name) is not None:
                whole_number(name, getattr(self, name))
        for name in ("validation", "smoothing", "head_share"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; it must lie in [0, 1)", where="recipe")
        if not 0 <= self.blend <= 1:
            raise UsageError(f"blend is {self.blend}; it must lie in [0, 1]", where="recipe")
        for name in ("rate", "gradient_norm"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} is {getattr(self, name)}; it must be above 0", where="recipe")

    def with_(self, **changes: Any) -> Recipe:
        """The recipe with some fields changed; `augmentation` may be a mapping.

        Raises
        ------
        UnknownNameError
            For a field that a recipe does not have.
        """
        known = [item.name for item in fields(self)]
        for name in changes:
            if name not in known:
                raise UnknownNameError("training setting", name, known)
        if isinstance(changes.get("augmentation"), Mapping):
            changes["augmentation"] = Augmentation(**changes["augmentation"])
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain values for JSON."""
        return dataclasses.asdict(self)


# Labels are drawn many times: thinned, with other zero points, and noisier, so that they are not learnt by
# heart (4,000 labels of ztf-5 with replay, other pool objects scored: macro AUROC .970, without this .966).
SEEN_AGAIN = Augmentation(drop_rows=0.5, zero_point=0.05, noise=0.7)
# From scratch there is enough data to hold some out, and the schedule may be cut short.
PRETRAIN = Recipe(epochs=20, batch_size=128, augmentation=STANDARD, smoothing=0.02, validation=0.1)
# With few labels a held-out set stops training at random: the whole schedule, on all labels.
FINE_TUNE = Recipe(augmentation=SEEN_AGAIN)
# Beside replayed base objects every observation counts the same.
FINE_TUNE_REPLAY = FINE_TUNE.with_(epochs=15, draws=640, prefix_power=0.0)
# From scratch on few labels, or from a base that knows little of them: as many gradient steps as bases need.
# What is seen more often is changed more (2,400 labels of simulated LSST from `ztf-sim`, other pool objects:
# macro AUROC .922, with `SEEN_AGAIN` in 30 epochs .916).
LONG = Recipe(
    epochs=45,
    draws=1000,
    rate=2e-3,
    smoothing=0.02,
    augmentation=Augmentation(drop_rows=0.7, zero_point=0.05, noise=1.0),
)


def epochs_for(labels: int) -> int:
    """Epochs of plain fine-tuning: 40 up to 200 labels, 20 at 1,000, 10 from 5,000 (measured)."""
    return int(min(40, max(10, round(40 * (200 / max(labels, 1)) ** 0.43))))


@dataclass(frozen=True)
class Phase:
    """A stretch of training: what moves, for which share of the epochs, at which multiple of the rate.

    Attributes
    ----------
    moving : str
        What `freeze` lets move.
    share, rate : float
    decay : float
        Factor on the rate from each layer to the one below it.
    rank : int
        Rank of the updates of matrices below the head; 0 leaves them free.
    pull : float
        Strength of the pull back to the base where the recipe states none.
    """

    moving: str
    share: float = 1.0
    rate: float = 1.0
    decay: float = 1.0
    rank: int = 0
    pull: float = 0.0


def phases(strategy: str, recipe: Recipe | None = None) -> tuple[Phase, ...]:
    """The phases of a strategy; "head-first" (LP-FT, arXiv:2202.10054) has two, the others one.

    Raises
    ------
    UnknownNameError
        For a strategy that nobody knows.
    """
    if strategy not in STRATEGIES:
        raise UnknownNameError("strategy", strategy, STRATEGIES)
    if strategy == "head-first":
        recipe = recipe or Recipe()
        return Phase("output", recipe.head_share), Phase("full", 1 - recipe.head_share, recipe.later_rate)
    if strategy == "layer-wise":  # arXiv:1801.06146
        return (Phase("full", decay=0.4),)
    if strategy == "l2-sp":  # arXiv:1802.01483
        return (Phase("full", pull=0.01),)
    if strategy == "adapters":  # low-rank updates, arXiv:2106.09685; they need the higher rate
        return (Phase("adapters", rank=4, rate=3.0),)
    return (Phase("full" if strategy == "auto" else strategy),)  # "auto" decides where it starts and ends
