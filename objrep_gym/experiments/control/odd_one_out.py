"""OddOneOut — the same comparison where the hand must find the one object that differs from the others."""

from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.control._encoders import AXES, ENCODED, NOTES, ONLINE, agents
from objrep_gym.experiments.control_table import ControlTable

ODD = AgentRun("ObjRep/OddOneOut-v0", extractor="relation", preset="ppo-wide", steps=1_500_000, envs=64, precision="bf16")

EXPERIMENT = ControlTable(
    "OddOneOut",
    rows=agents(ODD),
    encoders=ENCODED,
    online=ONLINE,
    axes=AXES,
    paper={
        "true factors": ".973",
        "pixels": ".225",
        "VAE": ".386",
        "slot-attention-small": ".975",
        "one CNN per slot": ".537",
        "MAE patches": ".216",
        "SLATE": ".979",
        "IODINE": ".701",
    },
    notes=NOTES,
)
