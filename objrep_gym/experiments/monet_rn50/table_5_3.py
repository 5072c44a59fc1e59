"""Table 5.3 — rooms of four to six objects of one colour (Berriel 2022, §5.3), which no model of table 5.2 learned on but
monet-lite; then the same with textures, and the rooms of table 5.2."""

from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.monet_rn50._rows import NOTES, OURS, THEIRS
from objrep_gym.experiments.segmentation_table import ROOMS, SegmentationTable

EXPERIMENT = SegmentationTable(
    "Table 5.3",
    rows={**THEIRS, **OURS},
    exams={
        "objects of one colour": ROOMS["objects of one colour"],
        "objects of one colour, textured": Exam("objects-room:variant=identical-color,look=textured"),
        "Objects Room, test": ROOMS["Objects Room, test"],
    },
    seeds=3,
    paper={
        "objects of one colour": {
            "MONet": {"ari_fg": "78.83±2.53", "msc_fg": "56.99±5.60", "mse_decoded": "6.162±0.417"},
            "MONet-RN50": {"ari_fg": "80.95±1.70", "msc_fg": "51.74±8.84", "mse_decoded": "7.639±0.127"},
            "MONet-RN50*": {"ari_fg": "81.58±1.30", "msc_fg": "55.61±1.34", "mse_decoded": "6.155±0.896"},
        },
    },
    notes=(*NOTES, "monet-lite saw such rooms in a third of its training; the others saw rooms of many colours alone."),
)
