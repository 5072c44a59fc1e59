"""Tasks — what an agent learns from true factors. Where it does not learn a task from these, no encoder's slots will do."""

from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.control_table import ControlTable


def on_true_factors(task: str, steps: int) -> AgentRun:
    """An agent whose slots are pooled by a relation network."""
    return AgentRun(f"ObjRep/{task}-v0", "oracle", preset="ppo-wide", steps=steps, envs=64)


EXPERIMENT = ControlTable(
    "Tasks from true factors",
    rows={
        "Reach": on_true_factors("Reach", 1_000_000),
        "OddOneOut": on_true_factors("OddOneOut", 1_000_000),
        "PropertyOddOneOut": on_true_factors("PropertyOddOneOut", 2_000_000),
        "Push, dense rewards": on_true_factors("PushDense", 500_000),
    },
    seeds=2,
    paper={"Reach": ".974", "OddOneOut": ".973", "PropertyOddOneOut": ".968", "Push, dense rewards": ".795"},
    notes=(
        "Rewards are sparse, 1 for success, but in Push, where a random hand succeeds in one episode of a hundred: dense "
        "ones add the metres by which a step brought the cube nearer. Episodes and success are the same.",
        "Paper: success of a transformer on true factors, on the two-dimensional tasks that these are like, from sparse "
        "rewards and after 2,000,000 steps (Yoon et al. 2023).",
        "A mean over seeds with the lowest and the highest of them, 200 episodes each. Agents act by drawing from their "
        "policy; hands have the scenes of the first seed.",
    ),
)
