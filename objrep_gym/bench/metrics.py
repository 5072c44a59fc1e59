"""What metrics of disentanglement cost: each by itself, on codes that stand apart, are mixed, and say nothing."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from objrep_gym.bench.turns import rounded
from objrep_gym.metrics.beta_vae import beta_vae
from objrep_gym.metrics.classes import apart, classes, each
from objrep_gym.metrics.dci import DCI, dci
from objrep_gym.metrics.factor_vae import factor_vae
from objrep_gym.metrics.mig import mig
from objrep_gym.metrics.modularity import explicitness, modularity
from objrep_gym.metrics.perturbation import perturbation
from objrep_gym.metrics.sap import sap
from objrep_gym.metrics.udr import udr

Scores = tuple[float, ...]
Metric = Callable[[np.ndarray, np.ndarray], Scores]
NOISE = 0.02  # a latent that tells nothing is not in use


def by_trees(found: DCI) -> Scores:
    return found.disentanglement, found.completeness, found.informativeness


METRICS: dict[str, tuple[tuple[str, ...], Metric]] = {
    "beta_vae": (("beta_vae",), lambda codes, factors: (beta_vae(codes, factors),)),
    "factor_vae": (("factor_vae",), lambda codes, factors: (factor_vae(codes, factors),)),
    "mig": (("mig",), lambda codes, factors: (mig(codes, factors),)),
    "sap": (("sap",), lambda codes, factors: (sap(codes, factors),)),
    "dci": (("disentanglement", "completeness", "informativeness"), lambda codes, factors: by_trees(dci(codes, factors))),
    "modularity": (("modularity",), lambda codes, factors: (modularity(codes, factors),)),
    "explicitness": (("explicitness",), lambda codes, factors: (explicitness(codes, factors),)),
    "perturbation": (("perturbation", "complement"), lambda codes, factors: by_parts(codes, factors)),
    "udr": (("udr",), lambda codes, factors: (float(udr([codes[:10_000], codes[:10_000, ::-1]])[0]),)),
}
"""What is measured, and the names of its scores; UDR compares 10,000 codes with themselves in another order."""


def by_parts(codes: np.ndarray, factors: np.ndarray) -> Scores:
    found = perturbation(codes, factors)
    return found.score, found.complement


def bench_metrics(
    sizes: Sequence[int], codes: int, mixings: Sequence[float], default_boosting: bool
) -> Iterator[dict[str, Any]]:
    """One record a metric and kind of codes: `metric, mixing, codes, things, cpu_seconds` and its scores; and one of all
    together. On the whole grid of factors of such `sizes`: `codes` codes, of which a share of `mixing` is a random mixture
    of all factors.

    default_boosting: DCI by scikit-learn's default booster too, which takes minutes, and at last `dci_against_default`: the
    rank correlations of both over all mixings, and how many times as fast it is.
    """
    factors = np.stack(np.unravel_index(np.arange(int(np.prod(sizes))), tuple(sizes)), axis=1)
    pairs: list[tuple[DCI, DCI, float]] = []
    for mixing in mixings:
        table = mixed(factors, codes, mixing)
        about = {"mixing": mixing, "codes": codes, "things": len(factors)}
        total = 0.0
        for name, (scores, metric) in METRICS.items():
            found, seconds = timed(lambda metric=metric, table=table: metric(table, factors))
            total += seconds
            named = {score: rounded(value) for score, value in zip(scores, found, strict=True)}
            yield {"metric": name, **about, "cpu_seconds": rounded(seconds), **named}
        yield {"metric": "all", **about, "cpu_seconds": rounded(total)}
        if default_boosting:
            ours, seconds = timed(lambda table=table: dci(table, factors))
            theirs, theirs_seconds = timed(lambda table=table: by_default(table, factors))
            pairs.append((ours, theirs, theirs_seconds / seconds))
            named = dict(zip(METRICS["dci"][0], map(rounded, by_trees(theirs)), strict=True))
            yield {"metric": "dci, default boosting", **about, "cpu_seconds": rounded(theirs_seconds), **named}
    if len(pairs) > 1:
        yield against(pairs)


def mixed(factors: np.ndarray, codes: int, mixing: float) -> np.ndarray:
    """Codes float32 (N, codes) with noise; the same for every call."""
    rng, ideal = np.random.default_rng(0), (factors - factors.mean(0)) / factors.std(0)
    mixer = rng.normal(size=(factors.shape[1], codes))
    means = ideal @ ((1 - mixing) * np.eye(factors.shape[1], codes) + mixing * mixer)
    return (means + NOISE * rng.normal(size=means.shape)).astype(np.float32)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What work gives, and the seconds of the CPU that it took, all threads together."""
    start = time.process_time()
    return work(), time.process_time() - start


def by_default(codes: np.ndarray, factors: np.ndarray) -> DCI:
    """DCI by scikit-learn's default gradient boosting, as the study has it, on the same things."""
    from sklearn.ensemble import GradientBoostingClassifier

    importance, accuracy = np.full((codes.shape[1], factors.shape[1]), np.nan), np.full(factors.shape[1], np.nan)
    for column, rows, factor in each(factors):
        train, test = apart(len(factor), np.random.default_rng(0))
        named, known = classes(factor), codes[rows]
        trees = GradientBoostingClassifier(random_state=0).fit(known[train], named[train])
        importance[:, column] = trees.feature_importances_
        accuracy[column] = (trees.predict(known[test]) == named[test]).mean()
    return DCI(importance, accuracy)


def against(pairs: Sequence[tuple[DCI, DCI, float]]) -> dict[str, Any]:
    """How well two boosters agree on the order of models: Spearman's correlations of scores and of all importances."""
    from scipy.stats import spearmanr as correlated

    spearmanr: Any = correlated  # its stubs know no arrays
    told: dict[str, Any] = {"metric": "dci_against_default", "models": len(pairs)}
    for name in ("disentanglement", "completeness"):
        ours, theirs = ([getattr(pair[side], name) for pair in pairs] for side in (0, 1))
        told[name] = rounded(float(spearmanr(ours, theirs).statistic))
    entries = [np.concatenate([found.importance.ravel() for found in side]) for side in list(zip(*pairs, strict=True))[:2]]
    told["importance"] = rounded(float(spearmanr(*entries).statistic))
    return told | {"ratio_to_default": rounded(float(np.median([ratio for *_, ratio in pairs])))}
