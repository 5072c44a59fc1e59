"""Figure 3 — entity exchange: the objects of the largest KL of two scenes change places (Nash et al. 2017, §4.1)."""

from objrep_gym.experiments.entities import exchanges
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.mvae import _runs

EXPERIMENT = ModelFigure(
    "Figure 3: entity exchange", rows={"MVAE": _runs.PRICED}, draw=exchanges, shown=10, notes=(*_runs.SHOWN, *_runs.NOTES)
)
