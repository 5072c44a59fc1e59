"""Figure 8 — which latent carries which factor with the broadcast decoder and β = 4 (Golla et al. 2021, §IV.B)."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.latents_table import LatentsTable

ROWS = _runs.with_small({"broadcast, β = 4": _runs.BROADCAST_BETA})
DOCUMENT = {
    "x": "none",
    "y": "z6, (z2)",
    "scale": "z1, z2, z4, z5, z7, z9, z10, (z6)",
    "orientation": "z3, z8, (z1, z10)",
}

EXPERIMENT = LatentsTable("Figure 8", rows=ROWS, paper=dict.fromkeys(ROWS, DOCUMENT), notes=_runs.NOTES)
