"""Pre-training of the trunk — with and without, and two readings of what the thesis leaves open (Berriel 2022, §4.2).

The thesis takes its trunk "from a supervised segmentation task" and never shows what that gains. Here the task is exact:
tables, whose shapes and materials are known at every pixel; what is then learned without labels is rooms, of other things
in other colours. All are the narrow presets, which a CPU trains.
"""

from dataclasses import replace

from objrep_gym.experiments.kinds import Start
from objrep_gym.experiments.monet_rn50._rows import OURS, SMALL, TEACHER_SMALL
from objrep_gym.experiments.segmentation_table import SegmentationTable
from objrep_gym.experiments.starting import TRUNK
from objrep_gym.models.monet import MONetConfig

SCRATCH = OURS["monet-rn50-star-small"]
PUPIL = SCRATCH.model
assert isinstance(PUPIL, MONetConfig)

EXPERIMENT = SegmentationTable(
    "Pre-training of MONet-RN50*'s trunk",
    rows={
        "from scratch": SCRATCH,
        "trunk taught to segment tables": OURS["monet-rn50-star-small, pre-trained"],
        "trunk and decoder taught": replace(SCRATCH, start=Start(TEACHER_SMALL, (*TRUNK, "*upsampling.*"))),
        "trunk taught, then frozen": replace(
            SCRATCH,
            start=Start(TEACHER_SMALL, TRUNK),
            stages=tuple(
                replace(stage, trains=("attention.upsampling.*", "attention.head.*", "encoder.*", "decoder.*"))
                for stage in SMALL
            ),
        ),
        "from scratch, sigmoid over its sum": replace(SCRATCH, model=replace(PUPIL, normalise="sigmoid")),
        "from scratch, any number of slots": OURS["monet-rn50-variable-small"],
    },
    seeds=3,
    notes=(
        "The teacher learns the class of each pixel (shape and material, from exact masks and factors) and outlines; it "
        "never sees a room. A frozen trunk keeps the teacher's statistics of its batch normalisation too.",
        "The thesis closes its network with a sigmoid, after which masks do not sum to one: the softmax over slots of all "
        "other rows is compared with each slot's sigmoid over their sum.",
    ),
)
