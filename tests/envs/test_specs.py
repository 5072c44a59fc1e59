"""Ids of environments in every form that `gym.make` takes."""

import sys

import gymnasium as gym
import pytest
from gymnasium.error import UnregisteredEnv

from objrep_gym import cli
from objrep_gym.envs.specs import is_ours, spec_of
from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.play import Playing, Session

REGISTERS = """
import gymnasium
gymnasium.register("Painted-v0", entry_point="gymnasium.envs.mujoco.inverted_pendulum_v5:InvertedPendulumEnv")
"""


@pytest.fixture
def painted(tmp_path, monkeypatch):
    """An id whose module no one has imported yet."""
    (tmp_path / "painted_elsewhere.py").write_text(REGISTERS)
    monkeypatch.syspath_prepend(tmp_path)
    yield "painted_elsewhere:Painted-v0"
    gym.registry.pop("Painted-v0", None)
    sys.modules.pop("painted_elsewhere", None)


def test_a_module_before_an_id_is_imported_and_registers_it(painted):
    assert spec_of(painted).id == "Painted-v0"
    assert not is_ours(painted)
    assert is_ours("objrep_gym:ObjRep/Reach-v0")


def test_an_agent_sees_an_environment_whose_module_stands_before_its_id(painted):
    env = AgentRun(painted, "colour").make(count=1)
    assert env.reset().shape == (1, 7, 8)
    env.close()


def test_an_environment_of_ours_may_be_named_with_its_module():
    env = AgentRun("objrep_gym:ObjRep/Reach-v0", "oracle", control="continuous").make(count=1)
    assert isinstance(env.action_space, gym.spaces.Box)
    env.close()
    session = Session("objrep_gym:ObjRep/Reach-v0", Playing())
    session.env.close()


@pytest.mark.parametrize("module", ["nothing_of_this_name", "", ".relative"])
def test_a_module_that_is_not_there_is_named(module):
    with pytest.raises(UnregisteredEnv, match=rf"the module '{module}', which should register Nothing-v0, cannot"):
        spec_of(f"{module}:Nothing-v0")


def test_the_command_line_tells_a_module_that_is_not_there_in_one_line(tmp_path, capsys):
    assert cli.main(["agent", "nothing_of_this_name:Nothing-v0", "--out", str(tmp_path / "run")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("objrep-gym agent: nothing_of_this_name:Nothing-v0: the module 'nothing_of_this_name'")
    assert told.count("\n") == 1
