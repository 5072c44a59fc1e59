"""Order — what it costs an agent to take slots in an order that tells nothing, in Reach from true factors."""

from dataclasses import replace

from objrep_gym.experiments.control.reach import REACH
from objrep_gym.experiments.control_table import ControlTable

ORDERED = replace(REACH, encoder="oracle", steps=100_000)
POOLED = {"deep sets": "deep-set", "relation network": "relation", "transformer": "attention", "flat": "flat"}

EXPERIMENT = ControlTable(
    "Reach, with slots in their order and shuffled at every step",
    rows={
        row + ending: replace(ORDERED, extractor=extractor, wrappers=wrappers)
        for row, extractor in POOLED.items()
        for ending, wrappers in {"": (), ", shuffled": ("shuffle",)}.items()
    },
    seeds=2,
    notes=(
        "True factors have an order: the goal first. Slots of a learned encoder have none, as those that are shuffled.",
        "Flat: slots one after the other into a perceptron. The others are blind to order.",
    ),
)
