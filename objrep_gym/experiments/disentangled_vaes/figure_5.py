"""Figure 5 — traversals of the spatial broadcast decoder (Golla et al. 2021, §IV.B)."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.one_code import traversals

EXPERIMENT = ModelFigure(
    "Figure 5: every latent of the broadcast decoder",
    rows=_runs.with_small({"broadcast": _runs.BROADCAST}),
    draw=traversals,
    least=1,
    notes=_runs.NOTES,
)
