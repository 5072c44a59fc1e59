"""The suite: every metric of Locatello et al. 2019 and the perturbation score, of one table of codes, encoded once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num

from objrep_gym.metrics.beta_vae import beta_vae
from objrep_gym.metrics.classes import FEWEST, mean_of_known
from objrep_gym.metrics.dci import DCI, dci
from objrep_gym.metrics.factor_vae import factor_vae
from objrep_gym.metrics.mig import gaps
from objrep_gym.metrics.modularity import explicitness, modularity
from objrep_gym.metrics.perturbation import Perturbation, perturbation
from objrep_gym.metrics.sap import sap
from objrep_gym.scenes.world import check_name

VERSION = 2
"""Counts how often what the scores are has changed: those that were kept of another version are found anew."""
BY_TREES = ("disentanglement", "completeness", "informativeness")
METRICS = (
    "beta_vae",
    "factor_vae",
    "mig",
    "sap",
    *BY_TREES,
    "modularity",
    "explicitness",
    "perturbation",
    "complement",
)
"""Names of the scores, all in [0, 1], more is better."""


@dataclass(frozen=True)
class Suite:
    """What was found."""

    scores: dict[str, float]
    """Those that were asked for; NaN where there is no such number."""
    gaps: Float[np.ndarray, "F"]
    """MIG of each factor, NaN where it does not vary."""
    parts: Perturbation
    """Which code changes with which factor."""
    trees: DCI | None
    """Which code predicts which factor, and how well that works; None where DCI was not asked for."""


def suite(
    codes: Num[np.ndarray, "N D"],
    factors: Num[np.ndarray, "N F"],
    seed: int = 0,
    anew: Num[np.ndarray, "A _ P _"] | None = None,
    metrics: Sequence[str] = METRICS,
) -> Suite:
    """Some metrics or all, in their order; `seed` draws what they draw, `anew` is as in `perturbation`. DCI takes longer
    than all others together. Raises ValueError on an unknown metric, on too few things to learn from and be tested on, and
    as `classes.check` does."""
    for name in metrics:
        check_name("metric", name, METRICS)
    if len(codes) < FEWEST:
        raise ValueError(f"{len(codes)} things are too few for scores of disentanglement: at least {FEWEST} are needed")
    found, parts = gaps(codes, factors), perturbation(codes, factors, seed, anew)
    trees = dci(codes, factors, seed) if set(metrics) & set(BY_TREES) else None
    known: dict[str, Callable[[], float]] = {
        "beta_vae": lambda: beta_vae(codes, factors, seed),
        "factor_vae": lambda: factor_vae(codes, factors, seed),
        "mig": lambda: mean_of_known(found),
        "sap": lambda: sap(codes, factors, seed),
        "modularity": lambda: modularity(codes, factors),
        "explicitness": lambda: explicitness(codes, factors, seed),
        "perturbation": lambda: parts.score,
        "complement": lambda: parts.complement,
        **{name: lambda name=name: float(getattr(trees, name)) for name in BY_TREES},
    }
    return Suite({name: known[name]() for name in metrics}, found, parts, trees)
