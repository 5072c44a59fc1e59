"""AgentRun: folders that hold another's work, environments of others, and a demonstration that deletes nothing."""

import json
from dataclasses import replace

import pytest

from objrep_gym.experiments.agent import AGENT, RESULT, RUN, AgentRun, Keeping, perform
from objrep_gym.experiments.demo import Demonstration, learned
from objrep_gym.journal import read

SMALL = AgentRun("ObjRep/Reach-v0", "oracle", steps=1024, episodes=16)
QUIET = Keeping(progress=False)


def test_a_run_leaves_its_records_and_is_found_again(tmp_path):
    records = perform(SMALL, tmp_path / "run", QUIET)
    assert [record["agent"] for record in records] == ["PPO, oracle, deep-set", "random hand"]
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {RUN, AGENT, RESULT, "journal.jsonl", "curve.png"}
    before = (tmp_path / "run" / AGENT).stat().st_mtime_ns
    assert perform(SMALL, tmp_path / "run", QUIET) == records
    assert (tmp_path / "run" / AGENT).stat().st_mtime_ns == before


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
