"""Figure 4.8 — two VAEs in tandem on grey tables of cylinders and spheres (Stavarache 2019, §4.3.2)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "Figure 4.8: two VAEs in tandem",
    rows={"tandem": _runs.TANDEM},
    kinds=_runs.SOLIDS,
    data=_runs.GREY[1],
    count=8,
    notes=_runs.TABLE_NOTES,
)
