"""dSprites — every model of one code, by every metric, beside what is published; and whether UDR, which needs no factors,
would have chosen the best."""

from typing import Any

from objrep_gym.experiments.factor_vae_nar._runs import ON_SPRITES, SPRITES, STUDY, TOTAL_CORRELATION
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.metric_agreement import MetricAgreement
from objrep_gym.experiments.one_slot_pictures import from_shapes
from objrep_gym.models import MODELS
from objrep_gym.models.factor_vae import FactorVAEConfig


def study(model: Any, batch: int = 64) -> Run:
    """As the study trained them: 300,000 steps of 64 pictures (Locatello et al. 2019)."""
    return Run(model, (SPRITES,), STUDY, batch, precision="bf16")


EXPERIMENT = MetricAgreement(
    "dSprites",
    rows={
        "VAE": study(MODELS["vae"]),
        "β-VAE": study(MODELS["beta-vae"]),
        "annealed VAE": study(MODELS["annealed-vae"]),
        "Factor-VAE, γ = 10": ON_SPRITES,
        "Factor-VAE, γ = 40": study(FactorVAEConfig(gamma=40.0), batch=128),
        "β-TCVAE": study(MODELS["beta-tcvae"]),
        "DIP-VAE-I": study(MODELS["dip-vae-i"]),
        "DIP-VAE-II": study(MODELS["dip-vae-ii"]),
        "CHyVAE": study(MODELS["chyvae"]),
        "Gaussian TC": TOTAL_CORRELATION,
    },
    exam=Exam(SPRITES, count=737_280, batch=256, precision="bf16"),
    pair=("udr_spearman", "factor_vae"),
    seeds=3,
    paper={
        "VAE": {"factor_vae": ".63", "disentanglement": ".30", "mig": ".10"},
        "β-VAE": {"factor_vae": ".63", "disentanglement": ".41", "mig": ".21"},
        "β-TCVAE": {"factor_vae": ".62", "disentanglement": ".29", "mig": ".45"},
        "Factor-VAE, γ = 10": {"factor_vae": ".83", "disentanglement": ".70", "mig": ".40"},
        "Factor-VAE, γ = 40": {"factor_vae": ".82", "disentanglement": ".74", "mig": ".43"},
        "InfoGAN-CR, chosen without labels": {"factor_vae": ".92", "disentanglement": ".77", "mig": ".45"},
    },
    portrait=from_shapes,
    notes=(
        "Paper: the table of InfoGAN-CR (Lin et al. 2020), whose own row is a choice among many models; its D is DCI.",
        "β-VAE has β = 4, β-TCVAE β = 6; the others have the values of their presets.",
    ),
)
