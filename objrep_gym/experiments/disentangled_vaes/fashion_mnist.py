"""Fashion-MNIST, drawn again by the β-VAE and the spatial broadcast decoder (Golla et al. 2021, §III.A; no figure)."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.model_figure import ModelFigure
from objrep_gym.experiments.one_code import reconstructions

EXPERIMENT = ModelFigure(
    "Fashion-MNIST drawn again",
    rows=_runs.with_small({"β = 1": _runs.CLOTHES, "β = 4": _runs.CLOTHES_BETA, "broadcast": _runs.CLOTHES_BROADCAST}),
    draw=reconstructions,
    shown=10,
    least=1,
    notes=(
        "20 epochs of 50,000 pictures of 28×28 pixels in batches of 32; the document says neither.",
        _runs.TRAINED,
        _runs.SHORTENED,
    ),
)
