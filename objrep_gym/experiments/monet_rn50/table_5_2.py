"""Table 5.2 — test scenes of Objects Room (Berriel 2022, §5.3); and the same models where colour tells less."""

from objrep_gym.experiments.monet_rn50._rows import NOTES, OURS, THEIRS
from objrep_gym.experiments.segmentation_table import SegmentationTable

EXPERIMENT = SegmentationTable(
    "Table 5.2",
    rows={**THEIRS, **OURS},
    seeds=3,
    paper={
        "Objects Room, test": {
            "MONet": {"ari_fg": "83.44±1.58", "msc_fg": "80.77±0.64", "mse_decoded": "0.712±0.153"},
            "MONet-RN50": {"ari_fg": "85.78±0.77", "msc_fg": "76.40±13.48", "mse_decoded": "0.819±0.325"},
            "MONet-RN50*": {"ari_fg": "86.88±1.23", "msc_fg": "84.10±0.73", "mse_decoded": "0.517±0.042"},
            "GENESIS-v2": {"ari_fg": "85±1", "msc_fg": "59±1"},
            "Slot Attention": {"ari_fg": "79±2", "msc_fg": "64±13"},
        },
    },
    notes=NOTES,
)
