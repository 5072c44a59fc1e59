"""Figure 4 — reconstructions of digits and of boards (Swain & Mahajan 2022)."""

from objrep_gym.experiments.factor_vae_nar import _runs
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.one_code import reconstructions

EXPERIMENT = ModelFigure(
    "Figure 4: reconstructions of digits and of boards",
    rows={
        "MNIST": _runs.ON_DIGITS,
        "MNIST, small": _runs.SMALL_DIGITS,
        "boards": _runs.ON_BOARDS,
        "boards, small": _runs.SMALL,
    },
    draw=reconstructions,
    least=1,
    notes=(
        "The document finds the paper of its boards light green in reconstructions, and yellow in pictures: the captions "
        "tell both colours.",
        *_runs.NOTES,
        "MNIST, small: half of the channels, and 10,000 steps of 128 digits at rates from 1e-3 down to none.",
    ),
)
