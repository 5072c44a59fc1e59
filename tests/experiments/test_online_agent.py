"""One agent and the encoder that learns beside it: what it leaves, and that it goes on."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gymnasium as gym
import pytest

from objrep_gym import journal, weights
from objrep_gym.agents.online import OnlineConfig
from objrep_gym.experiments import agent as agent_module
from objrep_gym.experiments import online_agent
from objrep_gym.experiments.agent import AGENT, CURVE, FILM, RESULT, RUN, AgentRun, Keeping
from objrep_gym.experiments.online_agent import ENCODER, OnlineRun, perform
from objrep_gym.journal import read
from objrep_gym.models import MODELS
from objrep_gym.seeds import SPACED

AGENT_RUN = AgentRun("ObjRep/Reach-v0", "online", steps=2048, envs=8, episodes=8)
ENCODING = OnlineConfig(MODELS["monet-lite"].tiny(), batch=2, ratio=1 / 512, first=0, publish=2, frames=2**18, scaled=32)
SMALL = OnlineRun(AGENT_RUN, ENCODING, scenes=8)
QUIET, PAUSING = Keeping(progress=False), Keeping(progress=False, pause=0.0)


@pytest.fixture(scope="module")
def paused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was left after its first rollout."""
    folder = tmp_path_factory.mktemp("paused") / "run"
    assert perform(SMALL, folder, PAUSING) == []
    assert not (folder / RESULT).exists()
    return folder


@pytest.fixture
def run(paused: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(paused, tmp_path / "run"))


def test_success_and_quality_stand_side_by_side_and_a_pause_changes_no_schedule(run: Path):
    records = perform(SMALL, run, QUIET)
    lines = list(read(run / "journal.jsonl"))
    assert [line["step"] for line in lines] == [0, 1024, 2048]
    assert [line["encoder/version"] for line in lines] == [0, 1, 2]
    assert [line["encoder/steps"] for line in lines[1:]] == [2, 4]
    assert all(-0.5 <= line["encoder/ari_low"] <= line["encoder/ari"] <= 1 for line in lines)
    assert all("success" in line for line in lines[1:])
    assert [record["agent"] for record in records] == ["PPO, online, deep-set", "random hand"]
    assert records[0]["encoder/ari"] == lines[-1]["encoder/ari"]
    assert records[0]["steps"] == 2048
    assert {path.name for path in run.iterdir()} >= {RUN, AGENT, RESULT, CURVE, ENCODER}
    assert weights.load(run / ENCODER).config == ENCODING.start
    before = (run / AGENT).stat().st_mtime_ns
    assert perform(SMALL, run, QUIET) == records
    assert (run / AGENT).stat().st_mtime_ns == before


def test_two_seeds_are_judged_on_scenes_of_their_own(tmp_path, monkeypatch):
    asked = []

    def told(env, count, seed):
        asked.append(seed)
        raise InterruptedError

    monkeypatch.setattr(online_agent, "held_out", told)
    for seed in (0, 1):
        with pytest.raises(InterruptedError):
            perform(replace(SMALL, agent=replace(AGENT_RUN, seed=seed)), tmp_path / str(seed), QUIET)
    assert asked == [0, SPACED]


def test_a_kill_between_two_files_leaves_an_encoder_that_waits(run: Path):
    """The encoder was saved at 1024 steps and the agent not yet."""
    (run / AGENT).unlink()
    perform(SMALL, run, PAUSING)
    lines = list(read(run / "journal.jsonl"))
    assert [line["step"] for line in lines] == [0, 0, 1024]
    assert [line["encoder/version"] for line in lines] == [0, 1, 1]
    assert lines[2]["encoder/steps"] == 2


def test_a_version_whose_line_was_lost_in_a_kill_is_judged_again_and_once(run: Path):
    """It is the last one, and the evaluation names it."""
    (run / AGENT).unlink()
    short = replace(SMALL, agent=replace(AGENT_RUN, steps=1024))
    told = json.loads((run / RUN).read_text())
    told["run"]["steps"] = 1024
    (run / RUN).write_text(json.dumps(told))
    records = perform(short, run, QUIET)
    judged = [line for line in read(run / "journal.jsonl") if "encoder/ari" in line]
    assert [line["encoder/version"] for line in judged] == [0, 1]
    assert records[0]["encoder/version"] == 1
    assert records[0]["encoder/ari"] == judged[1]["encoder/ari"]


def test_what_an_encoder_begins_with_comes_before_the_policys_first_step(tmp_path):
    """And is saved at once; a run that was killed before has nothing of it twice in its journal."""
    run = replace(SMALL, encoder=replace(ENCODING, first=2))
    assert perform(run, tmp_path / "run", PAUSING) == []
    lines = list(read(tmp_path / "run" / "journal.jsonl"))
    assert [(line["step"], line["encoder/version"]) for line in lines] == [(0, 0), (0, 1), (1024, 2)]
    shutil.rmtree(tmp_path / "run" / ENCODER)
    (tmp_path / "run" / AGENT).unlink()
    perform(run, tmp_path / "run", PAUSING)
    assert [line["step"] for line in read(tmp_path / "run" / "journal.jsonl")] == [0, 0, 1024]


def test_another_encoder_does_not_go_on(run: Path):
    with pytest.raises(ValueError, match=r"ratio was 0\.00195.*, now 0\.5"):
        perform(replace(SMALL, encoder=replace(ENCODING, ratio=0.5)), run, QUIET)


