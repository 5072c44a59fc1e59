"""The trainings that figures and tables of this document share."""

from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.schedules import individual, together
from objrep_gym.models import MODELS
from objrep_gym.training import Stage


def on(name: str, members: int) -> tuple[str, ...]:
    """Source k has the kinds 0 to k."""
    return tuple(f"{name}:digits={'0123456789'[: k + 1]}" for k in range(members))


def run(model: str, data: tuple[str, ...], stages: tuple[Stage, ...]) -> Run:
    return Run(MODELS[model], data, stages, batch=32, precision="bf16", save=500)


TWO = run("parallel-vae", on("digit-pairs", 2), individual(2, 2000))
FIVE = run("parallel-vae-5", on("digit-pairs", 5), individual(5, 800))
FOUR = run("parallel-vae-4", on("digit-pairs", 4), together(4, 1000, 500))
FASHION = run("parallel-vae-4", on("fashion-pairs", 4), together(4, 1000, 500))
