"""Reach — what an agent learns from true factors, pooled in two ways, and from the slots of the shipped encoder."""

from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.control_table import ControlTable

REACH = "ObjRep/Reach-v0"

EXPERIMENT = ControlTable(
    "Reach, 100,000 steps",
    rows={
        "true factors, deep sets": AgentRun(REACH, "oracle"),
        "true factors, flat": AgentRun(REACH, "oracle", extractor="flat"),
        "monet-lite, deep sets": AgentRun(REACH, "monet-lite@objects-room"),
    },
    seeds=3,
    paper={"true factors, deep sets": ".974", "monet-lite, deep sets": ".624 – .985"},
    notes=(
        "Paper: success of a transformer on true factors, and the range of its slot encoders, on the two-dimensional task "
        "that this one is like, after 2,000,000 steps (Yoon et al. 2023).",
        "A mean over seeds with the lowest and the highest of them. Agents act by drawing from their policy.",
    ),
)
