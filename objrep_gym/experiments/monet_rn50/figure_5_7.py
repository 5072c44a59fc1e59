"""Figures 5.7 to 5.9 and B.1 to B.4 — tables like CLEVR's taken apart, local minima among them (Berriel 2022, §5.4)."""

from objrep_gym.experiments.monet_rn50.table_5_4 import EXPERIMENT as TABLE
from objrep_gym.experiments.segmentation_table import SegmentationTable

FIRST = "tables, test"

EXPERIMENT = SegmentationTable(
    "Figures 5.7 to 5.9 and B.1 to B.4",
    TABLE.rows,
    {FIRST: TABLE.exams[FIRST]},
    seeds=1,
    paper={FIRST: TABLE.paper[FIRST]},
    notes=(*TABLE.notes, "A model of figures 5.7 and 5.8 is one whose table says that one slot takes all."),
    shown=5,
)
