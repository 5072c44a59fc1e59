"""OnlineRun: one agent whose encoder learns from its own frames meanwhile; and `perform`, which makes or continues it."""

import json
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from objrep_gym.agents.heldout import HeldOut, held_out
from objrep_gym.agents.learn import learn, resume, save
from objrep_gym.agents.off_policy import ReplayPreset
from objrep_gym.agents.online import ANYWHERE, OnlineConfig, OnlineEncoder
from objrep_gym.configs import to_json
from objrep_gym.data import whole
from objrep_gym.data.watching import watching
from objrep_gym.experiments.agent import (
    AGENT,
    CURVE,
    RESULT,
    AgentRun,
    Keeping,
    Saves,
    begin,
    described,
    evaluated,
    examine,
    opened,
    random,
    shoot,
    told,
)
from objrep_gym.experiments.agent_exam import hands, success
from objrep_gym.experiments.agent_run import IN_ENCODER
from objrep_gym.figures.curves import Curve, curves
from objrep_gym.figures.style import drawn
from objrep_gym.journal import NAME, Journal, read
from objrep_gym.processes import stopping
from objrep_gym.seeds import first_scene
from objrep_gym.wrappers.encoder import Encoder
from objrep_gym.wrappers.sb3 import SB3VecEnv

ENCODER, ONLINE = "encoder", "online"
KEEPING = Keeping()


@dataclass(frozen=True)
class OnlineRun:
    """One agent and the encoder that learns beside it, complete."""

    agent: AgentRun
    """What learns, where and how long; an environment of ours. Its encoder is called `online`."""
    encoder: OnlineConfig
    """With what the encoder begins and how it learns."""
    scenes: int = 200
    """Held-out scenes on which every version is judged."""

    def check(self) -> None:
        """Raises ValueError on numbers below one, an agent with another encoder, an environment without true masks, and
        wrappers that cannot stand above an encoder that changes."""
        agent = self.agent
        if min(agent.steps, agent.envs, agent.episodes, self.scenes) < 1:
            raise ValueError(
                f"steps {agent.steps}, envs {agent.envs}, episodes {agent.episodes} and scenes {self.scenes} must be at "
                "least 1"
            )
        if agent.encoder != ONLINE:
            raise ValueError(
                f"the agent's encoder is {agent.encoder!r}: call it {ONLINE!r}, what it begins with is `start`"
            )
        if not agent.ours:
            raise ValueError(f"{agent.env} has no true masks to judge an encoder by: choose one of ours, ObjRep/…")
        if "normalise" in agent.wrappers:
            raise ValueError(
                "wrappers normalise: its statistics would be of versions that are gone. Leave it out: the extractor has a "
                "scale of its own, which is set anew for every version"
            )
        above = [name for name in agent.wrappers if name not in IN_ENCODER]
        if above and isinstance(agent.algorithm, ReplayPreset):
            raise ValueError(
                f"wrappers {', '.join(above)}: {agent.preset} keeps frames, of which slots are made anew in the order of "
                "the encoder. Leave them out, or choose a preset of PPO"
            )

    @property
    def beside(self) -> dict[str, Any]:
        """What its run.json holds beside the agent: all that the encoder and its figures depend on."""
        config = {name: value for name, value in to_json(self.encoder).items() if name not in ANYWHERE}
        return {ENCODER: config, "scenes": self.scenes}

    def seen(self, folder: Path) -> AgentRun:
        """The agent as it is examined: it sees by the encoder in its folder, in the precision in which it learned."""
        return replace(self.agent, encoder=str(folder / ENCODER), precision=self.encoder.precision)

    def held_out(self) -> HeldOut:
        """The scenes on which versions are judged."""
        with closing(self.agent.plain(info=("mask",))) as env:
            return held_out(env, self.scenes, first_scene(self.agent.seed))


def perform(run: OnlineRun, folder: Path | str, keeping: Keeping = KEEPING) -> list[dict[str, Any]]:
    """Trains and evaluates agent and encoder in `folder`, or goes on where they were left: a record of the agent, one of a
    random hand; none at all where it paused.

    Leaves what `agent.perform` leaves, the encoder in `encoder/`, and in each line of the journal whose version is new how
    well it takes held-out scenes apart: `encoder/ari`. curve.png shows that beside success. A kill between two files leaves
    an encoder that is one save ahead of its agent, and waits for it. Frames in a replay buffer of DQN or SAC are not saved,
    as they would be half a gigabyte each time: a run that goes on fills it by steps of the policy before it learns.
    Raises what `agent.perform` raises.
    """
    folder = Path(folder)
    run.check()
    keeping.check()
    begin(run.agent, folder, run.beside)
    found = (folder / RESULT).exists()
    records = json.loads((folder / RESULT).read_text(encoding="utf-8")) if found else made(run, folder, keeping)
    if keeping.film and records:
        shoot(run.seen(folder), folder, keeping.film)
    return records


