"""ControlTable: what its cells say, which agents wait, how the minutes are shared, and where something is changed."""

import json
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

from objrep_gym.agents.algorithms import ALGORITHMS
from objrep_gym.agents.online import OnlineConfig
from objrep_gym.experiments.agent import AGENT, RESULT, AgentRun, Keeping, perform
from objrep_gym.experiments.control_cells import COLUMNS, cells
from objrep_gym.experiments.control_table import ControlTable, below, going, learning, mastered
from objrep_gym.experiments.generalising import FOUND, changed, on_axes
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.known import KNOWN
from objrep_gym.experiments.reproduce import find
from objrep_gym.experiments.trained import Effort, trained
from objrep_gym.figures.page import Picture
from objrep_gym.journal import NAME
from objrep_gym.metrics.intervals import Interval
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

SEES = AgentRun("ObjRep/Reach-v0", "oracle", steps=1024, episodes=16)
HAND = {"success": 0.3, "success_low": 0.2, "success_high": 0.4}


def records(*rates):
    told = {"row": "a", "of": 100_000, "success_low": 0.1, "success_high": 0.9, "length": 5.0, "steps": 100_000}
    done = {**told, "episodes": 200, "mastered": 5000, "random": HAND, "privileged": HAND, "axes": {}}
    return [{**done, "success": rate} for rate in rates]


def unfinished(steps):
    return {"row": "a", "seed": 1, "of": 100_000, "steps": steps, "success": None}


def test_several_seeds_are_told_by_their_mean_and_what_they_leave_open():
    asked = ControlTable("t", {"a": SEES}, paper={"a": ".9", "theirs": ".5"})
    (table,) = asked.tables(records(0.5, 0.9, 0.7))
    row = table.rows["a"]
    assert row["success"].mean == pytest.approx(0.7)
    assert row["success"].low == pytest.approx(0.5, abs=0.05)  # all three draws may be the worst seed
    assert row["success"].high == pytest.approx(0.9, abs=0.05)
    assert row["seeds"] == "50.0  90.0  70.0"
    assert row["random"] == Interval(0.3, 0.2, 0.4)
    assert [name for name, _ in table.cells()] == ["a", "theirs"]


def test_a_single_one_is_told_with_its_own_interval():
    assert cells(records(0.5))["success"] == Interval(0.5, 0.1, 0.9)
    assert cells(records(0.5))["learned"] == "1 × 100,000"


def test_an_agent_that_is_not_finished_has_no_success_yet():
    row = cells([*records(0.5), unfinished(2048)])
    assert row["learned"] == "1 × 100,000, 2,048 of 100,000"
    assert row["success"] == Interval(0.5, 0.1, 0.9)
    assert cells([unfinished(0)]) == {"learned": "–"}
    (table,) = ControlTable("t", {"a": SEES}, paper={"a": ".9"}).tables([unfinished(0)])
    assert table.rows == {}  # the paper's number is shown all the same


@pytest.mark.parametrize("scale", [0.0, -1.0, 2.0])
def test_a_scale_is_a_fraction(scale):
    with pytest.raises(ValueError, match=r"not in \(0, 1\]"):
        ControlTable("t", {}).scaled(scale)


def journal(folder, rates, episodes=100):
    folder.mkdir(parents=True)
    lines = [{"step": 1000 * (i + 1), "episodes": episodes, "success": rate, "time": 0.0} for i, rate in enumerate(rates)]
    (folder / NAME).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_task_is_mastered_when_three_hundred_episodes_are_and_not_before(tmp_path):
    lucky = journal(tmp_path / "lucky", [1.0, 0.0, 0.0, 0.9, 0.9, 0.9, 0.9])
    assert mastered(lucky) == 6000  # the first hundred episodes were luck: a mean of three hundred is wanted
    assert mastered(journal(tmp_path / "never", [0.7] * 9)) is None


def test_a_line_is_drawn_as_far_as_all_seeds_have_come(tmp_path):
    folders = [journal(tmp_path / "a", [0.0] * 5), journal(tmp_path / "b", [1.0] * 3), tmp_path / "not begun"]
    line = learning([going(folder) for folder in folders])
    assert line is not None
    assert list(line.x) == [1000, 2000, 3000]
    assert np.allclose(line.y, 0.5)
    assert learning([going(tmp_path / "not begun")]) is None


