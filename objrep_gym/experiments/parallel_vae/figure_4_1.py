"""Figure 4.1 — two VAEs on pairs of two digits (Stavarache 2019, §4.1.1)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "Figure 4.1: 2-MNIST",
    rows={"2 VAEs": _runs.TWO, "2 VAEs, then together": _runs.TWO_TOGETHER},
    kinds=_runs.DIGITS[2],
    data="digit-pairs:digits=01",
    notes=_runs.NOTES,
)
