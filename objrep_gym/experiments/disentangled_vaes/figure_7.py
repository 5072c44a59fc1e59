"""Figure 7 — traversals of the spatial broadcast decoder with the loss of the β-VAE (Golla et al. 2021, §IV.B)."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.one_code import traversals

EXPERIMENT = ModelFigure(
    "Figure 7: every latent of the broadcast decoder, β = 4",
    rows=_runs.with_small({"broadcast, β = 4": _runs.BROADCAST_BETA}),
    draw=traversals,
    least=1,
    notes=_runs.NOTES,
)
