"""Table 5.1 — initialisation and architecture, Objects Room's validation set, 0.5·10⁶ steps (Berriel 2022, §5.3)."""

from dataclasses import replace

from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.monet_rn50._rows import NOTES, narrow
from objrep_gym.experiments.segmentation_table import SegmentationTable
from objrep_gym.models.monet import MONetConfig
from objrep_gym.training import Stage

HALF = Run(MONetConfig(), stages=(Stage(500_000, lr=1e-4, optimiser="rmsprop"),))
ROWS = {
    "MONet, default": replace(HALF, model=MONetConfig(init="default")),
    "MONet, Kaiming": replace(HALF, model=MONetConfig(init="kaiming")),
    "MONet-RN50, default": replace(HALF, model=MONetConfig(attention="rn50", init="default")),
    "MONet-RN50, Kaiming": replace(HALF, model=MONetConfig(attention="rn50", init="kaiming")),
}

EXPERIMENT = SegmentationTable(
    "Table 5.1",
    rows=ROWS | {f"{name}, small": narrow(run) for name, run in ROWS.items()},
    exams={
        "Objects Room, validation": Exam("objects-room:variant=train,look=published", "validation"),
        "objects of one colour": Exam("objects-room:variant=identical-color,look=published", "validation"),
        "textured": Exam("objects-room:variant=train,look=textured", "validation"),
    },
    seeds=4,
    paper={
        "Objects Room, validation": {
            "MONet, default": {"ari_fg": "78.20±9.55", "msc_fg": "75.38±4.92", "mse_decoded": "1.1221±0.4158"},
            "MONet, Kaiming": {"ari_fg": "79.16±4.03", "msc_fg": "73.71±3.92", "mse_decoded": "1.8401±1.1863"},
            "MONet-RN50, default": {"ari_fg": "84.06±2.40", "msc_fg": "68.99±16.46", "mse_decoded": "0.7212±0.0813"},
            "MONet-RN50, Kaiming": {"ari_fg": "83.78±2.00", "msc_fg": "76.34±10.77", "mse_decoded": "0.8234±0.2502"},
        },
    },
    notes=(
        "Paper: Berriel 2022, four seeds, 500,000 steps of 64 images; its errors are printed in units of 10⁻⁴ there.",
        "Kaiming is read as k = 2 / (output channels · kernel area): with output channels alone, which the thesis's words "
        "also allow, MONet begins at a KL of up to 10¹⁰ nats.",
        NOTES[-1],
    ),
)
