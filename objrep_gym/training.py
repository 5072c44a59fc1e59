"""The loop, as a generator: it trains and yields what happened; the caller's `for` body logs, saves, or breaks."""

import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

import torch
from torch import Tensor, nn

from objrep_gym.seeds import State, random_state, restore_random_state
from objrep_gym.types import Clock, Losses, Scenes

Precision = Literal["float32", "bf16"]
RESERVED = ("loss", "step", "stage", "time", "images_per_second")  # what a journal's line has beside the model's own losses
GENTLE = 500  # steps in which the rate rises again where weights go on with a new optimiser
BREATH = 1.0  # seconds after which a slow loop reports, due or not


@dataclass(frozen=True)
class Stage:
    """A stretch of training. ParallelVAE's schedules, pre-training and freezing are lists of stages."""

    steps: int
    """Optimiser steps."""
    lr: float = 1e-4
    """Learning rate, handed to the model's `parameter_groups`."""
    trains: tuple[str, ...] = ("*",)
    """Patterns of parameter names that learn; the others are frozen."""
    shows: tuple[int, ...] = ()
    """Numbers of the run's data sources that this stage sees; all if empty."""
    schedule: Literal["constant", "cosine", "halving"] = "constant"
    """How the learning rate goes: level, half a cosine from the end of the warm-up down to zero, or falling to half in
    every `half_life` steps from the first on."""
    warmup: int = 0
    """Steps in which the learning rate rises linearly from zero."""
    half_life: int = 100_000
    """Steps in which a halving learning rate falls to half."""
    optimiser: Literal["adam", "rmsprop"] = "adam"
    """Adam is fused where torch has a fused form; the public MONet code uses RMSprop."""
    clip: float | None = None
    """Largest gradient norm, per parameter group, so that no player of a game is clipped for another."""

    def rate(self, step: int) -> float:
        """Factor on the learning rate at a step: a pure function of the clock."""
        rising = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        if self.schedule == "constant":
            return rising
        if self.schedule == "halving":
            return rising * 0.5 ** (step / self.half_life)
        done = max(0, step - self.warmup) / max(1, self.steps - self.warmup)
        return rising * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


@dataclass(frozen=True)
class Progress:
    """What happened since the last record: mean losses (nats per image), images per second, seconds left."""

    step: int
    steps: int
    losses: dict[str, float]
    rate: float
    eta: float
    every: Mapping[str, int] = field(repr=False)
    loop: "Loop" = field(repr=False)

    def due(self, what: str) -> bool:
        """Whether this step is a multiple of `every[what]`, or the last. Raises KeyError on an unknown name."""
        if what not in self.every:
            raise KeyError(f"{what!r} has no interval; fit was given {', '.join(self.every)}")
        return self.step % self.every[what] == 0 or self.step == self.steps

    def state(self) -> State:
        """Optimiser, step and random state: `fit(…, start=state)` goes on as if it had never stopped."""
        return self.loop.state()


def fit(
    model: nn.Module,
    batches: Iterable[Scenes],
    stage: Stage,
    *,
    start: State | None = None,
    precision: Precision = "float32",
    every: Mapping[str, int] | None = None,
) -> Iterator[Progress]:
    """Train `model` for a stage on the device where its parameters are.

    Yields a Progress at each multiple of an interval in `every` ({"report": 25}), at the last step, and once a second
    in a slow loop. `start` is a state of an earlier Progress; `batches` then starts at that step too, and its attribute
    `examples`, if any, is the size of the training set, for losses that need it. Raises ValueError on patterns that name
    no parameter, and FloatingPointError, before anything of it is reported, on a loss that is not finite.
    """
    every = {"report": 25} if every is None else every
    loop = Loop(model, stage, precision, getattr(batches, "examples", None))
    if start is not None:
        loop.restore(start)
    source = iter(batches)
    since, shown = time.perf_counter(), loop.step
    rate = 0.0
    while loop.step < stage.steps:
        seen = len(scenes := next(source))
        loop.advance(scenes)
        due = loop.step == stage.steps or any(loop.step % interval == 0 for interval in every.values())
        slow = not loop.distributed and time.perf_counter() - since > BREATH
        if not (due or slow):
            continue
        losses = loop.report(reset=due)
        now = time.perf_counter()
        latest = seen * loop.processes * (loop.step - shown) / max(now - since, 1e-9)
        rate = latest if rate == 0 else 0.7 * rate + 0.3 * latest
        eta = (stage.steps - loop.step) * seen * loop.processes / rate
        yield Progress(loop.step, stage.steps, losses, rate, eta, every, loop)
        since, shown = time.perf_counter(), loop.step


