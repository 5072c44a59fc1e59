"""Figure 5.3 and A.1 to A.9 — Objects Room taken apart after either initialisation (Berriel 2022, §5.3, appendix A.1)."""

from objrep_gym.experiments.monet_rn50.table_5_1 import EXPERIMENT as TABLE
from objrep_gym.experiments.segmentation_table import SegmentationTable

FIRST = "Objects Room, validation"

EXPERIMENT = SegmentationTable(
    "Figures 5.3 and A.1 to A.9",
    TABLE.rows,
    {FIRST: TABLE.exams[FIRST]},
    1,
    {FIRST: TABLE.paper[FIRST]},
    TABLE.notes,
    shown=10,
)
