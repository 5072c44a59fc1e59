"""Figure 6 — which latent carries which factor with the spatial broadcast decoder (Golla et al. 2021, §IV.B)."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.latents_table import LatentsTable

ROWS = _runs.with_small({"broadcast": _runs.BROADCAST})
DOCUMENT = {
    "x": "z10",
    "y": "z8",
    "scale": "z1, z4, z6, z7, z9, (z3, z2)",
    "orientation": "z2, z3, z5, z6, (z7, z4, z8, z10)",
}

EXPERIMENT = LatentsTable("Figure 6", rows=ROWS, paper=dict.fromkeys(ROWS, DOCUMENT), notes=_runs.NOTES)
