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
        "The other rows show each member 2,500 steps, and change one thing: of ours their number; of fewer steps the "
        "width, the vector, a price, normalisation or cutting; of one vector its decoder; of scenes that are not cut the "
        "claims; of no claims who learns when, in turns of 625 steps or 2,500. The document's members differ in all that "
        "makes them; where the second learns on both kinds, the first has learned on one for 1,000 steps before.",
        *_runs.TABLE_NOTES,
    ),
)
