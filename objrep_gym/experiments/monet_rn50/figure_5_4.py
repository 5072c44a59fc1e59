"""Figures 5.4 to 5.6 and A.10 to A.12 — one object's latents from end to end (Berriel 2022, §5.3, appendix A.2)."""

from objrep_gym.experiments.monet_rn50._rows import NOTES, OURS, THEIRS
from objrep_gym.experiments.segmentation_table import ROOMS, SegmentationTable
from objrep_gym.experiments.slot_pictures import Traversals

ROWS = ("MONet", "MONet-RN50", "MONet-RN50*", "monet-lite", "monet-rn50-star-small, pre-trained")

EXPERIMENT = SegmentationTable(
    "Figures 5.4 to 5.6 and A.10 to A.12",
    {name: run for name, run in {**THEIRS, **OURS}.items() if name in ROWS},
    {"Objects Room, test": ROOMS["Objects Room, test"]},
    seeds=1,
    notes=NOTES,
    shown=1,
    draw=Traversals(),
)
