"""An algorithm on disk: stable-baselines3's zip, read without its pickled part, and arrays beside it: a replay buffer, and
the statistics by which its environments scale slots."""

import json
import pickle
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.save_util import load_from_zip_file
from stable_baselines3.common.vec_env import VecEnv

from objrep_gym.agents.preset import Preset
from objrep_gym.agents.replay import FrameReplayBuffer
from objrep_gym.data import whole
from objrep_gym.seeds import scene_after

COUNTS = ("_n_updates", "_n_calls")
"""What an algorithm counts beside its steps; `_n_calls` says when DQN copies its network next."""
PLACE = "place"


def save(model: BaseAlgorithm, path: Path, goes_on: bool = True) -> None:
    """Writes stable-baselines3's zip, and before it a replay buffer to `replay_path` and statistics of its environments to
    `statistics_path`, each whole or not at all: a kill leaves the old ones. A kill between them leaves arrays that are some
    steps newer than the policy, which harms nothing.

    goes_on: False where nothing will be learned any more: no buffer is written, and an old one is removed. One of frames is
    never written.
    """

    def write(beside: Path) -> None:
        with beside.open("wb") as file:  # given a path, stable-baselines3 would append .zip to the temporary name
            model.save(file)

    buffer = getattr(model, "replay_buffer", None)
    if goes_on and buffer is not None and not isinstance(buffer, FrameReplayBuffer):
        save_replay(buffer, replay_path(path))
    scales = statistics(model.get_env())
    if scales is not None:
        write_arrays(statistics_path(path), scales.state())
    whole.write(path, write)
    if not goes_on:
        replay_path(path).unlink(missing_ok=True)


def restore(preset: Preset, env: VecEnv, path: Path, seed: int) -> BaseAlgorithm:
    """The algorithm of `preset` as `save` left it at `path`; see `learn.resume`."""
    try:
        with zipfile.ZipFile(path) as archive:
            counted = json.loads(archive.read("data"))
        done = int(counted["num_timesteps"])
        _, parts, variables = load_from_zip_file(path, load_data=False, device="cpu")
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise damaged(path, error) from error
    model = preset.build(env, seed + done)
    env.seed(scene_after(seed, done))
    try:
        model.set_parameters(parts, device=model.device)
        for name, value in (variables or {}).items():  # of SAC, the temperature: `set_parameters` leaves it out
            with torch.no_grad():
                getattr(model, name).copy_(value)
    except (KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise damaged(path, error) from error
    model.num_timesteps = done
    for name in COUNTS:
        if hasattr(model, name) and isinstance(counted.get(name), int):
            setattr(model, name, counted[name])
    buffer = getattr(model, "replay_buffer", None)
    if buffer is not None and replay_path(path).exists():
        load_replay(buffer, replay_path(path))
    scales = statistics(env)
    if scales is not None:
        scales.restore(read_arrays(statistics_path(path)))
    return model


@runtime_checkable
class Statistics(Protocol):
    """What an environment learned of its slots' scale, such as `statistics` of a `VectorNormaliseSlots`."""

    frozen: bool

    def state(self) -> dict[str, np.ndarray]: ...

    def restore(self, state: dict[str, np.ndarray]) -> None: ...


def statistics(env: Any) -> Statistics | None:
    """The statistics of the outermost layer, of stable-baselines3 or of gymnasium, that has some; None where none has."""
    while env is not None:
        found = vars(env).get("statistics")
        if isinstance(found, Statistics):
            return found
        env = vars(env).get("venv", vars(env).get("env"))
    return None


def hand_over(model: BaseAlgorithm, env: Any) -> None:
    """Lets `env` scale slots as the environments that `model` learned in, and learn no scale of its own."""
    own, learned = statistics(env), statistics(model.get_env())
    if own is not None and learned is not None:
        own.restore(learned.state())
        own.frozen = True


def damaged(path: Path, error: Exception) -> ValueError:
    told = " ".join(str(error).split())
    return ValueError(f"{path} is not a checkpoint of this agent ({told}): choose another --out, or delete it")


def replay_path(path: Path) -> Path:
    """Where the replay buffer of the algorithm at `path` lies: `agent.replay.npz` beside `agent.zip`."""
    return path.with_suffix(".replay.npz")


def statistics_path(path: Path) -> Path:
    """Where the statistics of the environments of the algorithm at `path` lie."""
    return path.with_suffix(".statistics.npz")


def save_replay(buffer: ReplayBuffer, path: Path) -> None:
    """Writes the steps that a replay buffer holds as plain arrays, without pickle: one for each array of the buffer, named
    `observations` or, of a Dict, `observations/key`; rows lie as in the buffer."""
    rows = buffer.size()
    held = {name: array[:rows] for name, array in arrays(buffer)}
    write_arrays(path, {**held, PLACE: np.array([buffer.pos, int(buffer.full)])})


def load_replay(buffer: ReplayBuffer, path: Path) -> None:
    """Fills a buffer with what `save_replay` wrote. Raises ValueError on a file that is damaged, or of a buffer of another
    size, other observations or other environments."""
    wanted = dict(arrays(buffer))
    found = read_arrays(path)
    if set(found) != {*wanted, PLACE} or found[PLACE].shape != (2,):
        names = ", ".join(sorted([*wanted, PLACE]))
        raise damaged(path, ValueError(f"it holds {', '.join(sorted(found)) or 'nothing'}, not {names}"))
    place, full = found[PLACE].tolist()
    rows = buffer.buffer_size if full else place
    for name, array in wanted.items():
        if found[name].shape != (rows, *array.shape[1:]) or found[name].dtype != array.dtype:
            shapes = f"{name} is {found[name].dtype} {found[name].shape}, not {array.dtype} {(rows, *array.shape[1:])}"
            raise damaged(path, ValueError(shapes))
        array[:rows] = found[name]
    buffer.pos, buffer.full = place, bool(full)
    if rows:
        # Episodes that were going on end here: environments start anew, and a return over several steps would otherwise run
        # on into a scene of another episode.
        buffer.timeouts[place - 1] = np.maximum(buffer.timeouts[place - 1], 1 - buffer.dones[place - 1])


def write_arrays(path: Path, held: Mapping[str, np.ndarray]) -> None:
    """Arrays by name into one file, whole or not at all."""

    def write(beside: Path) -> None:
        with beside.open("wb") as file:
            np.savez(file, allow_pickle=False, **held)

    whole.write(path, write)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """What `write_arrays` wrote. Raises ValueError on anything else, a pickle among it."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, EOFError, FileNotFoundError) as error:
        raise damaged(path, error) from error


def arrays(buffer: ReplayBuffer) -> Iterator[tuple[str, Any]]:
    """The arrays of a buffer by name, one row for each step of all environments; those of a Dict by key too."""
    parts = dict(vars(buffer))
    for name, value in vars(buffer).items():
        if isinstance(value, dict):
            parts |= {f"{name}/{key}": one for key, one in value.items()}
    for name, part in parts.items():
        by_row = isinstance(part, np.ndarray) and part.shape[:2] == (buffer.buffer_size, buffer.n_envs)
        if by_row and part.dtype != object:
            yield name, part
