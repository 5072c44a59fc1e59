"""Disentanglement of slots, which Berriel 2022 judges by eye (§5.3, §5.4) and asks to be measured (chapter 6)."""

from objrep_gym.experiments.disentanglement_table import DisentanglementTable

EXPERIMENT = DisentanglementTable(
    "What slots tell of objects",
    rows={"monet-lite": "monet-lite@objects-room"},
    notes=(
        "K-means' codes are written by hand: mean colour, centre, extent and area of each segment. They tell places by two "
        "numbers of their own, and a learned code has to be measured against that.",
    ),
)
