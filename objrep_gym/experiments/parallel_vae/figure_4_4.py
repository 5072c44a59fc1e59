"""Figure 4.4 — four VAEs where dresses and shoes stand in the place of 2 and 3 (Stavarache 2019, §4.2)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "Figure 4.4: Fashion-MNIST",
    rows={"4 VAEs": _runs.FASHION},
    kinds={"0": 0, "1": 1, "dress": 2, "shoe": 3},
    data="fashion-pairs",
    count=8,
    notes=_runs.NOTES,
)
