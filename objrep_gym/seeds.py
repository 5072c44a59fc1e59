"""Where random numbers come from: torch's generators seeded in one place, and put back where a run left them; and which
scenes are an agent's."""

import random
from typing import Any

import numpy as np
import torch

State = dict[str, Any]
SPACED = 10_000_000  # scenes of an agent: half for how it begins and for its exams, half for where it goes on


def seed_everything(seed: int) -> None:
    """Seed torch, and numpy's and Python's global generators, which nothing here reads but a dependency may."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def first_scene(seed: int) -> int:
    """The seed of the first of an agent's environments, the others count up from it: no two agents share a scene. Model and
    policy have `seed` itself."""
    return SPACED * seed


def scene_after(seed: int, steps: int) -> int:
    """The seed of the first of its environments where an agent goes on after so many steps: none that it began with, and
    none of its exams, until it has gone 5 million steps."""
    return first_scene(seed) + SPACED // 2 + steps


def random_state(device: torch.device) -> State:
    """Where torch's generators stand."""
    state = {"cpu": torch.get_rng_state()}
    return state | {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else state


def restore_random_state(state: State, device: torch.device) -> None:
    """Put torch's generators where `random_state` found them."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
