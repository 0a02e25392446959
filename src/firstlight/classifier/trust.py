"""What a classifier carries so that one can trust it: conformal class sets, and how unlike what it knows."""

from __future__ import annotations

from dataclasses import dataclass

from firstlight.classifier import tensors
from firstlight.classifier.novelty import Novelty
from firstlight.classifier.sets import ClassSets
from firstlight.errors import CheckpointError, FirstlightError


@dataclass(frozen=True, eq=False)
class Trust:
    """The content of ``trust.safetensors``.

    Attributes
    ----------
    sets : ClassSets
    novelty : Novelty
    """

    sets: ClassSets
    novelty: Novelty

    def to_bytes(self) -> bytes:
        """The part as it lies in a checkpoint; `read_trust` reads it back."""
        return tensors.dump({**self.sets.to_tensors(), **self.novelty.to_tensors()})


def read_trust(data: bytes, *, classes: int, numbers: int, where: str) -> Trust:
    """The trust of a classifier of so many classes, and numbers in its embedding and in a row together.

    Raises
    ------
    CheckpointError
        When a tensor is missing, or of a shape that does not fit the classifier.
    """
    found = tensors.parse(data, where=where)
    try:
        trust = Trust(ClassSets.from_tensors(found), Novelty.from_tensors(found))
    except KeyError as error:
        raise CheckpointError(f"tensor {error} is missing", where=where) from None
    except FirstlightError as error:
        raise CheckpointError(f"does not hold together: {error}", where=where) from error
    for what, stated, own in (
        ("classes", trust.sets.least.shape[1], classes),
        ("numbers that novelty reads", len(trust.novelty.projection), numbers),
    ):
        if stated != own:
            raise CheckpointError(f"is for {stated} {what}, the classifier has {own}", where=where)
    return trust
