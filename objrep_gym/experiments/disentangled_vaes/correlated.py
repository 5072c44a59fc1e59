"""Correlated ellipses — does a model tell factors apart that come together? The data of CHyVAE (Ansari & Soh 2019, §5),
whose prior leaves latents their correlations."""

from dataclasses import replace

from objrep_gym.experiments.disentangled_vaes import _runs
from objrep_gym.experiments.latents_table import LatentsTable

SETS = {"": "ellipses", ", correlated": "ellipses:variant=correlated"}
SHOWN = {"β = 4": _runs.BETA, "CHyVAE": _runs.CHYVAE, "broadcast, β = 4": _runs.BROADCAST_BETA}

EXPERIMENT = LatentsTable(
    "Correlated ellipses",
    rows=_runs.with_small(
        {name + ending: replace(run, data=(ellipses,)) for name, run in SHOWN.items() for ending, ellipses in SETS.items()}
    ),
    notes=(
        *_runs.NOTES,
        "Correlated: across and down are drawn with a correlation of ½, and so are scale and orientation, without end. "
        "All are examined on the same pictures, where factors are independent.",
    ),
)
