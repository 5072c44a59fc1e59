"""Reach — what an agent learns from each encoder's slots, from pixels and from true factors."""

from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.control._encoders import AXES, ENCODED, NOTES, ONLINE, agents
from objrep_gym.experiments.control_table import ControlTable

REACH = AgentRun("ObjRep/Reach-v0", extractor="relation", steps=200_000, precision="bf16")

EXPERIMENT = ControlTable(
    "Reach",
    rows=agents(REACH),
    encoders=ENCODED,
    online=ONLINE,
    axes=AXES,
    paper={
        "true factors": ".974",
        "pixels": ".987",
        "VAE": ".674",
        "slot-attention-small": ".983",
        "one CNN per slot": ".974",
        "MAE patches": ".901",
        "SLATE": ".985",
        "IODINE": ".916",
    },
    notes=NOTES,
)
