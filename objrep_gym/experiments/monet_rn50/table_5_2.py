"""Table 5.2 and 5.3 — test scenes of Objects Room, and those whose objects share one colour (Berriel 2022, §5.3)."""

from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.segmentation_table import SegmentationTable
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

EXPERIMENT = SegmentationTable(
    "Tables 5.2 and 5.3",
    rows={
        "MONet": Run(MODELS["monet"], stages=(Stage(1_000_000, lr=1e-4, optimiser="rmsprop"),)),
        "monet-lite": Run(MODELS["monet-lite"], stages=(Stage(100_000, lr=1e-3, schedule="cosine", warmup=300),), batch=32),
    },
    seeds=3,
    paper={
        "Objects Room, test": {
            "MONet": {"ari_fg": "83.44±1.58", "msc_fg": "80.77±0.64", "mse_decoded": "0.712±0.153"},
        },
    },
)
