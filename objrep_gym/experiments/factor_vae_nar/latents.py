"""Section 2 — ten latents or twenty on boards, which the document saw no difference between (Swain & Mahajan 2022)."""

from objrep_gym.experiments.factor_vae_nar import _runs
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.latents_table import LatentsTable

EXPERIMENT = LatentsTable(
    "Section 2: ten latents or twenty",
    rows={
        "latent 10": _runs.ON_BOARDS,
        "latent 20": _runs.TWENTY,
        "latent 10, small": _runs.SMALL,
        "latent 20, small": _runs.SMALL_TWENTY,
    },
    exam=Exam("analogies", count=102_400, batch=256, precision="bf16"),
    notes=_runs.NOTES,
)
