"""Figure 4.2 — five VAEs on pairs of five digits, shown a digit that none of them has seen (Stavarache 2019, §4.1.2)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "Figure 4.2: 5-MNIST",
    rows={"5 VAEs": _runs.FIVE},
    kinds=_runs.DIGITS[5],
    data="digit-pairs:digits=01234",
    shown="digit-pairs:digits=1455",
    unseen={"5": "digit-pairs:scene=55"},
    notes=(
        "Of the digit 5 the document says that the member with the closest digit is confident: sometimes that of 2, "
        "sometimes that of 3.",
        *_runs.NOTES,
    ),
)
