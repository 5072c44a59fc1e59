"""The suite: every metric of Locatello et al. 2019 and the perturbation score, of one table of codes, encoded once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num

from objrep_gym.metrics.beta_vae import beta_vae
from objrep_gym.metrics.classes import mean_of_known
from objrep_gym.metrics.dci import DCI, dci
from objrep_gym.metrics.factor_vae import factor_vae
from objrep_gym.metrics.mig import gaps
from objrep_gym.metrics.modularity import explicitness, modularity
from objrep_gym.metrics.perturbation import Perturbation, perturbation
from objrep_gym.metrics.sap import sap

METRICS = (
    "beta_vae",
    "factor_vae",
    "mig",
    "sap",
    "disentanglement",
    "completeness",
    "informativeness",
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
    """By METRICS; NaN where there is no such number."""
    gaps: Float[np.ndarray, "F"]
    """MIG of each factor, NaN where it does not vary."""
    trees: DCI
    """Which code predicts which factor, and how well that works."""
    parts: Perturbation
    """Which code changes with which factor."""


def suite(
    codes: Num[np.ndarray, "N D"],
    factors: Num[np.ndarray, "N F"],
    seed: int = 0,
    anew: Num[np.ndarray, "A _ P _"] | None = None,
) -> Suite:
    """All metrics, in the order of METRICS; `seed` draws what they draw, `anew` is as in `perturbation`. Raises ValueError
    as `classes.check` does."""
    found, trees, parts = gaps(codes, factors), dci(codes, factors, seed), perturbation(codes, factors, seed, anew)
    scores = {
        "beta_vae": beta_vae(codes, factors, seed),
        "factor_vae": factor_vae(codes, factors, seed),
        "mig": mean_of_known(found),
        "sap": sap(codes, factors, seed),
        "disentanglement": trees.disentanglement,
        "completeness": trees.completeness,
        "informativeness": trees.informativeness,
        "modularity": modularity(codes, factors),
        "explicitness": explicitness(codes, factors, seed),
        "perturbation": parts.score,
        "complement": parts.complement,
    }
    return Suite(scores, found, trees, parts)
