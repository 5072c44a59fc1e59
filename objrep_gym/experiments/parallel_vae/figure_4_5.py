"""Figure 4.5 — one VAE with a deconvolutional decoder on tables of cylinders (Stavarache 2019, §4.3)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "Figure 4.5: one VAE on tables",
    rows={"one VAE": _runs.ONE},
    kinds=_runs.CYLINDER,
    data=_runs.COLOURED[0],
    count=8,
    notes=_runs.TABLE_NOTES,
)
