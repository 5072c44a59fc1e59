"""The models of chapter 5 with the training that each has: shared by its tables, so that each is trained once.

The thesis names no optimiser for MONet; the public code of MONet uses RMSprop at 1e-4. GENESIS-v2 and Slot Attention are
trained as their papers say, whose numbers the thesis cites.
"""

from dataclasses import replace
from typing import Any

from objrep_gym.experiments.kinds import Run, Start
from objrep_gym.experiments.starting import TRUNK
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

THESIS = (Stage(1_000_000, lr=1e-4, optimiser="rmsprop"),)
GENESIS = (Stage(500_000, lr=1e-4),)
SLOT_ATTENTION = (Stage(500_000, lr=4e-4, schedule="halving", half_life=100_000, warmup=10_000),)
SMALL = (Stage(30_000, lr=5e-4, schedule="cosine", warmup=300),)
LITE = (Stage(22_000, lr=1e-3, schedule="cosine", warmup=300),)
LITE_DATA = (
    "objects-room:variant=train,look=published,size=64",
    "objects-room:variant=identical-color,look=published,size=64",
    "objects-room:variant=reach,look=plain,size=64",
)
LOOKS = (Stage(16_000, lr=5e-4, schedule="cosine", warmup=300),)
LOOKS_DATA = (
    *LITE_DATA,
    "objects-room:variant=train,look=textured,size=64",
    "objects-room:variant=identical-color,look=textured,size=64",
)


def small(name: str, start: Start | None = None) -> Run:
    """A narrow preset, trained on a thirtieth of the thesis's iterations at half of its batch."""
    return Run(MODELS[name], stages=SMALL, batch=32, precision="bf16", start=start)


def narrow(run: Run) -> Run:
    """A row of the thesis as narrow as the small presets, and trained as they are."""
    model: Any = run.model
    layers = {"channels": 16, "component": 32, **({} if model.attention == "recurrent" else {"depths": (2, 2, 2, 2)})}
    return replace(run, model=replace(model, **layers), stages=SMALL, batch=32, precision="bf16")


def teacher(name: str) -> Run:
    """A segmenter of tables, whose trunk another model begins with."""
    data = tuple(f"tabletop:look={look},engine=raycast" for look in ("published", "textured", "plain"))
    stage = Stage(10_000, lr=1e-3, schedule="cosine", warmup=100)
    return Run(MODELS[name], data=data, stages=(stage,), batch=32, precision="bf16")


TEACHER, TEACHER_SMALL = teacher("segmenter-rn50"), teacher("segmenter-rn50-small")


THEIRS = {
    "MONet": Run(MODELS["monet"], stages=THESIS),
    "MONet-RN50": Run(MODELS["monet-rn50"], stages=THESIS),
    "MONet-RN50*": Run(MODELS["monet-rn50-star"], stages=THESIS),
    "GENESIS-v2": Run(MODELS["genesis-v2"], stages=GENESIS, batch=32),
    "Slot Attention": Run(MODELS["slot-attention"], stages=SLOT_ATTENTION),
}
MONET_LITE = Run(MODELS["monet-lite"], LITE_DATA, LITE, batch=32, precision="bf16")
OURS = {
    "MONet-RN50*, pre-trained": replace(THEIRS["MONet-RN50*"], start=Start(TEACHER, TRUNK)),
    "MONet-RN50, any number": Run(MODELS["monet-rn50-variable"], stages=THESIS),
    "monet-lite": MONET_LITE,
    "monet-lite, all looks": Run(
        MODELS["monet-lite-looks"], LOOKS_DATA, LOOKS, 32, precision="bf16", start=Start(MONET_LITE)
    ),
    "monet-small": small("monet-small"),
    "monet-rn50-star-small": small("monet-rn50-star-small"),
    "monet-rn50-star-small, pre-trained": small("monet-rn50-star-small", Start(TEACHER_SMALL, TRUNK)),
    "monet-rn50-variable-small": small("monet-rn50-variable-small"),
    "genesis-v2-small": small("genesis-v2-small"),
    "slot-attention-small": small("slot-attention-small"),
}
NOTES = (
    "Paper: Berriel 2022 after 1,000,000 steps of 64 images, and what GENESIS-v2 and Slot Attention report after 500,000.",
    "The thesis mixes the reconstruction by decoded masks, which is MSE decoded here.",
    "Its RN50 needs stride 16, so there is no max-pooling here; masks are a softmax over slots, without which eq. 4.7 is "
    "no likelihood. Pre-trained: the trunk was taught by exact masks of tables, not of rooms.",
    "All looks: once it has learned, its attention sees hues at twice their angle, so that the two opposite tones of a "
    "thing in textured rooms are one. That is knowledge of the look, which nothing else here has.",
    "Small models have 30,000 steps of 32 images, a sixtieth of the thesis's images.",
)
