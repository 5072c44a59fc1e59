"""Figure 3 — traversals of the VAE (top) and of the β-VAE, β = 4 (bottom) (Golla et al. 2021, §IV.A)."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.one_code import traversals

EXPERIMENT = ModelFigure(
    "Figure 3: every latent from end to end",
    rows=_runs.with_small({"β = 1": _runs.VAE, "β = 4": _runs.BETA}),
    draw=traversals,
    least=1,
    notes=_runs.NOTES,
)
