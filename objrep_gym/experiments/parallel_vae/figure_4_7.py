"""Figure 4.7 — one VAE with a spatial broadcast decoder on grey tables (Stavarache 2019, §4.3)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "Figure 4.7: the same in grey",
    rows={"one VAE, broadcast, grey": _runs.ONE_GREY},
    kinds=_runs.CYLINDER,
    data=_runs.GREY[0],
    count=8,
    notes=_runs.TABLE_NOTES,
)
