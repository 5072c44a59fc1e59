"""Schedules of a ParallelVAE (Stavarache 2019): which members learn on which data, and when, as lists of stages.

Source k of a run is what member k learns on: kind k, and all kinds before it. Where a member is not taken up again, its
learning rate ends at nothing: at a constant one, the noise of the last steps is bits that a member says of an empty scene.
"""

from typing import Literal

from objrep_gym.training import Stage


def individual(members: int, steps: int, lr: float = 1e-3) -> tuple[Stage, ...]:
    """Member after member learns, for `steps` each, while the others are frozen (§4.1.1)."""
    return tuple(alone(k, steps, lr, "cosine") for k in range(members))


def together(members: int, steps: int, shared: int, lr: float = 1e-3, shared_lr: float = 5e-4) -> tuple[Stage, ...]:
    """After each member but the first has learned for `steps`, all so far learn together for `shared` more, at a lower
    rate (§4.1.3)."""
    stages = [alone(0, steps, lr, "cosine")]
    for k in range(1, members):
        every = tuple(names(i) for i in range(k + 1))
        stages += [alone(k, steps, lr, "cosine"), Stage(shared, shared_lr, every, (k,), schedule="cosine")]
    return tuple(stages)


def tandem(members: int, rounds: int, steps: int, lr: float = 1e-3) -> tuple[Stage, ...]:
    """The members take turns of `steps`, round after round (§4.3.2)."""
    return tuple(alone(k, steps, lr) for _ in range(rounds) for k in range(members))


def apart(members: int, steps: int, lr: float = 1e-3) -> tuple[Stage, ...]:
    """All members learn at once, on sources of which k has kind k alone, as in §3.1.1: for models in which sources say
    whose a thing is."""
    return (Stage(steps, lr, tuple(names(k) for k in range(members)), tuple(range(members)), "cosine", warmup=100),)


def everything(members: int, steps: int, lr: float = 1e-3) -> tuple[Stage, ...]:
    """All members learn at once on all that the run shows: no one says which is for what (§5)."""
    return (Stage(steps, lr, tuple(names(k) for k in range(members))),)


def alone(member: int, steps: int, lr: float, schedule: Literal["constant", "cosine"] = "constant") -> Stage:
    """One member learns on its own source."""
    return Stage(steps, lr, (names(member),), (member,), schedule=schedule)


def names(member: int) -> str:
    """The pattern of a member's parameters."""
    return f"vaes.{member}.*"
