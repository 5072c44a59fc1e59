"""Figure 2 — training curves of MVAE and its baseline; reconstructions and KL maps early and late (Nash et al. 2017)."""

from objrep_gym.experiments.entities import training
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.mvae import _runs

EXPERIMENT = ModelFigure(
    "Figure 2: training",
    rows={"MVAE": _runs.PRICED, "MVAE, early": _runs.EARLY, "VAE": _runs.BASELINE},
    draw=training,
    notes=_runs.NOTES,
)
