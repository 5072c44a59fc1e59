"""What the document claims in words (Golla et al. 2021, §IV and V): β-VAE before VAE and before β = 6, dropout and batch
normalisation slightly worse, SBD + β before SBD, CHyVAE no better."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.latents_table import LatentsTable

EXPERIMENT = LatentsTable(
    "All models of the document",
    rows=_runs.with_small(
        {
            "β = 1": _runs.VAE,
            "β = 4": _runs.BETA,
            "β = 6": _runs.BETA_6,
            "β = 4, dropout": _runs.DROPOUT,
            "β = 4, batch norm": _runs.BATCH_NORM,
            "β = 4, no L2": _runs.NO_L2,
            "broadcast": _runs.BROADCAST,
            "broadcast, β = 4": _runs.BROADCAST_BETA,
            "CHyVAE": _runs.CHYVAE,
        }
    ),
    notes=(
        *_runs.NOTES,
        "CHyVAE has the layers of the dSprites studies and the document's batch and epochs: it gives none of its own.",
        "Dropout leaves out a fifth of the encoder's flattened maps; the document does not say how much it did.",
    ),
)
