"""Figure 2 — reconstruction, KL and total correlation while Factor-VAE learns boards (Swain & Mahajan 2022)."""

from objrep_gym.experiments.factor_vae_nar import _runs
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.one_slot_pictures import losses

EXPERIMENT = ModelFigure(
    "Figure 2: losses on boards",
    rows={
        "latent 10": _runs.ON_BOARDS,
        "latent 20": _runs.TWENTY,
        "small": _runs.SMALL,
        "latent 20, small": _runs.SMALL_TWENTY,
    },
    draw=losses,
    least=1,
    notes=(
        "The document's reconstruction ends about 70, its KL about 13, its total correlation between 1 and 1.5, the loss "
        "of its discriminator about .5; that 20 latents made no difference to 10 it says too. Pixels of coloured paper "
        "have an entropy of their own, which no reconstruction takes away: compare reconstructions with each other, not "
        "with 70.",
        *_runs.NOTES,
    ),
)
