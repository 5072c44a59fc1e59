"""Table 5.5 — parameters and memory of MONet and MONet-RN50 (Berriel 2022, §5.5)."""

from objrep_gym.experiments.costs import CostTable
from objrep_gym.models.monet import MONetConfig

EXPERIMENT = CostTable(
    "Table 5.5",
    rows={
        "MONet": MONetConfig(),
        "MONet-RN50": MONetConfig(attention="rn50"),
        "MONet-RN50*": MONetConfig(attention="rn50-skip"),
        "MONet-RN50*, any number of slots": MONetConfig(attention="rn50-variable"),
    },
    batches=(1, 64),
    paper={
        1: {
            "MONet": {"attention": "13.926", "training_mb": "3,800", "inference_mb": "1,690"},
            "MONet-RN50": {"attention": "54.024", "training_mb": "4,170", "inference_mb": "2,160"},
            "MONet-RN50*": {"attention": "55.791", "training_mb": "2,590", "inference_mb": "2,170"},
        }
    },
    notes=(
        "Training is one optimiser step in float32 by Adam: weights, gradients, its two moments, and the most that the "
        "step held beyond them. Inference encodes and decodes, without gradients.",
        "The thesis tells what an RTX 3090 reports, in GB: its context, the libraries' workspace and torch's cache are in "
        "it, which is most of it for a batch of one image. Ours are the tensors' own bytes on a GPU, and the process's "
        "resident memory on a CPU.",
    ),
)
