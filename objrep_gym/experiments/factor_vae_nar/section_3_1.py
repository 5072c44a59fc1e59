"""Section 3.1 — a new way to measure disentanglement: change one part, and one latent alone should change (Swain & Mahajan
2022). Over many models of dSprites, does that score order them as the FactorVAE score does?"""

from dataclasses import replace
from typing import Any

from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.metric_agreement import MetricAgreement
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

DATA = "dsprites:size=32"


def small(preset: str, **numbers: Any) -> Run:
    """A narrow model of small pictures, trained for minutes: here are many, from entangled to what so short a training
    disentangles, and none has to be good."""
    layers = {"size": (32, 32), "widths": (16, 16, 16, 16), "hidden": 64}
    return Run(replace(MODELS[preset], **layers, **numbers), (DATA,), (Stage(1_500, lr=1e-3),), batch=32)  # type: ignore[call-arg]


EXPERIMENT = MetricAgreement(
    "Section 3.1: the perturbation score",
    rows={
        "VAE": small("vae"),
        "β-VAE, β = 2": small("beta-vae", beta=2.0),
        "β-VAE, β = 4": small("beta-vae"),
        "β-VAE, β = 8": small("beta-vae", beta=8.0),
        "β-VAE, β = 16": small("beta-vae", beta=16.0),
        "β-TCVAE, β = 2": small("beta-tcvae", beta=2.0),
        "β-TCVAE, β = 6": small("beta-tcvae", beta=6.0),
        "DIP-VAE-II": small("dip-vae-ii"),
    },
    exam=Exam(DATA, count=20_000, batch=500),
    pair=("perturbation", "factor_vae"),
    metrics=("beta_vae", "factor_vae", "mig", "sap", "modularity", "perturbation", "complement"),
    seeds=3,
    notes=(
        "The document describes the score in words and measures nothing: what stands here is ours, of narrow models that "
        "were trained for 1,500 steps of 32 pictures at 32×32.",
    ),
)
