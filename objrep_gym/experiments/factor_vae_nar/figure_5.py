"""Figure 5 — the latents of a board shifted from 0 to 1, a tenth at a time (Swain & Mahajan 2022)."""

from objrep_gym.experiments.factor_vae_nar import _runs
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.one_slot_pictures import Shifts

EXPERIMENT = ModelFigure(
    "Figure 5: latents shifted from 0 to 1",
    rows={"Factor-VAE": _runs.ON_BOARDS, "Factor-VAE, small": _runs.SMALL},
    draw=Shifts(0.0, 1.0),
    least=1,
    notes=_runs.NOTES,
)
