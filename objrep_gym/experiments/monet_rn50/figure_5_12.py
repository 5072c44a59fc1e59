"""Figure 5.12 — operations and training time against the number of slots (Berriel 2022, §5.5)."""

from objrep_gym.experiments.costs import CostCurves
from objrep_gym.models.monet import MONetConfig

EXPERIMENT = CostCurves(
    "Figure 5.12",
    rows={"MONet": MONetConfig(), "MONet-RN50*": MONetConfig(attention="rn50-skip")},
    slots=(7, 11, 14, 18),
    batch=64,
    epoch=980_000,
    paper={
        "MONet-RN50*, 7 slots": {"saved": "30"},
        "MONet-RN50*, 18 slots": {"saved": "60"},
    },
    notes=(
        "The thesis prints its curves without numbers. It states 30 % of the training time saved at 7 slots and 60 % at "
        "18, and that the operations of MONet's attention grow with the slots while those of MONet-RN50* do not.",
        "Operations are those of products in the forward pass of one image, as this code runs it; a multiplication and its "
        "addition are two. MONet runs K − 1 passes for K slots, since nobody reads the last, and saves within a pass what "
        "docs/performance.md tells: its curve lies below that of the paper's own form, 15.5 GFLOP at 7 slots, so that "
        "there is less for MONet-RN50* to save.",
    ),
)
