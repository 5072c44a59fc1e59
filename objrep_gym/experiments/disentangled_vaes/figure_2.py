"""Figure 2 — which latent of the β-VAE carries which factor, β = 4 (Golla et al. 2021, §IV.A)."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.latents_table import LatentsTable

ROWS = _runs.with_small({"β = 4": _runs.BETA})
DOCUMENT = {
    "x": "z7, z10",
    "y": "z3, z6, z9",
    "scale": "z1, z3, z6, (z4, z5, z8)",
    "orientation": "z3, z4, z10",
}

EXPERIMENT = LatentsTable("Figure 2", rows=ROWS, paper=dict.fromkeys(ROWS, DOCUMENT), notes=_runs.NOTES)
