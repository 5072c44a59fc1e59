"""Figure 5 — traversals of the baseline, whose latents belong to no object (Nash et al. 2017, appendix B)."""

from objrep_gym.experiments.entities import within
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.mvae import _runs

EXPERIMENT = ModelFigure(
    "Figure 5: latent traversals of a VAE", rows={"VAE": _runs.BASELINE}, draw=within, least=3, notes=_runs.NOTES
)
