"""Online — agents whose encoder learns from their own frames meanwhile, from nothing and from trained weights."""

from dataclasses import replace

from objrep_gym.agents.online import OnlineConfig
from objrep_gym.experiments.control.reach import REACH
from objrep_gym.experiments.control_table import ControlTable

SCRATCH = OnlineConfig("monet-lite", precision="bf16")
SHIPPED = OnlineConfig("monet-lite@objects-room", clock=1000, precision="bf16")
ONLINE = {
    "monet-lite, from nothing": SCRATCH,
    "monet-lite, never taught": replace(SCRATCH, ratio=0.0),
    "monet-lite, taught before and on": SHIPPED,
}

EXPERIMENT = ControlTable(
    "Reach, with encoders that learn meanwhile",
    rows={
        **{row: replace(REACH, steps=100_000) for row in ONLINE},
        "monet-lite, taught before and frozen": replace(REACH, steps=100_000, encoder="monet-lite@objects-room"),
    },
    online=ONLINE,
    notes=(
        "From nothing: weights are drawn, and a training step of 16 frames follows every 32 environment steps; every 64 of "
        "those make a version. Never taught: the same weights, which stay as they were drawn.",
        "monet-lite's attention sees colours beside what it learns, and takes plain rooms apart before it is taught. "
        "What an agent must wait for are latents that say what a slot holds, and MSE tells of those.",
    ),
)
