"""Cylinders and spheres — what it takes for two VAEs to split the kinds, where the document's did not (Stavarache 2019,
§4.3.2 and §5)."""

from objrep_gym.experiments.members_figure import MembersFigure
from objrep_gym.experiments.parallel_vae import _runs

EXPERIMENT = MembersFigure(
    "Cylinders and spheres, split",
    rows=_runs.SPLITTING,
    kinds=_runs.SOLIDS,
    data=_runs.GREY[1],
    count=8,
    drawn=("ours",),
    notes=(
        "Ours: a map of latents in place of a vector, a nat at a twenty-fifth of the document's price, each member alone "
        "and then both together. Each other row takes one of these away, or changes one number.",
        *_runs.TABLE_NOTES,
    ),
)
