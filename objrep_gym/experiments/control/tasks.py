"""Tasks — what an agent learns from true factors. Where it does not learn a task from these, no encoder's slots will do."""

from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.control_table import ControlTable


def on_true_factors(task: str) -> AgentRun:
    """An agent that is told nothing but whether it succeeded."""
    return AgentRun(f"ObjRep/{task}-v0", "oracle", preset="ppo-wide", steps=1_000_000, envs=64)


EXPERIMENT = ControlTable(
    "Tasks from true factors, 1,000,000 steps",
    rows={task: on_true_factors(task) for task in ("Reach", "OddOneOut", "PropertyOddOneOut", "Push")},
    seeds=3,
    paper={"Reach": ".974", "OddOneOut": ".973", "PropertyOddOneOut": ".968", "Push": ".795"},
    notes=(
        "Rewards are sparse: 1 for success. Slots are pooled by a relation network.",
        "Paper: success of a transformer on true factors, on the two-dimensional tasks that these are like, after "
        "2,000,000 steps (Yoon et al. 2023).",
        "A mean over seeds with the lowest and the highest of them, 200 episodes each. Agents act by drawing from their "
        "policy; hands have the scenes of the first seed.",
    ),
)
