"""Push — the same comparison where a cube must be pushed onto a pad, with dense rewards."""

from dataclasses import replace

from objrep_gym.experiments.control._encoders import AXES, ENCODED, NOTES, ONLINE, agents
from objrep_gym.experiments.control.odd_one_out import ODD
from objrep_gym.experiments.control_table import ControlTable

EXPERIMENT = ControlTable(
    "Push",
    rows=agents(replace(ODD, env="ObjRep/PushDense-v0", steps=500_000)),
    encoders=ENCODED,
    online=ONLINE,
    axes=AXES,
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
