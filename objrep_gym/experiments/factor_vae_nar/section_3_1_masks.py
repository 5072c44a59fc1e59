"""Section 3.1 — "obtain a segmentation mask of an image", change what lies inside, and one latent alone should change
(Swain & Mahajan 2022): by true masks of rooms, and by those of our own MONet."""

from dataclasses import replace
from typing import Any

from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.part_perturbation import PartPerturbation
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

DATA = "objects-room:engine=raycast"


def room(**numbers: Any) -> Run:
    """A VAE of whole rooms with 16 latents."""
    model = replace(MODELS["vae-rooms"], latent=16, widths=(16, 16, 32, 32), **numbers)  # type: ignore[call-arg]
    return Run(model, (DATA,), (Stage(3_000, lr=1e-3),), batch=32)


EXPERIMENT = PartPerturbation(
    "Section 3.1: parts by masks",
    rows={
        "VAE": room(),
        "β-VAE, β = 4": room(beta=4.0),
        "β-VAE, β = 16": room(beta=16.0),
        "β-VAE, β = 64": room(beta=64.0),
    },
    exam=Exam("objects-room:engine=raycast", count=500),
    notes=(
        "The document takes hair as its example of a part, and does not say how a part is changed: here its colours are "
        "moved. A code of a whole room has more to tell than its parts' colours: what counts is the order of models.",
    ),
)
