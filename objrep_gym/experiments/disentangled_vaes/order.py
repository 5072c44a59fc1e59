"""The document's hypothesis about its data (Golla et al. 2021, §V): that its order, in which all factors change at the same
time, kept the models from telling them apart."""

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.latents_table import LatentsTable

EXPERIMENT = LatentsTable(
    "Order of the ellipses",
    rows=_runs.with_small(
        {"shuffled": _runs.BETA, "one factor at a time": _runs.ORDERED, "all factors together": _runs.TOGETHER}
    ),
    notes=(
        *_runs.NOTES,
        "One factor at a time: each picture differs from the one before it by one step of one factor. All together: every "
        "factor takes a step from picture to picture. All are examined on the same pictures.",
    ),
)
