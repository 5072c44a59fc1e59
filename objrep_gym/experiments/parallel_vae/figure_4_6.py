"""Figure 4.6 — one VAE with a spatial broadcast decoder on the same tables (Stavarache 2019, §4.3)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "Figure 4.6: one VAE with a spatial broadcast decoder",
    rows={"one VAE, broadcast": _runs.ONE_BROADCAST},
    kinds=_runs.CYLINDER,
    data=_runs.COLOURED[0],
    count=8,
    notes=_runs.TABLE_NOTES,
)
