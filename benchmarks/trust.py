"""Class sets and novelty of a packaged classifier on the test split of its protocol.

    python benchmarks/trust.py --classifier ztf --protocol ztf-5 --data DATA/ztf
    python benchmarks/trust.py --classifier lsst --protocol plasticc-8 --data DATA/plasticc

Prints, by class and number of detections, the share of objects whose class is in the set, and the AUROC with
which novelty tells the objects of the split `other` from those of `test`.
"""

from __future__ import annotations

import argparse

import numpy as np

from firstlight.classifier import load
from firstlight.evaluate import protocol
from firstlight.evaluate.metrics import class_auroc


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
    print("| detections | " + " | ".join(rules.classes) + " | classes in a set |")
    print("|" + "---|" * (len(rules.classes) + 2))
    for detections in (3, 5, 10, None):
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


if __name__ == "__main__":
    main()
