"""The trainings that this document's figures and tables share."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from objrep_gym.data import at_size
from objrep_gym.experiments.kinds import Run
from objrep_gym.models import MODELS
from objrep_gym.models.base import Config
from objrep_gym.models.ellipse_vae import EllipseVAEConfig
from objrep_gym.training import Stage

BATCH, CLOTHES_EPOCH = 32, 50_000 // 32
EPOCH = 16 * 16 * 6 * 40 // BATCH  # steps in which every ellipse is seen once


def taught(model: Config, epochs: int, data: str = "ellipses") -> Run:
    """A run on ellipses in the document's batches."""
    return Run(model, (data,), (Stage(epochs * EPOCH, lr=1e-4),), BATCH, precision="bf16")


BETA_CONFIG = EllipseVAEConfig()
VAE = taught(MODELS["vae-ellipses"], epochs=50)
BETA = taught(BETA_CONFIG, epochs=50)
BETA_6 = taught(replace(BETA_CONFIG, beta=6.0), epochs=50)
DROPOUT = taught(replace(BETA_CONFIG, dropout=0.2), epochs=50)
BATCH_NORM = taught(replace(BETA_CONFIG, batch_norm=True), epochs=50)
NO_L2 = taught(replace(BETA_CONFIG, l2=0.0), epochs=50)
BROADCAST = taught(MODELS["vae-sbd-ellipses"], epochs=20)
BROADCAST_BETA = taught(MODELS["beta-vae-sbd-ellipses"], epochs=20)
CHYVAE = taught(MODELS["chyvae"], epochs=50)
ORDERED, TOGETHER = (taught(BETA_CONFIG, 50, f"ellipses:order={order}") for order in ("ordered", "together"))


def small(run: Run) -> Run:
    """The same for 5 epochs, at rates that fall from ten times the other's; ellipses in pictures of half the side."""
    (data,) = run.data
    model: Any = run.model
    if data.startswith("ellipses"):
        data, model = at_size(data, 32), replace(model, size=(32, 32))
    steps = 5 * (EPOCH if data.startswith("ellipses") else CLOTHES_EPOCH)
    return replace(run, model=model, data=(data,), stages=(Stage(steps, lr=1e-3, schedule="cosine", warmup=100),))


def with_small(rows: Mapping[str, Run]) -> dict[str, Run]:
    """Rows as the document has them, and after them the same small ones."""
    return {**rows, **{f"{name}, small": small(run) for name, run in rows.items()}}


def dressed(name: str) -> Run:
    """A model of ellipses that learns on clothes, as they are published."""
    model: Any = MODELS[name]
    stages = (Stage(20 * CLOTHES_EPOCH, lr=1e-4),)
    return Run(replace(model, size=(28, 28)), ("fashion-mnist",), stages, BATCH, precision="bf16")


CLOTHES, CLOTHES_BETA = dressed("vae-ellipses"), dressed("beta-vae-ellipses")
CLOTHES_BROADCAST = dressed("vae-sbd-ellipses")

TRAINED = (
    "The document trained its VAE and β-VAE for 50 epochs in batches of 32, broadcast decoders for 20. It gives neither "
    "optimiser nor learning rate (here Adam, 10⁻⁴), nor kernels, strides, the size of the pictures (here 64×64), nor the "
    'weight of its "slight" L2 (here 10⁻⁴ of the squared weights).'
)
SHORTENED = (
    "Small: 5 epochs for all, at rates from 10⁻³ down to none, and ellipses in pictures of 32×32, where pixels, "
    "a quarter of those, weigh less against the same β."
)
NOTES = (TRAINED, "Ellipses are shuffled, but where a row says otherwise.", SHORTENED)
