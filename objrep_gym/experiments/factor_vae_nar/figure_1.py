"""Figure 1 — latent traversals on dSprites, from an ellipse and from a heart (Swain & Mahajan 2022)."""

from objrep_gym.experiments.factor_vae_nar import _runs
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.one_slot_pictures import by_shape

EXPERIMENT = ModelFigure(
    "Figure 1: traversals on dSprites, by shape",
    rows={"Factor-VAE": _runs.ON_SPRITES, "Factor-VAE, small": _runs.narrow(_runs.ON_SPRITES)},
    draw=by_shape,
    least=1,
    notes=("Each latent runs from −2 to 2, as the document does not say how far.", _runs.NARROW),
)
