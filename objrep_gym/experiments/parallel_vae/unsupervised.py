"""Priced by KL — all members on mixed scenes, each of which learns the slower the more it says (Stavarache 2019, §5)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "No one says which VAE is for what",
    rows=_runs.UNSUPERVISED,
    kinds=_runs.DIGITS[2],
    data="digit-pairs:digits=01",
    empty="digit-pairs:digits=01,scene=ee",
    drawn=("priced",),
    notes=(
        "All members learn at once, on all digits. The learning rate of VAE k is divided by 1 + (KL/τ)^p, of its running "
        "KL: τ = 4 nats and p = 4, or a threshold of 12, or p = 1, or none. All but the last begin with quiet codes; nats "
        "have their price from the start. Which member is for which digit is not told: AUC holds for an order that may be "
        "another.",
        _runs.NOTES[0],
    ),
)
