"""PropertyOddOneOut — the same comparison where the odd one differs in a single property, another one each episode."""

from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.control._encoders import ENCODED, NOTES, agents
from objrep_gym.experiments.control_table import ControlTable

ODD = AgentRun(
    "ObjRep/PropertyOddOneOut-v0", extractor="relation", preset="ppo-wide", steps=1_000_000, envs=64, precision="bf16"
)

EXPERIMENT = ControlTable(
    "PropertyOddOneOut",
    rows=agents(ODD),
    encoders=ENCODED,
    paper={
        "true factors": ".968",
        "pixels": ".232",
        "VAE": ".387",
        "slot-attention-small": ".947",
        "one CNN per slot": ".567",
        "MAE patches": ".219",
        "SLATE": ".980",
        "IODINE": ".624",
    },
    notes=NOTES,
)
