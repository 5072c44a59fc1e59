"""dSprites on a CPU — narrow models of one code, trained for minutes each, by every metric beside what wide ones have
published."""

from dataclasses import replace
from typing import Any

from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.leaderboard import dsprites
from objrep_gym.training import Stage

SHOWN = ("VAE", "β-VAE", "Factor-VAE, γ = 10", "β-TCVAE", "DIP-VAE-II", "CHyVAE", "Gaussian TC")
SHORT = (Stage(10_000, lr=1e-3, schedule="cosine", warmup=100),)


def narrow(run: Run) -> Run:
    """Half of the channels and units, a thirtieth of the steps, at a rate that falls from ten times theirs."""
    model: Any = run.model
    critic = {"units": 256} if hasattr(model, "units") else {}
    return replace(run, model=replace(model, widths=(16, 16, 32, 32), hidden=64, **critic), stages=SHORT)


EXPERIMENT = replace(
    dsprites.EXPERIMENT,
    title="dSprites, on a CPU",
    rows={name: narrow(dsprites.EXPERIMENT.rows[name]) for name in SHOWN},
    exam=replace(dsprites.EXPERIMENT.exam, count=102_400),
    notes=(
        "Ours: half of the channels of the studies' models, 10,000 steps of 64 pictures at rates from 1e-3 down to none. "
        "Theirs: 300,000 steps at 1e-4.",
        *dsprites.EXPERIMENT.notes,
    ),
)
