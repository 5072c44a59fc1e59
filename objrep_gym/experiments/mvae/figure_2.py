"""Figure 2 — training curves of MVAE and its baseline; reconstructions and KL maps early and late (Nash et al. 2017)."""

from objrep_gym.experiments.entities import training
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.mvae import _runs

EXPERIMENT = ModelFigure(
    "Figure 2: training",
    rows={"MVAE": _runs.PRICED, "MVAE, early": _runs.EARLY, "VAE": _runs.BASELINE},
    draw=training,
    notes=(
        "Curves are of the loss, in which the KL of this MVAE costs one time its price at first and four times from the "
        "middle of the training on: compare bounds in the table, not ends of curves.",
        *_runs.NOTES,
    ),
)
