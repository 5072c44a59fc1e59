"""Held out — agents that learned without some colours, shapes or combinations of both, and then meet them."""

from dataclasses import replace

from objrep_gym.experiments.control.reach import REACH
from objrep_gym.experiments.control_table import ControlTable

WITHOUT = {"colours": "Colours", "shapes": "Shapes", "combinations": "Combinations"}
SEEN = {"true factors": "oracle", "pixels": "pixels", "monet-lite": "monet-lite@objects-room"}

EXPERIMENT = ControlTable(
    "Held out",
    rows={
        f"{row}, without some {what}": replace(REACH, env=f"ObjRep/ReachSeen{ending}-v0", encoder=encoder)
        for row, encoder in SEEN.items()
        for what, ending in WITHOUT.items()
    },
    axes=tuple(f"Unseen{ending}" for ending in WITHOUT.values()),
    notes=(
        "An agent learns where some colours, shapes or combinations never occur, and is examined where only those do. The "
        "encoder has seen all of them, without labels; the agent has not.",
    ),
)
