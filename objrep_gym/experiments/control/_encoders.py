"""What agents see in these tables, by row, and what the tables share.

The rooms that encoders are trained on are never those that an agent learns in or is examined on: their seeds differ.
"""

from dataclasses import replace

from objrep_gym.agents.online import OnlineConfig
from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.agent_run import Wrapping
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.monet_rn50._rows import OURS
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

AXES = ("MoreObjects", "OtherHand", "LowCamera", "RingCamera", "Evening", "Textures")
ROOMS_OF_THE_TASK = ("objects-room:variant=reach,look=plain,size=64",)


def learned(model: str, steps: int, batch: int) -> Run:
    """A model that learns on rooms of the task."""
    stage = Stage(steps, lr=1e-3, schedule="cosine", warmup=300)
    return Run(MODELS[model], ROOMS_OF_THE_TASK, (stage,), batch, precision="bf16")


PLAIN = {"true factors": "oracle", "pixels": "pixels", "colour": "colour"}
"""Rows whose encoder has nothing to learn."""
ENCODED = {
    "VAE": learned("vae-rooms", 10_000, batch=64),
    "monet-lite": OURS["monet-lite"],
    "monet-lite, located": OURS["monet-lite"],
    "monet-small": OURS["monet-small"],
    "monet-rn50-star-small": OURS["monet-rn50-star-small"],
    "slot-attention-small": OURS["slot-attention-small"],
    "genesis-v2-small": OURS["genesis-v2-small"],
    "mvae-fine": learned("mvae-fine", 30_000, batch=32),
}
"""Rows whose encoder is trained first, without labels, and then frozen."""
WRAPPED: dict[str, tuple[Wrapping, ...]] = {"monet-lite, located": ("locate",)}
"""Rows whose slots go through wrappers."""
ONLINE = {"monet-lite, online": OnlineConfig("monet-lite", precision="bf16")}
"""Rows whose encoder learns from drawn weights while the agent acts."""
ORDER = ("true factors", "pixels", "VAE", "colour", *list(ENCODED)[1:], *ONLINE)
NOTES = (
    "Slots are pooled by a relation network; pixels go through a convolutional one that learns with the agent. A row waits "
    "until its encoder is trained to the end. Located: moments of each slot's mask, which tell its place and extent, stand "
    "beside its latents.",
    "Paper: success after 2,000,000 steps on the two-dimensional task that this one is like, slots pooled by a transformer "
    "(Yoon et al. 2023).",
    "Agents act by drawing from their policy. Hands have the scenes of the first seed.",
)


def agents(run: AgentRun) -> dict[str, AgentRun]:
    """An agent for every row, which differ in what they see alone."""
    return {row: replace(run, encoder=PLAIN.get(row, run.encoder), wrappers=WRAPPED.get(row, ())) for row in ORDER}
