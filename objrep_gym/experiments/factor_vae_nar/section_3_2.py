"""Section 3.2 — visual analogies solved by genetic search in the latent space of Factor-VAE (Swain & Mahajan 2022)."""

from objrep_gym.experiments.analogy_table import AnalogyTable
from objrep_gym.experiments.factor_vae_nar import _runs

EXPERIMENT = AnalogyTable(
    "Section 3.2: analogies by a shift of the code",
    rows={
        "Factor-VAE": _runs.ON_BOARDS,
        "Factor-VAE, 20 latents": _runs.TWENTY,
        "Factor-VAE, small": _runs.SMALL,
        "β-TCVAE, broadcast": _runs.TCVAE_BROADCAST,
    },
    notes=(*_runs.NOTES, _runs.TOLD_BROADCAST),
)
