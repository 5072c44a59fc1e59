"""How fast things are. `BENCHES` names every measurement with its settings; all that a measurement compares runs in turns
within one process, and figures are medians."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Record = dict[str, Any]


class Bench(Protocol):
    """A measurement with its settings."""

    def measure(self) -> Iterator[Record]: ...


@dataclass(frozen=True)
class Render:
    """Our engines beside `mujoco.Renderer`: microseconds per frame and ratios."""

    size: int = 64
    """Height and width in pixels."""
    rounds: int = 15
    """Turns that each route has."""
    frames: int = 64
    """Pictures of a turn."""

    def measure(self) -> Iterator[Record]:
        from objrep_gym.bench.render import bench_render

        yield from bench_render(self.size, self.rounds, self.frames)


@dataclass(frozen=True)
class Env:
    """Steps per second with pictures: one environment, N in processes of their own, one by one, and as one native vector
    environment, by each engine, beside environments of others at 64×64."""

    env: tuple[str, ...] = ("ObjRep/Reach-v0",)
    """Environment ids of ours."""
    all: bool = False
    """Every registered id of ours, which takes minutes."""
    against: tuple[str, ...] = (
        "Reacher-v5",
        "Pusher-v5",
        "Ant-v5",
        "minigrid:MiniGrid-Empty-8x8-v0",
        "miniworld:MiniWorld-Hallway-v0",
    )
    """Environments of others; with a package's name and a colon in front of theirs, only where that is installed."""
    num: int = 16
    """N."""
    steps: int = 100
    """Steps of each environment in a turn, or as many as fit into `seconds`."""
    seconds: float = 0.3
    """The longest turn, but for one step of each."""
    rounds: int = 7
    """Turns that each has."""

    def measure(self) -> Iterator[Record]:
        from objrep_gym.bench.env import Turn, bench_env
        from objrep_gym.envs.pages import ids

        envs = ids() if self.all else self.env
        yield from bench_env(envs, self.against, self.num, self.rounds, Turn(self.steps, self.seconds))


@dataclass(frozen=True)
class Train:
    """Seconds of an optimiser step and the memory it holds, in float32 and bf16; MONet and Factor-VAE beside plain ones, as
    a first implementation has them. A batch of Factor-VAE is two of its paper's."""

    models: tuple[str, ...] = ("monet", "monet-lite")
    """Presets."""
    batch: int = 8
    """Images in a step."""
    rounds: int = 3
    """Steps that each has, after one that is not counted."""
    threads: int = 0
    """Of torch; 0 leaves them as they are."""
    device: Literal["cpu", "cuda"] | None = None
    """cpu or cuda; the GPU if there is one."""
    tiny: bool = False
    """Presets at toy width: a trial of the measurement itself."""

    def measure(self) -> Iterator[Record]:
        from objrep_gym.bench.train import bench_train
        from objrep_gym.bench.turns import threads
        from objrep_gym.processes import using

        with using(self.device), threads(self.threads):
            yield from bench_train(self.models, self.batch, self.rounds, self.tiny)


@dataclass(frozen=True)
class Encode:
    """Seconds of encoding a batch and the memory it holds, and one image after another; MONet beside a plain one."""

    models: tuple[str, ...] = ("monet-lite", "monet", "colour")
    """Presets, or references of weights."""
    batch: int = 16
    """Images: one of each environment."""
    rounds: int = 7
    """Turns that each has."""
    threads: int = 0
    """Of torch; 0 leaves them as they are."""
    device: Literal["cpu", "cuda"] | None = None
    """cpu or cuda; the GPU if there is one."""
    tiny: bool = False
    """Presets at toy width: a trial of the measurement itself."""

    def measure(self) -> Iterator[Record]:
        from objrep_gym.bench.encode import bench_encode
        from objrep_gym.bench.turns import threads
        from objrep_gym.processes import using

        with using(self.device), threads(self.threads):
            yield from bench_encode(self.models, self.batch, self.rounds, self.tiny)


@dataclass(frozen=True)
class Agent:
    """Steps per second of PPO: on true factors, on pixels, on slots from the wrapper, and with the frozen encoder inside
    the policy, which encodes every mini-batch of every epoch again."""

    env: str = "ObjRep/Reach-v0"
    """An environment id of ours."""
    encoder: str = "monet-lite@objects-room"
    """A reference of weights; `colour` where there are none."""
    rounds: int = 2
    """Rollouts with their updates, after one that is not counted."""

    def measure(self) -> Iterator[Record]:
        from objrep_gym.bench.agent import bench_agent

        yield from bench_agent(self.env, self.encoder, self.rounds)


@dataclass(frozen=True)
class Metrics:
    """Seconds that metrics of disentanglement take beyond encoding, on dSprites' whole grid of factors."""

    sizes: tuple[int, ...] = (3, 6, 40, 32, 32)
    """How many values each factor has."""
    codes: int = 10
    """Latents."""
    mixings: tuple[float, ...] = (0.0, 0.5, 1.0)
    """How much of the codes is a random mixture of all factors: from ideal codes to entangled ones."""
    default_boosting: bool = False
    """DCI by scikit-learn's default gradient boosting too, and how both rank models; takes minutes."""

    def measure(self) -> Iterator[Record]:
        from objrep_gym.bench.metrics import bench_metrics

        yield from bench_metrics(self.sizes, self.codes, self.mixings, self.default_boosting)


BENCHES: dict[str, Bench] = {
    "render": Render(),
    "env": Env(),
    "train": Train(),
    "encode": Encode(),
    "agent": Agent(),
    "metrics": Metrics(),
}
