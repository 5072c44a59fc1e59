"""A process that learns and is killed, by SIGKILL at no particular moment: the next one goes on and finishes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from objrep_gym.experiments.agent import AGENT, RESULT, AgentRun, Keeping, perform
from objrep_gym.journal import read

LEARN = """
import sys
from pathlib import Path
import objrep_gym.experiments.agent as agent
agent.SAVE_SECONDS = 0.0
agent.SAVE_SHARE = 1.0  # saves after every record, so that a kill often falls into a save
agent.perform({run!r}, Path({folder!r}), agent.Keeping(progress=False))
"""
ROOT = Path(__file__).parent.parent.parent


def kill_while_learning(run: AgentRun, folder: Path, lines: int) -> None:
    """Starts a process that performs `run`, and kills it when its journal has so many lines."""
    code = LEARN.format(run=run, folder=str(folder)).replace("AgentRun(", "agent.AgentRun(")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
    journal, began = folder / "journal.jsonl", time.monotonic()
    try:
        while not (journal.exists() and journal.read_bytes().count(b"\n") >= lines and (folder / AGENT).exists()):
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() - began < 120
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(("preset", "control"), [("ppo", "discrete"), ("dqn", "discrete"), ("sac", "continuous")])
def test_a_killed_agent_goes_on_and_finishes(tmp_path, preset, control):
    run = AgentRun("ObjRep/Reach-v0", "oracle", preset=preset, control=control, steps=4096, episodes=16)
    kill_while_learning(run, tmp_path, lines=2)
    assert not (tmp_path / RESULT).exists()
    killed = [line["step"] for line in read(tmp_path / "journal.jsonl")]
    records = perform(run, tmp_path, Keeping(progress=False))
    steps = [line["step"] for line in read(tmp_path / "journal.jsonl")]
    assert steps == sorted(set(steps)), "no step is told twice"
    assert steps[0] == killed[0], "the first lines are those of the killed process: it did not begin anew"
    assert records[0]["steps"] == steps[-1] >= run.steps
    assert [path.name for path in tmp_path.glob("agent*")] == [AGENT], "no replay buffer is left, nor half a file"
