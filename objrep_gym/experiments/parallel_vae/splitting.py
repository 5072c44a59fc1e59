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
        "Ours: each source shows one kind alone, as the document's first schedule has it. Both members learn on both, and "
        "pay for each pixel by how little sure that one is which the source is for; scenes of both are cut and joined. A "
        "map of latents in place of a vector, a nat at a twenty-fifth of the document's price, and no price of being sure. "
        "The other rows have 2,500 steps, and each but the first of them changes one thing.",
        *_runs.TABLE_NOTES,
    ),
)
