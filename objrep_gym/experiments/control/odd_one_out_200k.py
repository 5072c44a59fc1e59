"""OddOneOut within 200,000 steps — what agents learn in them, three seeds on each encoder, with more updates a step."""

from dataclasses import replace

from objrep_gym.experiments.control._encoders import ENCODED, NOTES, agents
from objrep_gym.experiments.control.odd_one_out import ODD
from objrep_gym.experiments.control_table import ControlTable

SHORT = replace(ODD, preset="ppo-thorough", steps=200_000)
ROWS = ("true factors", "pixels", "VAE", "colour", "monet-lite")
PARTS = "monet-lite, by colour"

EXPERIMENT = ControlTable(
    "OddOneOut within 200,000 steps",
    rows={
        **{row: agent for row, agent in agents(SHORT).items() if row in ROWS},
        PARTS: replace(SHORT, wrappers=("colour",)),
    },
    encoders={**{row: run for row, run in ENCODED.items() if row in ROWS}, PARTS: ENCODED["monet-lite"]},
    notes=(
        "Eight times as many updates for each step as in the table above, and a seventh of its steps.",
        "By colour: the masks of monet-lite, and for each, in place of its latents, the mean colour under it, its place "
        "and its extent.",
        *NOTES[:1],
        *NOTES[2:],
    ),
)
