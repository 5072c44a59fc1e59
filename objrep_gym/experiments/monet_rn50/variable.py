"""A variable number of elements — trained on up to three objects, counting up to six (Berriel 2022, chapter 6)."""

from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.slot_counting import SlotCounting
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

STAGES = (Stage(30_000, lr=5e-4, schedule="cosine", warmup=300),)

EXPERIMENT = SlotCounting(
    "Counting in more slots than were trained",
    rows={
        "MONet-RN50*, any number of slots, narrow": Run(
            MODELS["monet-rn50-variable-small"], stages=STAGES, batch=32, precision="bf16"
        ),
        "monet-lite": Run(MODELS["monet-lite"], stages=(Stage(100_000, lr=1e-3, schedule="cosine", warmup=300),), batch=32),
        "MONet, narrow": Run(MODELS["monet-small"], stages=STAGES, batch=32, precision="bf16"),
    },
    slots=12,
    notes=(
        "A slot is an object if its share of the picture lies between two bounds, chosen on 500 held-out scenes of one to "
        "three objects for the least mean error. MONet-RN50 and MONet-RN50* are no rows: their last layer has one map for "
        "each slot that they were trained with.",
        "The goal is a mean error of at most 0.5 on four to six objects.",
    ),
)
