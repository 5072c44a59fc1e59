"""Online — agents whose encoder learns from their own frames meanwhile, from nothing and from trained weights."""

from dataclasses import replace

from objrep_gym.agents.online import OnlineConfig
from objrep_gym.experiments.control._encoders import ONLINE as ENCODERS
from objrep_gym.experiments.control.reach import REACH
from objrep_gym.experiments.control_table import ControlTable

(SCRATCH,) = ENCODERS.values()
SHIPPED = OnlineConfig.warm("monet-lite@objects-room", precision="bf16")
ONLINE = {
    "monet-lite, from nothing": SCRATCH,
    "monet-lite, never taught": replace(SCRATCH, first=0, ratio=0.0),
    "monet-lite, taught before and on": SHIPPED,
}

EXPERIMENT = ControlTable(
    "Reach, with encoders that learn meanwhile",
    rows={
        **dict.fromkeys(ONLINE, REACH),
        "monet-lite, taught before and frozen": replace(REACH, encoder="monet-lite@objects-room"),
    },
    online=ONLINE,
    notes=(
        "From nothing: weights are drawn, 1,500 training steps of 16 frames come before the policy's first, on frames of a "
        "thousand random steps, and 1,000 more follow, one in 64 environment steps; then the encoder stays as it is. "
        "Never taught: the same weights, which stay as they were drawn.",
        "monet-lite's attention sees colours beside what it learns, and takes plain rooms apart before it is taught. "
        "What an agent must wait for are latents that say what a slot holds, and MSE tells of those.",
    ),
)
