"""Figure 1 — ellipses and their reconstructions by the β-VAE, β = 4 (Golla et al. 2021, §IV.A)."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.one_code import reconstructions

EXPERIMENT = ModelFigure(
    "Figure 1: pictures drawn again",
    rows=_runs.with_small({"β = 4": _runs.BETA}),
    draw=reconstructions,
    least=1,
    notes=_runs.NOTES,
)
