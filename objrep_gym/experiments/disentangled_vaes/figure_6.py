"""Figure 6 — which latent carries which factor with the spatial broadcast decoder (Golla et al. 2021, §IV.B)."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.latents_table import LatentsTable

EXPERIMENT = LatentsTable(
    "Figure 6",
    rows={"broadcast": _runs.BROADCAST},
    paper={
        "broadcast": {
            "x": "z10",
            "y": "z8",
            "scale": "z1, z4, z6, z7, z9, (z3, z2)",
            "orientation": "z2, z3, z5, z6, (z7, z4, z8, z10)",
        }
    },
    notes=_runs.NOTES,
)