def test_what_is_known_from_elsewhere_is_not_learned_again(tmp_path):
    """Its record is enough for the table, the curve and the queue; another run has another identity."""
    here, there, effort = tmp_path / "here", tmp_path / "there", Effort(None, tmp_path / "runs", progress=False)
    table = ControlTable("t", {"a": SEES}, seeds=1)
    found, _ = table.perform(here, effort)
    there.mkdir()
    (there / KNOWN).write_bytes((here / KNOWN).read_bytes())
    assert table.standing(there).finished
    records, (section,) = table.perform(there, effort)
    assert records == found
    assert not (there / "a").exists()
    assert [block.alt for block in section.blocks if isinstance(block, Picture)] == ["Success grows with steps"]
    longer = ControlTable("t", {"a": replace(SEES, steps=4096)}, seeds=1)
    assert not longer.standing(there).finished
    assert ControlTable("t", {"a": SEES}, seeds=2).standing(there).step == SEES.steps
    (there / KNOWN).write_text("[{}]")
    with pytest.raises(ValueError, match=r"agents\.json is damaged"):
        table.standing(there)


def test_an_agent_is_known_by_the_numbers_of_its_algorithm_too(monkeypatch):
    """A preset that is tuned anew has to learn anew; the extractor is that of the run."""
    table = ControlTable("t", {"a": replace(SEES, extractor="relation")}, seeds=1)
    before = table.asked("a", 0)
    monkeypatch.setitem(ALGORITHMS, "dqn", replace(ALGORITHMS["dqn"], gamma=0.5))
    monkeypatch.setitem(ALGORITHMS, "ppo", replace(ALGORITHMS["ppo"], extractor="flat"))
    assert table.asked("a", 0) == before
    monkeypatch.setitem(ALGORITHMS, "ppo", replace(ALGORITHMS["ppo"], gamma=0.5))
    assert table.asked("a", 0) != before


def test_minutes_are_shared_and_a_row_goes_on(tmp_path):
    asked = ControlTable("t", {"one": replace(SEES, steps=4096), "two": SEES}, seeds=1)
    effort = Effort(0.001, tmp_path / "trained", progress=False)
    first, _ = asked.perform(tmp_path, effort)
    assert [record["success"] for record in first] == [None, None]
    assert first[0]["steps"] == 1024
    (again, other), sections = asked.perform(tmp_path, replace(effort, minutes=None))
    assert again["steps"] == 4096
    assert other["success"] is not None
    assert again["privileged"]["success"] > again["random"]["success"]
    assert sections[0].blocks


def test_an_agent_waits_for_its_encoder_and_sees_through_what_was_trained(tmp_path):
    vae = Run(MODELS["vae-rooms"].tiny(), ("objects-room:variant=reach,look=plain,size=32",), (Stage(2),), batch=2)
    effort = Effort(None, tmp_path / "trained", progress=False)
    asked = ControlTable("t", {"VAE": SEES}, seeds=1, encoders={"VAE": vae})
    assert asked.agent("VAE", 0, effort) is None
    (waiting,) = asked.records(tmp_path, effort)
    assert (waiting["steps"], waiting["success"]) == (0, None)
    performed = trained(vae, effort)
    agent = asked.agent("VAE", 0, effort)
    assert agent is not None
    assert agent.encoder == str(performed.folder)


def test_an_encoder_that_ships_goes_by_its_name():
    from objrep_gym.experiments.control.reach import EXPERIMENT

    agent = EXPERIMENT.agent("monet-lite", 0, Effort())
    assert agent is not None
    assert agent.encoder == "monet-lite@objects-room"


@pytest.mark.parametrize(
    ("env", "axis", "there"),
    [
        ("ObjRep/Reach-v0", "Evening", "ObjRep/ReachEvening-v0"),
        ("ObjRep/ReachSeenColours-v0", "UnseenColours", "ObjRep/ReachUnseenColours-v0"),
        ("ObjRep/OddOneOut-v0", "MoreObjects", "ObjRep/OddOneOutMoreObjects-v0"),
        ("ObjRep/PushDense-v0", "Textures", "ObjRep/PushTextures-v0"),
    ],
)
def test_the_same_task_with_another_ending(env, axis, there):
    assert changed(env, axis) == there


