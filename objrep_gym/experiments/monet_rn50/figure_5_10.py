"""Figures 5.10, 5.11, B.5 and B.6 — one thing of a table, its latents from end to end (Berriel 2022, §5.4, B.2)."""

from objrep_gym.experiments.monet_rn50.table_5_4 import EXPERIMENT as TABLE
from objrep_gym.experiments.segmentation_table import SegmentationTable
from objrep_gym.experiments.slot_pictures import Traversals

FIRST = "tables, test"

EXPERIMENT = SegmentationTable(
    "Figures 5.10, 5.11, B.5 and B.6", TABLE.rows, {FIRST: TABLE.exams[FIRST]}, 1, {}, TABLE.notes, 1, Traversals()
)
