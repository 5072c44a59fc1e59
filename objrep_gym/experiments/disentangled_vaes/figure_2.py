"""Figure 2 — which latent of the β-VAE carries which factor, β = 4 (Golla et al. 2021, §IV.A)."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.latents_table import LatentsTable

EXPERIMENT = LatentsTable(
    "Figure 2",
    rows={"β = 4": _runs.BETA},
    paper={
        "β = 4": {
            "x": "z7, z10",
            "y": "z3, z6, z9",
            "scale": "z1, z3, z6, (z4, z5, z8)",
            "orientation": "z3, z4, z10",
        }
    },
    notes=_runs.NOTES,
)