def test_another_encoder_does_not_find_the_result_of_a_finished_one(run: Path):
    """Where a run.json is older and tells nothing of the encoder, the agent alone is compared."""
    (run / RESULT).write_text("[]")
    with pytest.raises(ValueError, match=r"holds another run: encoder\.publish was 2, now 3"):
        perform(replace(SMALL, encoder=replace(ENCODING, publish=3)), run, QUIET)
    with pytest.raises(ValueError, match=r"encoder\.start\.kind was 'MONetLiteConfig', now '"):
        perform(replace(SMALL, encoder=replace(ENCODING, start=MODELS["slot-attention-small"].tiny())), run, QUIET)
    with pytest.raises(ValueError, match=r"holds another run: scenes was 8, now 9"):
        perform(replace(SMALL, scenes=9), run, QUIET)
    assert perform(replace(SMALL, encoder=replace(ENCODING, device="cuda")), run, QUIET) == []
    told = json.loads((run / RUN).read_text())
    del told["encoder"]["precision"], told["encoder"]["start"]["size"], told["scenes"]
    (run / RUN).write_text(json.dumps(told))
    assert perform(SMALL, run, QUIET) == []
    del told["encoder"]
    (run / RUN).write_text(json.dumps(told))
    assert perform(SMALL, run, QUIET) == []


def test_a_replay_buffer_of_frames_is_not_saved_and_filled_again(tmp_path):
    """Its steps name frames that only memory holds."""
    run = replace(SMALL, agent=replace(AGENT_RUN, preset="dqn"))
    assert perform(run, tmp_path / "run", PAUSING) == []
    assert not list((tmp_path / "run").glob("*.replay.npz"))
    records = perform(run, tmp_path / "run", QUIET)
    lines = list(read(tmp_path / "run" / "journal.jsonl"))
    assert [line["step"] for line in lines] == [0, 1024, 2048]
    assert [line["encoder/version"] for line in lines] == [0, 1, 2]
    assert records[0]["agent"] == "DQN, online, deep-set"


def test_what_is_wrong_is_named(tmp_path):
    for agent, told in (
        (replace(AGENT_RUN, encoder="colour"), "call it 'online'"),
        (replace(AGENT_RUN, steps=0), "steps 0"),
        (replace(AGENT_RUN, env="CartPole-v1"), "has no true masks"),
        (replace(AGENT_RUN, wrappers=("locate", "normalise")), "normalise: its statistics would be of versions"),
        (replace(AGENT_RUN, wrappers=("locate", "shuffle"), preset="dqn"), "wrappers shuffle: dqn keeps frames"),
    ):
        with pytest.raises(ValueError, match=told):
            perform(OnlineRun(agent, ENCODING), tmp_path / "run", QUIET)
    with pytest.raises(ValueError, match="a film of -1 episodes"):
        perform(SMALL, tmp_path / "run", replace(QUIET, film=-1))
    assert not (tmp_path / "run").exists()


def test_an_agent_learns_under_the_control_and_wrappers_by_which_it_is_examined(tmp_path, monkeypatch):
    """And all that was opened is closed, the held-out scenes' environment too."""
    made, seen = [], []
    make, learning = gym.make_vec, online_agent.learn
    monkeypatch.setattr(gym, "make_vec", lambda *given, **keywords: made.append(make(*given, **keywords)) or made[-1])
    monkeypatch.setattr(online_agent, "learn", lambda model, *given: seen.append(model.env) or learning(model, *given))
    agent = replace(AGENT_RUN, steps=1024, control="continuous", wrappers=("locate", "align", "shuffle"))
    records = perform(replace(SMALL, agent=agent), tmp_path / "run", QUIET)
    (env,) = seen
    assert [type(layer).__name__ for layer in env.layers()[:3]] == ["VectorShuffleSlots", "VectorAlignSlots", "OnlineSlots"]
    assert env.layers()[2].encoder.masks, "align follows masks in the examination"
    size = MODELS["monet-lite"].tiny().build().latent_size
    assert env.observation_space.shape[-1] == size + 5, "where each lies beside its latents"
    assert isinstance(env.action_space, gym.spaces.Box)
    assert records[0]["agent"] == "PPO, online, deep-set, locate, align, shuffle"
    assert made
    assert all(one.unwrapped.closed for one in made)


def test_a_replay_of_frames_serves_control_by_numbers(tmp_path):
    run = replace(SMALL, agent=replace(AGENT_RUN, steps=1024, preset="sac", control="continuous", wrappers=("locate",)))
    assert perform(run, tmp_path / "run", QUIET)[0]["agent"] == "SAC, online, deep-set, locate"


def test_a_film_is_made_of_a_finished_run_too(run: Path):
    perform(SMALL, run, QUIET)
    assert not (run / FILM).exists()
    perform(SMALL, run, replace(QUIET, film=1))
    assert (run / FILM).exists()


def test_a_missing_tensorboard_is_told_before_anything_is_learned(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "find_spec", lambda name: None)
    with pytest.raises(journal.NotInstalled, match="tensorboard is not installed"):
        perform(SMALL, tmp_path / "run", replace(QUIET, tensorboard=True))
    assert not (tmp_path / "run").exists()


def test_the_board_gets_what_the_journal_gets_and_the_evaluation(run: Path, monkeypatch):
    told = []
    board = SimpleNamespace(add_scalar=lambda *given: told.append(given), close=lambda: None)
    monkeypatch.setattr(journal, "start_tensorboard", lambda folder, after: board)
    monkeypatch.setattr(journal, "check_tensorboard", lambda: None)
    monkeypatch.setattr(agent_module, "check_tensorboard", lambda: None)
    perform(SMALL, run, replace(QUIET, tensorboard=True))
    assert {"encoder/ari", "success", "evaluation/success"} <= {name for name, *_ in told}
