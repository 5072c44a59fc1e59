"""Engines by name: what is missing is said, with what helps, and the others are drawn by without it."""

import subprocess
import sys

import gymnasium as gym
import pytest

from objrep_gym.cli import main
from objrep_gym.data import open_source
from objrep_gym.scenes.engines import ENGINES, NoEngine, installed
from objrep_gym.scenes.furnished import FurnishedRoom
from objrep_gym.scenes.room import Room
from objrep_gym.scenes.tabletop import Tabletop

MADE = {
    "room": lambda: Room(engine="warp"),
    "table": lambda: Tabletop(engine="warp"),
    "furnished room": lambda: FurnishedRoom(engine="warp"),
    "environment": lambda: gym.make("objrep_gym:ObjRep/Reach-v0", engine="warp"),
    "vector environment": lambda: gym.make_vec("objrep_gym:ObjRep/Reach-v0", num_envs=2, engine="warp"),
    "data set": lambda: open_source("objects-room:engine=warp"),
}


@pytest.fixture
def without_warp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mujoco_warp", None)


@pytest.mark.usefixtures("without_warp")
@pytest.mark.parametrize("what", MADE)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(what: str):
    with pytest.raises(NoEngine, match=r"engine 'warp' needs mujoco-warp: pip install 'objrep-gym\[gpu-sim\]'") as raised:
        MADE[what]()
    assert "'opengl' and 'raycast' do without" in str(raised.value)
    assert raised.value.name == "mujoco_warp"


@pytest.mark.usefixtures("without_warp")
def test_the_command_line_says_it_in_one_line(capsys: pytest.CaptureFixture):
    assert main(["generate", "tabletop", "--engine", "warp", "--count", "2", "--out", "tables"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("objrep-gym generate: engine 'warp' needs mujoco-warp: pip install 'objrep-gym[gpu-sim]'")


@pytest.mark.usefixtures("without_warp")
def test_what_is_missing_is_not_installed():
    assert installed() == ("opengl", "raycast")
    assert set(installed()) < set(ENGINES)


def test_to_ask_what_is_installed_loads_nothing():
    code = (
        "import sys; from objrep_gym.scenes.engines import installed; installed(); "
        "print(*{'warp', 'mujoco_warp', 'mujoco', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
