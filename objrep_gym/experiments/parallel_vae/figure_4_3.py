"""Figure 4.3 — four VAEs that also learn together, on pairs of four digits (Stavarache 2019, §4.1.3)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "Figure 4.3: 4-MNIST, together",
    rows={"4 VAEs": _runs.FOUR},
    kinds=_runs.DIGITS[4],
    data="digit-pairs:digits=0123",
    count=8,
    notes=_runs.NOTES,
)
