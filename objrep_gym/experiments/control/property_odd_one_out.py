"""PropertyOddOneOut — the same comparison where the odd one differs in a single property, another one each episode."""

from dataclasses import replace

from objrep_gym.experiments.control._encoders import AXES, ENCODED, NOTES, ONLINE, agents
from objrep_gym.experiments.control.odd_one_out import ODD
from objrep_gym.experiments.control_table import ControlTable

EXPERIMENT = ControlTable(
    "PropertyOddOneOut",
    rows=agents(replace(ODD, env="ObjRep/PropertyOddOneOut-v0")),
    encoders=ENCODED,
    online=ONLINE,
    axes=AXES,
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