class Loop:
    """What one stage keeps between steps: the compiled model, its optimiser, and sums of losses on the device."""

    def __init__(self, model: nn.Module, stage: Stage, precision: Precision, examples: int | None):
        self.stage, self.step, self.examples = stage, 0, examples
        self.renewed: int | None = None  # the step at which weights went on with a new optimiser
        self.device = device_of(model)
        freeze(model, stage.trains)
        self.layout = layout(model)
        model.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.optimiser = make_optimiser(model, stage, self.device)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.processes, self.rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        self.distributed = self.processes > 1
        self.run = self.wrap(model)
        self.part_noise()
        self.autocast = torch.autocast(self.device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
        self.clock = Clock(torch.zeros((), dtype=torch.int64, device=self.device), stage.steps, examples)
        self.names: tuple[list[str], list[str]] | None = None
        self.clear()

    def wrap(self, model: nn.Module) -> Any:
        """Data-parallel over the processes that `accelerate launch` or torchrun started; compiled on a GPU."""
        if self.distributed:
            from accelerate import Accelerator

            model = Accelerator().prepare_model(model)
        if self.device.type == "cuda":
            return torch.compile(model, mode=None if self.distributed else "reduce-overhead")
        return model

    def part_noise(self) -> None:
        """Each process of several draws its own noise, or their gradients would repeat each other's samples."""
        if self.rank:
            torch.manual_seed(torch.initial_seed() + 1_000_003 * self.rank + self.step)

    def advance(self, scenes: Scenes) -> None:
        """One step: forward, backward, update. Nothing here waits for the device."""
        self.clock.step.fill_(self.step)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * self.stage.rate(self.step) * self.gentleness()
        self.optimiser.zero_grad(set_to_none=True)  # before CUDA graphs write gradients anew, and before memory is short
        if self.device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()
        with self.autocast:
            losses: Losses = self.run(laid_out(scenes, self.layout), self.clock)
        losses.total().backward()
        if self.stage.clip is not None:
            for group in self.optimiser.param_groups:
                nn.utils.clip_grad_norm_(group["params"], self.stage.clip)
        self.optimiser.step()
        self.step += 1
        self.note(losses)

    def gentleness(self) -> float:
        """Factor on the learning rate: below one while a new optimiser learns how large gradients are."""
        return 1.0 if self.renewed is None else min(1.0, (self.step - self.renewed + 1) / GENTLE)

    def note(self, losses: Losses) -> None:
        """Add up the losses on the device, and keep those of the first step whose terms are not all finite."""
        if self.names is None:
            self.names = own_names(losses)
        terms = torch.stack([value.detach().float() for value in losses.terms.values()])
        watch = [value.detach().float() for value in losses.watch.values()]
        values = torch.cat((terms, torch.stack(watch))) if watch else terms
        if self.sums is None:
            self.sums, self.bad, self.bad_step = torch.zeros_like(values), torch.zeros_like(values), self.clock.step * 0
        self.sums += values
        first = ~torch.isfinite(terms).all() & (self.bad_step == 0)
        self.bad = torch.where(first, values, self.bad)
        self.bad_step = torch.where(first, self.clock.step + 1, self.bad_step)
        self.count += 1

    def report(self, reset: bool) -> dict[str, float]:
        """Mean losses since the last reset; the only place that reads numbers from the device."""
        assert self.names is not None
        assert self.sums is not None
        names = [*self.names[0], *self.names[1]]
        if step := int(self.bad_step.item()):
            told = ", ".join(f"{name} {value:g}" for name, value in zip(names, self.bad.tolist(), strict=True))
            raise FloatingPointError(
                f"the loss of step {step} is not finite: {told}. Lower the learning rate ({self.stage.lr:g}), clip "
                "gradients (Stage.clip), or train in float32; the last saved state is from before this step"
            )
        means = dict(zip(names, (self.sums / self.count).tolist(), strict=True))
        if reset:
            self.clear()
        return {"loss": sum(means[name] for name in self.names[0]), **means}

    def clear(self) -> None:
        self.sums: Tensor | None = None
        self.bad = self.bad_step = torch.zeros(())
        self.count = 0

    def state(self) -> State:
        kept = {"optimiser": self.optimiser.state_dict(), "random": random_state(self.device)}
        return {"step": self.step, "renewed": self.renewed, **kept}

    def restore(self, state: State) -> None:
        """Go on from a state; one without an optimiser, where weights are all that is left, begins gently."""
        self.step = int(state["step"])
        self.renewed = state.get("renewed")
        if "optimiser" in state:
            self.optimiser.load_state_dict(state["optimiser"])
            restore_random_state(state["random"], self.device)
        else:
            self.renewed = self.step
        self.part_noise()


def own_names(losses: Losses) -> tuple[list[str], list[str]]:
    """Names of terms and of what is watched; raises ValueError on one that is given twice or is the journal's own."""
    names = [*losses.terms, *losses.watch]
    taken = sorted({name for name in names if name in RESERVED or names.count(name) > 1})
    if taken:
        raise ValueError(
            f"losses named {', '.join(taken)}: names must differ from each other and from {', '.join(RESERVED)}"
        )
    return list(losses.terms), list(losses.watch)


def device_of(model: nn.Module) -> torch.device:
    """Where a model's parameters are; raises ValueError if it has none, as there is nothing to train then."""
    for parameter in model.parameters():
        return parameter.device
    raise ValueError(f"{type(model).__name__} has no parameters: there is nothing to train, use it as it is")


def freeze(model: nn.Module, patterns: Sequence[str]) -> None:
    """Let the parameters that match learn and freeze the others; modules with none that learn go to `eval()`, or the
    running statistics of a frozen BatchNorm would drift on. Raises ValueError on a pattern that matches none."""
    names = [name for name, _ in model.named_parameters()]
    idle = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)]
    if idle or not patterns:
        told = ", ".join(map(repr, idle)) or "no pattern"
        raise ValueError(f"trains={list(patterns)}: {told} matches no parameter; the model has {short(names)}")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(any(fnmatchcase(name, pattern) for pattern in patterns))
    model.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def short(names: Sequence[str], most: int = 12) -> str:
    """The first names of a list, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def make_optimiser(model: nn.Module, stage: Stage, device: torch.device) -> torch.optim.Optimizer:
    """The stage's optimiser over the model's own parameter groups, those that are frozen left out."""
    groups = model.parameter_groups(stage.lr)  # type: ignore[operator]
    for group in groups:
        group["params"] = [parameter for parameter in group["params"] if parameter.requires_grad]
    groups = [{"lr": stage.lr, **group} for group in groups if group["params"]]
    if stage.optimiser == "adam":
        return torch.optim.Adam(groups, lr=stage.lr, fused=device.type in ("cpu", "cuda"))
    return torch.optim.RMSprop(groups, lr=stage.lr, foreach=device.type == "cuda")


def layout(model: nn.Module) -> torch.memory_format:
    """How a model's weights and images are best laid out: channels innermost, which tensor cores and oneDNN like, but
    outermost on a CPU where the model has group norms, whose backward pass is six to thirty times as fast there. The same
    numbers to rounding."""
    grouped = any(isinstance(module, nn.GroupNorm) for module in model.modules())
    outermost = grouped and device_of(model).type == "cpu"
    return torch.contiguous_format if outermost else torch.channels_last


def laid_out(scenes: Scenes, memory_format: torch.memory_format) -> Scenes:
    """The batch with its image laid out like that; no copy where it is already."""
    return replace(scenes, image=scenes.image.contiguous(memory_format=memory_format))
