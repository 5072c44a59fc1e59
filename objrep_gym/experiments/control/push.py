"""Push — the same comparison where a cube must be pushed onto a pad, with dense rewards."""

from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.control._encoders import ENCODED, NOTES, agents
from objrep_gym.experiments.control_table import ControlTable

PUSH = AgentRun("ObjRep/PushDense-v0", extractor="relation", preset="ppo-wide", steps=500_000, envs=64, precision="bf16")

EXPERIMENT = ControlTable(
    "Push",
    rows=agents(PUSH),
    encoders=ENCODED,
    paper={
        "true factors": ".795",
        "pixels": ".784",
        "VAE": ".340",
        "slot-attention-small": ".000",
        "one CNN per slot": ".490",
        "MAE patches": ".049",
        "SLATE": ".787",
        "IODINE": ".003",
    },
    notes=(
        "Rewards are dense: the metres by which a step brought the cube nearer, beside 1 for success. Episodes and success "
        "are those of Push; the paper's rewards are sparse.",
        *NOTES,
    ),
)
