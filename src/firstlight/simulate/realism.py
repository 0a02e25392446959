"""How far simulated light curves are from real ones: a classifier is told to separate the two.

Features are taken from detections in g and r between the trigger and 200 d later. The measure is the cross-
validated AUC of gradient boosting: 0.5 when nobody can tell, 1.0 when everybody can. Compare only after the
selection that the real objects went through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstlight._types import AnyArray, Floats
from firstlight.errors import MissingExtraError, whole_number

GROUPS: dict[str, tuple[str, ...]] = {
    "magnitudes": ("peak_g", "peak_r"),
    "cadence": ("detections", "span", "interval", "both_bands", "share_g", "night_repeats"),
    "errors": ("error_g", "error_r", "scatter"),
    "colours": ("colour_0", "colour_10", "colour_20", "colour_40"),
    "shape": (
        "first_minus_peak_r", "first_minus_peak_g", "last_minus_peak_r", "last_minus_peak_g",
        "rise_days", "fall_days", "to_peak", "from_peak", "slope_start", "slope_end", "decline_15_r",
        "decline_30_r", "decline_15_g", "decline_30_g",
    ),
}  # fmt: skip
FEATURES = tuple(name for names in GROUPS.values() for name in names)


def _slope(time: Floats, mag: Floats) -> float:
    if len(time) < 3 or np.ptp(time) < 2.0:
        return np.nan
    t = time - time.mean()
    return float((t * (mag - mag.mean())).sum() / (t * t).sum())


def _at(when: float, time: Floats, mag: Floats) -> float:
    """Interpolated magnitude at `when`, NaN more than 4 d outside the data or in a gap over 16 d."""
    if not len(time) or when < time[0] - 4.0 or when > time[-1] + 4.0:
        return np.nan
    i = int(np.searchsorted(time, when))
    if 0 < i < len(time) and time[i] - time[i - 1] > 16.0:
        return np.nan
    return float(np.interp(when, time, mag))


def _crossing(time: Floats, mag: Floats, level: float) -> float:
    """Days from the first element until the curve is fainter than `level`; NaN if it never is."""
    below = np.flatnonzero(mag > level)
    if not len(below) or below[0] == 0:
        return np.nan
    i = below[0]
    return float(abs(np.interp(level, [mag[i - 1], mag[i]], [time[i - 1], time[i]]) - time[0]))


def features(time: Floats, band: AnyArray, mag: Floats, err: Floats) -> Floats:
    """The numbers of one object, in the order of `FEATURES`.

    Parameters
    ----------
    time, mag, err : float64 [n]
        Detections, sorted by time (days).
    band : [n]
        ``"g"`` or ``"r"``.
    """
    out = dict.fromkeys(FEATURES, np.nan)
    night = np.floor(time - 0.2)
    r, g = band == "r", band == "g"
    peak_time = time[r][mag[r].argmin()] if r.any() else time[mag.argmin()]
    out["detections"], out["span"] = len(time), time[-1] - time[0]
    nights = np.unique(night)
    out["interval"] = float(np.median(np.diff(nights))) if len(nights) > 1 else np.nan
    out["both_bands"] = len(np.intersect1d(night[g], night[r])) / len(nights)
    out["share_g"] = g.mean()
    out["night_repeats"] = 1.0 - (len(np.unique(night[g])) + len(np.unique(night[r]))) / len(time)
    for name, mine in (("g", g), ("r", r)):
        if not mine.any():
            continue
        t, m = time[mine], mag[mine]
        i = int(m.argmin())
        out[f"peak_{name}"], out[f"error_{name}"] = m[i], err[mine][i]
        if i > 0:
            out[f"first_minus_peak_{name}"] = m[0] - m[i]
        if i < len(m) - 1:
            out[f"last_minus_peak_{name}"] = m[-1] - m[i]
        for days in (15.0, 30.0):
            out[f"decline_{days:.0f}_{name}"] = _at(t[i] + days, t, m) - m[i]
    t, m = (time[r], mag[r]) if r.sum() >= g.sum() else (time[g], mag[g])
    i = int(m.argmin())
    out["to_peak"], out["from_peak"] = t[i] - t[0], t[-1] - t[i]
    out["fall_days"] = _crossing(t[i:], m[i:], m[i] + 0.7526)
    out["rise_days"] = _crossing(t[i::-1], m[i::-1], m[i] + 0.7526)
    out["slope_start"] = _slope(t[t <= t[0] + 10], m[t <= t[0] + 10])
    out["slope_end"] = _slope(t[t >= t[-1] - 20], m[t >= t[-1] - 20])
    if len(t) >= 5:
        middle = np.interp(t[1:-1], t[::2], m[::2]) - m[1:-1]
        out["scatter"] = float(np.median(np.abs(middle)))
    for days in (0.0, 10.0, 20.0, 40.0):
        when = peak_time + days
        out[f"colour_{days:.0f}"] = _at(when, time[g], mag[g]) - _at(when, time[r], mag[r])
    return np.array([out[name] for name in FEATURES])


@dataclass(frozen=True)
class TwoSample:
    """AUC of real against simulated: all features, each group alone; and the importance of features."""

    auc: float
    groups: dict[str, float]
    importance: dict[str, float]
    n_each: int
    draws: int


def two_sample(
    real: Floats, simulated: Floats, *, seed: int = 0, most: int = 600, detail: bool = True
) -> TwoSample:
    """Cross-validated AUC of a classifier told to separate rows of features, `real` from `simulated`."""
    seed = whole_number("seed", seed) % 2**32  # as large as scikit-learn takes it
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.inspection import permutation_importance
        from sklearn.metrics import roc_auc_score
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
        from threadpoolctl import threadpool_limits
    except ImportError:
        raise MissingExtraError("scikit-learn", "study", where="simulate realism") from None
    rng = np.random.default_rng(seed)
    n = min(len(real), len(simulated), most)
    leaf = int(np.clip(n // 20, 3, 20))
    y = np.repeat([1, 0], n)
    model = HistGradientBoostingClassifier(
        max_iter=120,
        learning_rate=0.08,
        max_leaf_nodes=12,
        l2_regularization=1.0,
        min_samples_leaf=leaf,
        random_state=seed,
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)

    def drawn() -> Floats:
        x = np.vstack([real[rng.permutation(len(real))[:n]], simulated[rng.permutation(len(simulated))[:n]]])
        # A feature that hardly any object has could be missing from a whole fold, which boosting refuses.
        x[:, np.isfinite(x).sum(axis=0) < 8] = 0.0
        return x

    # With few real objects the simulated ones are drawn anew a few times.
    samples = [drawn() for _ in range(int(np.clip(600 // n, 1, 5)))]

    def auc(columns: list[int]) -> float:
        scores = []
        for x in samples:
            with threadpool_limits(1):  # many threads on few rows only wait for each other
                found = cross_val_predict(model, x[:, columns], y, cv=folds, method="predict_proba")
            scores.append(roc_auc_score(y, found[:, 1]))
        return float(np.mean(scores))

    everything = list(range(len(FEATURES)))
    if not detail:
        return TwoSample(auc(everything), {}, {}, n, len(samples))
    groups = {name: auc([FEATURES.index(one) for one in names]) for name, names in GROUPS.items()}
    x = samples[0]
    train, test = next(iter(folds.split(x, y)))
    fitted = model.fit(x[train], y[train])
    found = permutation_importance(
        fitted, x[test], y[test], scoring="roc_auc", n_repeats=3, random_state=seed
    )
    order = np.argsort(-found.importances_mean)[:8]
    return TwoSample(
        auc(everything),
        groups,
        {FEATURES[i]: float(found.importances_mean[i]) for i in order},
        n,
        len(samples),
    )
