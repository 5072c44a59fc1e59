"""A variable number of elements — trained on up to three objects, counting up to six (Berriel 2022, chapter 6)."""

from objrep_gym.experiments.monet_rn50._rows import OURS
from objrep_gym.experiments.slot_counting import SlotCounting

EXPERIMENT = SlotCounting(
    "Counting in more slots than were trained",
    rows={name: OURS[name] for name in ("monet-rn50-variable-small", "monet-lite", "monet-small")},
    slots=12,
    notes=(
        "A slot is an object if its share of the picture lies between two bounds, chosen on 500 held-out scenes of one to "
        "three objects for the least mean error. MONet-RN50 and MONet-RN50* are no rows: their last layer has one map for "
        "each slot that they were trained with.",
        "The goal is a mean error of at most 0.5 on four to six objects.",
    ),
)