def made(run: OnlineRun, folder: Path, keeping: Keeping) -> list[dict[str, Any]]:
    """The records of an agent and an encoder that are not finished yet, which are trained and examined."""
    agent = run.agent
    with closing(agent.plain()) as plain:
        online = OnlineEncoder(plain, run.encoder, **agent.inside)
        online.encoder.masks = "align" in agent.wrappers and online.learner.has_masks  # as in the examination
        online.resume(folder / ENCODER)
        model = resume(agent.algorithm, SB3VecEnv(agent.wrapped(online.env)), folder / AGENT, agent.seed)
        begun = bool(model.num_timesteps or online.encoder.version)
        with opened(run, folder, keeping, model.num_timesteps if begun else -1) as journal:
            if not train(run, (model, online), folder, keeping, journal):
                return []
            examined = examine(run.seen(folder), model, keeping.progress)
            records = [described(agent, examined), described(agent, random(agent), "random hand")]
            journal.tell(step=model.num_timesteps, **evaluated(records))
    records[0] |= {"steps": model.num_timesteps, **last_quality(folder)}
    whole.write(folder / CURVE, drawn(lambda: online_curve(folder, records)))
    whole.write(folder / RESULT, json.dumps(records, indent=2) + "\n")
    return records


def train(run: OnlineRun, pair: tuple[Any, OnlineEncoder], folder: Path, keeping: Keeping, journal: Journal) -> bool:
    """Learns and writes the journal; False where it paused before the end. Raises KeyboardInterrupt where SIGTERM or Ctrl-C
    ended it, after a save too."""
    (model, online), agent, judge = pair, run.agent, Judge(run.held_out(), journal)
    with watching(f"learn {agent.env}", agent.steps, keeping.progress) as show, stopping() as stop:
        if not (model.num_timesteps or online.encoder.version):
            journal.write(step=0, **{"encoder/version": 0.0, **judge(online.encoder)})
        taught = online.step(model)  # what it begins with, by frames of the random steps that set scales
        if quality := judge(online.encoder):
            journal.write(step=model.num_timesteps, **taught.record(), **quality)
        if taught.published:
            keep(model, online, folder)
        saves = Saves(lambda: keep(model, online, folder), keeping.pause, stop)
        for now in learn(model, agent.algorithm, agent.steps, keeping.seconds):
            taught = online.step(model)
            journal.write(step=now.step, **now.record(), **taught.record(), **judge(online.encoder))
            show(now.step, f"{told(now, agent.steps)}  version {taught.version}")
            if saves.pause(now):
                return False
    keep(model, online, folder)
    return True


class Judge:
    """Scores an encoder once for every version of which the journal has no score yet. A kill between two files leaves an
    encoder whose version was judged in a line that the journal dropped: it is judged again, where the agent goes on."""

    def __init__(self, exam: HeldOut, journal: Journal):
        self.exam, lines = exam, journal if journal.path.exists() else ()
        self.judged = {line["encoder/version"] for line in lines if "encoder/ari" in line}

    def __call__(self, encoder: Encoder) -> dict[str, float]:
        """What `HeldOut.score` says of a version; nothing of one that was judged."""
        if encoder.version in self.judged:
            return {}
        self.judged.add(encoder.version)
        return self.exam.score(encoder)


def keep(model: Any, online: OnlineEncoder, folder: Path) -> None:
    """Saves both, the encoder first: what it owes is counted in the agent's steps, so it can be ahead and not behind."""
    online.save(folder / ENCODER)
    save(model, folder / AGENT)


def qualities(folder: Path) -> list[dict[str, Any]]:
    """The lines of the journal in which a version was judged."""
    return [line for line in read(folder / NAME) if line.get("encoder/ari") is not None]


def last_quality(folder: Path) -> dict[str, Any]:
    """What the last line says of the encoder, for the agent's record: its version, ARI with bounds, squared error."""
    names = ("version", "ari", "ari_low", "ari_high", "mse")
    judged = qualities(folder)
    return {f"encoder/{name}": judged[-1][f"encoder/{name}"] for name in names} if judged else {}


def online_curve(folder: Path, records: list[dict[str, Any]]) -> Any:
    """Success while learning beside a random hand's, and the encoder's ARI on held-out scenes over the same steps."""
    lines = {"success": success(folder)}
    if judged := qualities(folder):
        when = np.array([line["step"] for line in judged])
        middle, low, high = (np.array([line[f"encoder/ari{part}"] for line in judged]) for part in ("", "_low", "_high"))
        lines["ARI of its encoder"] = Curve(when, *(np.clip(values, 0, 1) for values in (middle, low, high)))
    return curves(lines, "environment steps", "success, ARI", hands(records), scale="rate")