@pytest.mark.parametrize("name", ["reach", "odd_one_out", "property_odd_one_out", "push", "held_out"])
def test_agents_can_be_put_wherever_their_table_says(name):
    experiment = find(f"control/{name}")
    assert experiment.axes
    for axis in experiment.axes:
        assert {changed(run.env, axis) for run in experiment.rows.values()} <= set(gym.registry)


@pytest.mark.parametrize("name", ["reach", "odd_one_out", "property_odd_one_out", "push"])
def test_every_task_has_the_same_rows_and_one_whose_encoder_learns_meanwhile(name):
    experiment = find(f"control/{name}")
    assert list(experiment.rows) == list(find("control/reach").rows)
    assert experiment.encoders.keys() | experiment.online.keys() <= experiment.rows.keys()
    assert not experiment.encoders.keys() & experiment.online.keys()
    assert experiment.online


def test_an_agent_is_examined_once_where_something_is_changed(tmp_path, monkeypatch):
    run, folder = replace(SEES, extractor="relation"), below(tmp_path, "a", 0)
    perform(run, folder, Keeping(progress=False))
    found = on_axes(run, folder, ("MoreObjects", "Evening"))
    assert [found[axis]["env"] for axis in found] == ["ObjRep/ReachMoreObjects-v0", "ObjRep/ReachEvening-v0"]
    assert all(record["episodes"] == 16 for record in found.values())
    monkeypatch.setattr("objrep_gym.experiments.generalising.elsewhere", pytest.fail)
    assert on_axes(run, folder, ("MoreObjects", "Evening")) == found
    assert (folder / FOUND).exists()
    assert (folder / AGENT).exists()
    assert (folder / RESULT).exists()


def test_flat_true_factors_cannot_meet_more_objects(tmp_path):
    assert on_axes(replace(SEES, extractor="flat"), tmp_path, ("MoreObjects",)) == {}


def test_columns_are_those_that_rows_fill():
    assert set(cells(records(0.5, 0.6))) == set(COLUMNS)


def test_an_encoder_that_learns_meanwhile_has_a_table_and_a_picture_of_its_own(tmp_path):
    """A row is trained by `online_agent`, goes on where it paused, and says what its encoder came to."""
    config = OnlineConfig(MODELS["monet-lite"].tiny(), batch=2, ratio=1 / 512, first=0, publish=2, frames=2**18, scaled=32)
    run = replace(SEES, steps=2048, envs=8, episodes=8)
    table = ControlTable("t", {"frozen": run, "taught": run}, seeds=1, online={"taught": config}, axes=("Evening",))
    effort = Effort(None, tmp_path / "runs", progress=False)
    assert table.agent("taught", 0, effort).encoder == "online"
    records, (section,) = table.perform(tmp_path, effort)
    frozen, taught = records
    assert "encoder/ari" not in frozen
    assert taught["encoder/steps"] == 4
    assert taught["encoder/mse/first"] != taught["encoder/mse"]
    assert set(taught["axes"]) == {"Evening"}
    encoders = table.tables(records)[1]
    assert encoders.rows["taught"]["steps"] == "4"
    assert list(encoders.rows) == ["taught"]
    shown = [block.alt for block in section.blocks if isinstance(block, Picture)]
    assert shown == ["Success grows with steps", "Success and ARI: taught"]
    assert table.perform(tmp_path, effort)[0] == records


def test_a_scale_reaches_encoders_that_learn_meanwhile():
    configs = {"nothing": OnlineConfig("monet-lite", begins=1000), "warm": OnlineConfig("monet-lite@objects-room", clock=1)}
    table = ControlTable("t", dict.fromkeys(configs, SEES), online=configs)
    tenth, tiny = table.scaled(0.1), table.scaled(0.001)
    assert tenth.online["nothing"] == replace(configs["nothing"], begins=100, first=150)
    assert tiny.online["nothing"].start == MODELS["monet-lite"].tiny()
    assert tiny.online["warm"].start == "monet-lite@objects-room"
