"""AgentRun: folders that hold another's work, environments of others, and a demonstration that deletes nothing."""

import json
from dataclasses import replace
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from gymnasium.vector import VectorEnv, VectorWrapper
from PIL import Image

from objrep_gym import journal
from objrep_gym.agents.algorithms import ALGORITHMS
from objrep_gym.agents.learn import save
from objrep_gym.agents.off_policy import ReplayPreset
from objrep_gym.envs.vector import ObjectsRoomVector
from objrep_gym.experiments import agent_run
from objrep_gym.experiments.agent import AGENT, EXAM, FILM, RESULT, RUN, AgentRun, Keeping, perform, privileged
from objrep_gym.experiments.demo import Demonstration, learned
from objrep_gym.experiments.film import film
from objrep_gym.experiments.ways import on_ways
from objrep_gym.journal import read
from objrep_gym.seeds import SPACED

SMALL = AgentRun("ObjRep/Reach-v0", "oracle", steps=1024, episodes=16)
QUIET = Keeping(progress=False)


def test_a_run_leaves_its_records_and_is_found_again(tmp_path):
    records = perform(SMALL, tmp_path / "run", QUIET)
    assert [record["agent"] for record in records] == ["PPO, oracle, deep-set", "random hand"]
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {RUN, AGENT, RESULT, "journal.jsonl", "curve.png"}
    before = (tmp_path / "run" / AGENT).stat().st_mtime_ns
    assert perform(SMALL, tmp_path / "run", QUIET) == records
    assert (tmp_path / "run" / AGENT).stat().st_mtime_ns == before


def test_two_seeds_share_no_scene_in_training_and_in_their_exams(tmp_path, monkeypatch):
    """Seed 0 has those that it always had; film and hands see the same as the exam."""
    told, reset = set(), ObjectsRoomVector.reset

    def spied(env, *, seed=None, options=None):
        found = reset(env, seed=seed, options=options)
        told.update(env.np_random_seed if seed is not None else ())
        return found

    monkeypatch.setattr(ObjectsRoomVector, "reset", spied)
    seen = []
    for seed in (0, 1):
        run, folder = replace(SMALL, seed=seed), tmp_path / str(seed)
        perform(run, folder, Keeping(progress=False, film=1))
        on_ways(run, folder)
        privileged(run)
        seen.append(set(told))
        told.clear()
    assert seen[0] == {*range(16), *range(EXAM, EXAM + 16)}
    assert seen[1] == {SPACED + scene for scene in seen[0]}


def test_a_run_that_paused_goes_on(tmp_path):
    longer = replace(SMALL, steps=3 * SMALL.steps)
    assert perform(longer, tmp_path, Keeping(progress=False, pause=0.0)) == []
    assert (tmp_path / AGENT).exists()
    assert not (tmp_path / RESULT).exists()
    first = [line["step"] for line in read(tmp_path / "journal.jsonl")]
    records = perform(longer, tmp_path, QUIET)
    steps = [line["step"] for line in read(tmp_path / "journal.jsonl")]
    assert len(first) == 1
    assert steps == sorted(set(steps))
    assert steps[:1] == first
    assert records[0]["steps"] == steps[-1] >= longer.steps


def test_a_run_that_never_began_does_not_hold_its_folder(tmp_path):
    with pytest.raises(ValueError, match="colur"):
        perform(AgentRun("ObjRep/Reach-v0", "colur"), tmp_path / "run", QUIET)
    assert perform(SMALL, tmp_path / "run", QUIET)


def test_another_run_and_a_damaged_file_are_refused(tmp_path):
    perform(SMALL, tmp_path / "run", QUIET)
    with pytest.raises(ValueError, match="holds another run: seed was 0, now 1"):
        perform(AgentRun("ObjRep/Reach-v0", "oracle", steps=1024, episodes=16, seed=1), tmp_path / "run", QUIET)
    (tmp_path / "run" / RUN).write_text("[]")
    with pytest.raises(ValueError, match=r"run\.json is damaged"):
        perform(SMALL, tmp_path / "run", QUIET)


