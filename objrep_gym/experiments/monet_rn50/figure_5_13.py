"""Figure 5.13 — furnished rooms in place of SceneNet, each thing seen once or in many looks (Berriel 2022, §5.6)."""

from dataclasses import replace

from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.monet_rn50._rows import NOTES, small
from objrep_gym.experiments.segmentation_table import SegmentationTable
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

ONCE, MANY = "furnished:variant=furnished-once,size=64", "furnished:variant=furnished-many,size=64"
STAGES = (Stage(500_000, lr=1e-4, optimiser="rmsprop"),)

EXPERIMENT = SegmentationTable(
    "Figure 5.13",
    rows={
        "MONet-RN50*, each once": Run(MODELS["monet-rn50-star"], (ONCE,), STAGES),
        "MONet-RN50*, many looks": Run(MODELS["monet-rn50-star"], (MANY,), STAGES),
        "small, each once": replace(small("monet-rn50-star-small"), data=(ONCE,)),
        "small, many looks": replace(small("monet-rn50-star-small"), data=(MANY,)),
    },
    exams={"each thing once": Exam(ONCE), "many looks of each": Exam(MANY)},
    seeds=1,
    notes=(
        "The thesis finds on SceneNet that segments follow colour alone, and explains it by each thing being seen once: "
        "both versions of these rooms put that to the test. `--data scenenet:folder=…` trains on SceneNet itself.",
        NOTES[-1],
    ),
    shown=6,
)
