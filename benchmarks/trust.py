"""Calibration, class sets and novelty of a packaged classifier on the test split of its protocol.

    python benchmarks/trust.py --classifier ztf --protocol ztf-5 --data DATA/ztf
    python benchmarks/trust.py --classifier lsst --protocol plasticc-8 --data DATA/plasticc

Prints the expected calibration error by number of detections, and what a perfectly calibrated classifier of
the same probabilities would have on as many objects (chance alone gives some: it is never negative);
by class and number of detections the share of objects whose class is in the set; and the AUROC with which
novelty tells the objects of the split `other` from those of `test`.
"""

from __future__ import annotations

import argparse

import numpy as np

from firstlight.classifier import load
from firstlight.evaluate import protocol
from firstlight.evaluate.metrics import class_auroc, ece, fill_unanswered

WHEN = (3, 5, 10, None)  # detections; None for all there are
REPEATS = 50


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--classifier", default="ztf")
    parser.add_argument("--protocol", default="ztf-5")
    parser.add_argument("--data", help="folder of the protocol's data (default: below $FIRSTLIGHT_DATA)")
    parser.add_argument("--coverage", type=float, default=0.9)
    options = parser.parse_args()
    rules, classifier = protocol(options.protocol, options.data), load(options.classifier)
    known = classifier.classify(rules.test, novelty=True)
    truth = rules.truth(rules.test)
    place = [classifier.classes.index(name) for name in rules.classes]
    print("| detections | calibration error | of a perfect one, 95 % |\n|---|---|---|")
    for detections in WHEN:
        answers = known.final() if detections is None else known.at(detections=detections)
        values = fill_unanswered(np.asarray(answers, np.float64))
        low, high = perfect(values)
        found = ece(truth, values[:, place])
        print(f"| {detections or 'all'} | {found:.3f} | {low:.3f}-{high:.3f} |")
    print("\n| detections | " + " | ".join(rules.classes) + " | classes in a set |")
    print("|" + "---|" * (len(rules.classes) + 2))
    for detections in WHEN:
        if detections is None:
            sets = known.final_sets(options.coverage)
        else:
            sets = known.sets_at(options.coverage, detections=detections)
        held = [sets[truth == k, place[k]].mean() for k in range(len(place))]
        shares = " | ".join(f"{share:.3f}" for share in held)
        print(f"| {detections or 'all'} | {shares} | {sets.sum(axis=1).mean():.2f} |")
    other = classifier.classify(rules.curves["other"], novelty=True)
    scores = [np.asarray(one.final_novelty(), np.float64) for one in (known, other)]
    scores = [one[np.isfinite(one)] for one in scores]
    labels = np.repeat([0, 1], [len(one) for one in scores])
    both = np.concatenate(scores)
    print(
        f"\nnovelty, `other` against `test`: AUROC {class_auroc(labels, np.stack([-both, both], 1))[1]:.3f}"
    )


def perfect(values: np.ndarray) -> tuple[float, float]:
    """Calibration error where the truth is drawn from the probabilities themselves: 95 % of the draws."""
    rng = np.random.default_rng(0)
    sums = values.cumsum(axis=1)
    errors = []
    for _ in range(REPEATS):
        drawn = (sums < rng.random((len(values), 1)) * sums[:, -1:]).sum(axis=1)
        errors.append(ece(drawn, values))
    return float(np.quantile(errors, 0.025)), float(np.quantile(errors, 0.975))


if __name__ == "__main__":
    main()