def test_foreign_files_are_left_alone_and_what_a_kill_left_is_not(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"holds no run \(run\.json\), but thesis\.txt"):
        perform(SMALL, tmp_path, QUIET)
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "run.json.77.partial").write_text("{")
    assert perform(SMALL, tmp_path / "killed", QUIET)


@pytest.mark.parametrize("changed", [{"steps": 0}, {"episodes": 0}, {"envs": 0}])
def test_nothing_is_asked_for_nothing(tmp_path, changed):
    with pytest.raises(ValueError, match="must be at least 1"):
        perform(AgentRun("ObjRep/Reach-v0", "oracle", **changed), tmp_path / "run", QUIET)
    assert not (tmp_path / "run").exists()


def test_an_environment_of_others_that_only_renders():
    env = AgentRun("InvertedPendulum-v5", "colour").make(count=2)
    assert env.reset().shape == (2, 7, 8)
    env.close()


def test_the_demonstration_deletes_no_agent_but_its_own(tmp_path):
    perform(SMALL, tmp_path / "agent", QUIET)
    with pytest.raises(ValueError, match="holds another run"):
        learned(Demonstration("oracle"), tmp_path / "agent")
    assert (tmp_path / "agent" / AGENT).exists()
    assert json.loads((tmp_path / "agent" / RESULT).read_text())


def test_a_folder_that_is_older_than_a_field_is_still_this_run(tmp_path):
    """`wrappers` and `control` are newer than many folders, and so may be a number of a preset."""
    records = perform(SMALL, tmp_path, QUIET)
    described = json.loads((tmp_path / RUN).read_text())
    for part, names in {"run": ("wrappers", "control", "precision"), "algorithm": ("gae_lambda",)}.items():
        for name in names:
            del described[part][name]
    (tmp_path / RUN).write_text(json.dumps(described))
    assert perform(SMALL, tmp_path, QUIET) == records
    with pytest.raises(ValueError, match=r"another run: wrappers was \(\), now \('shuffle',\)"):
        perform(replace(SMALL, wrappers=("shuffle",)), tmp_path, QUIET)


@pytest.mark.parametrize(("preset", "control"), [("dqn", "continuous"), ("sac", "discrete")])
def test_a_preset_that_does_not_fit_is_told_before_anything_is_learned(tmp_path, preset, control):
    with pytest.raises(ValueError, match="presets that fit are"):
        perform(replace(SMALL, preset=preset, control=control), tmp_path, QUIET)
    assert [path.name for path in tmp_path.iterdir()] == [RUN]


def test_control_of_others_is_their_own():
    with pytest.raises(ValueError, match="has a control of its own"):
        AgentRun("InvertedPendulum-v5", "colour", control="continuous").make(count=1)


class Scales:
    """Statistics as `VectorNormaliseSlots` keeps them: what was seen, until they are frozen."""

    def __init__(self) -> None:
        self.frozen, self.seen = False, np.zeros(1)

    def state(self) -> dict[str, np.ndarray]:
        return {"seen": self.seen}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.seen = state["seen"]


class Doubled(VectorWrapper[Any, Any, Any, Any, Any]):
    """Counts what it sees, and doubles nothing until it has seen something."""

    made: ClassVar[list["Doubled"]] = []

    def __init__(self, env: VectorEnv[Any, Any, Any]):
        super().__init__(env)
        self.statistics = Scales()
        Doubled.made.append(self)

    def step(self, actions: np.ndarray) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        assert not self.statistics.frozen or self.statistics.seen > 0
        self.statistics.seen = self.statistics.seen + (not self.statistics.frozen)
        return self.env.step(actions)


class Outer(VectorWrapper[Any, Any, Any, Any, Any]):
    """Wraps, and nothing else."""


def test_wrappers_stand_outside_the_slots_in_their_order(monkeypatch):
    fakes = {"align": f"{__name__}:Outer", "normalise": f"{__name__}:Doubled", "shuffle": f"{__name__}:Outer"}
    monkeypatch.setattr(agent_run, "WRAPPERS", fakes)
    env = replace(SMALL, wrappers=("align", "normalise")).make(count=1)
    assert [type(layer).__name__ for layer in env.layers()][:3] == ["Doubled", "Outer", "VectorOracleSlots"]
    env.close()
    bare = replace(SMALL, encoder="colour", wrappers=("align",)).make("oracle", count=1)
    assert type(bare.env).__name__ == "VectorOracleSlots", "hands that know everything need no wrapper"
    bare.close()
    with pytest.raises(ValueError, match="take slots, and the encoder is pixels"):
        replace(SMALL, encoder="pixels", wrappers=("shuffle",)).make(count=1)


