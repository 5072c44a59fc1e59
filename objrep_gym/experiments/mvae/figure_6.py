"""Figure 6 — reconstructions, and samples from the prior, of 3 and of 8 sprites (Nash et al. 2017, appendix C)."""

from objrep_gym.experiments.entities import samples
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.mvae import _runs

EXPERIMENT = ModelFigure(
    "Figure 6: reconstructions and samples",
    rows={"MVAE, 3 sprites": _runs.PRICED, "VAE, 3 sprites": _runs.BASELINE, "MVAE, 8 sprites": _runs.FINE_CLUTTER},
    draw=samples,
    shown=10,
    notes=(*_runs.SHOWN, *_runs.NOTES),
)
