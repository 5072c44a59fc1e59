"""Section 3.3 — q(z) as one Gaussian in the place of the discriminator (Swain & Mahajan 2022): total correlation, and KL
to the prior, of running moments and of the document's network, against Factor-VAE on dSprites."""

from objrep_gym.experiments.factor_vae_nar import _runs
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.latents_table import LatentsTable

EXPERIMENT = LatentsTable(
    "Section 3.3: a Gaussian for the discriminator",
    rows=_runs.GAUSSIANS | {f"{name}, small": _runs.narrow(run) for name, run in _runs.GAUSSIANS.items()},
    exam=Exam("dsprites", count=102_400, batch=256, precision="bf16"),
    notes=(
        "The document predicts mean and covariance by a network and measures nothing; running moments are ours. All have "
        "γ = 10, and steps of 64 pictures. What a step costs tells `objrep-gym bench train`.",
        _runs.NARROW,
    ),
)
