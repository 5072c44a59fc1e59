"""Figure 4.3 — four VAEs that also learn together, on pairs of four digits (Stavarache 2019, §4.1.3)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "Figure 4.3: 4-MNIST, together",
    rows={"4 VAEs": _runs.FOUR, "a nat at twice its price": _runs.FIRM},
    kinds=_runs.DIGITS[4],
    data="digit-pairs:digits=0123",
    count=8,
    empty="digit-pairs:digits=0123,scene=ee",
    drawn=("4 VAEs",),
    notes=_runs.NOTES,
)
