"""Detours — what an agent learns last: to go round what stands in its way. OddOneOut from true factors, for less and less
steps, to be compared with what agents on learned slots have come to."""

from dataclasses import replace

from objrep_gym.experiments.control.odd_one_out import ODD
from objrep_gym.experiments.control_table import ControlTable

EXPERIMENT = ControlTable(
    "OddOneOut from true factors, for less and less steps",
    rows={f"{steps:,} steps": replace(ODD, encoder="oracle", steps=steps) for steps in (125_000, 250_000, 500_000)},
    seeds=2,
    notes=("The learning rate falls over the steps that a row has.",),
)