@pytest.mark.parametrize("preset", [name for name, preset in ALGORITHMS.items() if isinstance(preset, ReplayPreset)])
def test_a_scale_that_moves_is_refused_before_a_replay_buffer(preset):
    run = replace(SMALL, preset=preset, control="continuous" if preset == "sac" else "discrete")
    with pytest.raises(ValueError, match=rf"preset {preset} keeps slots in a replay buffer.*Leave it out"):
        replace(run, wrappers=("align", "normalise")).make(count=1)
    replace(run, wrappers=("shuffle",)).make(count=1).close()


def test_statistics_of_wrappers_are_kept_with_the_agent_and_stay_in_its_evaluation(tmp_path, monkeypatch):
    monkeypatch.setattr(agent_run, "WRAPPERS", {"normalise": f"{__name__}:Doubled"})
    monkeypatch.setattr(Doubled, "made", [])
    run = replace(SMALL, steps=2048, wrappers=("normalise",))
    assert perform(run, tmp_path, Keeping(progress=False, pause=0.0)) == []
    assert perform(run, tmp_path, QUIET)[0]["agent"] == "PPO, oracle, deep-set, normalise"
    first, again, examined, *_ = Doubled.made
    assert again.statistics.seen > first.statistics.seen > 0, "it went on where it was"
    assert examined.statistics.frozen
    assert examined.statistics.seen == again.statistics.seen


def filmed(run: AgentRun, folder: Path) -> Image.Image:
    """One episode of an agent that learned nothing."""
    env = run.make()
    save(run.algorithm.build(env, 0), folder / AGENT)
    env.close()
    return Image.open(BytesIO(film(run, folder, 1)[0]))


@pytest.mark.parametrize(("encoder", "panels"), [("oracle", 1), ("colour", 2)])
def test_a_film_shows_the_room_and_the_slots_over_it(tmp_path, encoder, panels):
    seen = filmed(replace(SMALL, encoder=encoder, envs=1), tmp_path)
    assert seen.size == (288 * panels + 8 * (panels - 1), 288)
    assert seen.n_frames > 4
    edge = np.asarray(seen.convert("RGB"))[2, 2].astype(int)
    seen.seek(seen.n_frames - 1)
    last = np.asarray(seen.convert("RGB"))[2, 2].astype(int)
    assert min(np.abs(last - colour).max() for colour in ([30, 170, 110], [210, 70, 60])) < 25, "how it ended"
    assert np.abs(edge - last).max() > 25


def test_a_film_of_others_environments(tmp_path):
    assert filmed(AgentRun("InvertedPendulum-v5", "colour", envs=1), tmp_path).size == (584, 288)


def test_a_film_is_made_of_a_finished_run_too(tmp_path):
    records = perform(SMALL, tmp_path, QUIET)
    assert not (tmp_path / FILM).exists()
    assert perform(SMALL, tmp_path, Keeping(progress=False, film=1)) == records
    assert (tmp_path / FILM).exists()


def test_a_film_of_fewer_than_no_episodes_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a film of -1 episodes"):
        perform(SMALL, tmp_path / "run", Keeping(film=-1))


def test_a_missing_tensorboard_is_told_before_anything_is_learned(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "find_spec", lambda name: None)
    with pytest.raises(journal.NotInstalled, match=r"pip install 'objrep-gym\[tensorboard\]'"):
        perform(SMALL, tmp_path / "run", Keeping(tensorboard=True))
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="not installed: objrep-gym[tensorboard]")
def test_tensorboard_gets_what_the_journal_gets_and_the_evaluation(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    records = perform(SMALL, tmp_path, Keeping(progress=False, tensorboard=True))
    found = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    (line,) = journal.read(tmp_path / "journal.jsonl")
    assert found.Scalars("success")[-1].value == pytest.approx(line["success"])
    assert found.Scalars("evaluation/success")[-1].value == pytest.approx(records[0]["success"])
