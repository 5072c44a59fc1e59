"""Pre-training of the trunk — with and without, and two readings of what the thesis leaves open (Berriel 2022, §4.2).

The thesis takes its trunk "from a supervised segmentation task" and never shows what that gains. Here the task is exact:
tables, whose shapes and materials are known at every pixel; what is then learned without labels is rooms, of other things
in other colours. All are the narrow presets, which a CPU trains.
"""

from dataclasses import replace

from objrep_gym.experiments.kinds import Run, Start
from objrep_gym.experiments.segmentation_table import SegmentationTable
from objrep_gym.experiments.starting import TRUNK
from objrep_gym.models import MODELS
from objrep_gym.models.monet import MONetConfig
from objrep_gym.training import Stage

TABLES = tuple(f"tabletop:look={look},engine=raycast" for look in ("published", "textured", "plain"))
STAGES = (Stage(30_000, lr=5e-4, schedule="cosine", warmup=300),)
TEACHER = Run(
    MODELS["segmenter-rn50-small"],
    data=TABLES,
    stages=(Stage(10_000, lr=1e-3, schedule="cosine", warmup=100),),
    batch=32,
    precision="bf16",
)
PUPIL = MONetConfig(attention="rn50-skip", channels=16, depths=(2, 2, 2, 2), component=32)
SCRATCH = Run(PUPIL, stages=STAGES, batch=32, precision="bf16")

EXPERIMENT = SegmentationTable(
    "Pre-training of MONet-RN50*'s trunk",
    rows={
        "from scratch": SCRATCH,
        "trunk taught to segment tables": replace(SCRATCH, start=Start(TEACHER, TRUNK)),
        "trunk and decoder taught": replace(SCRATCH, start=Start(TEACHER, (*TRUNK, "*upsampling.*"))),
        "trunk taught, then frozen": replace(
            SCRATCH,
            start=Start(TEACHER, TRUNK),
            stages=tuple(
                replace(stage, trains=("attention.upsampling.*", "attention.head.*", "encoder.*", "decoder.*"))
                for stage in STAGES
            ),
        ),
        "from scratch, sigmoid over its sum": replace(SCRATCH, model=replace(PUPIL, normalise="sigmoid")),
        "from scratch, any number of slots": replace(SCRATCH, model=replace(PUPIL, attention="rn50-variable")),
    },
    seeds=3,
    notes=(
        "The teacher learns the class of each pixel (shape and material, from exact masks and factors) and outlines; it "
        "never sees a room. A frozen trunk keeps the teacher's statistics of its batch normalisation too.",
        "The thesis closes its network with a sigmoid, after which masks do not sum to one: the softmax over slots of all "
        "other rows is compared with each slot's sigmoid over their sum.",
    ),
)
