"""Figure 4 — traversals within an object, and objects decoded one after another (Nash et al. 2017, §4.1 and 4.2)."""

from objrep_gym.experiments.entities import within
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.mvae import _runs

EXPERIMENT = ModelFigure(
    "Figure 4: within objects, and one after another",
    rows={"MVAE": _runs.PRICED},
    draw=within,
    least=3,
    notes=(*_runs.SHOWN, *_runs.NOTES),
)
