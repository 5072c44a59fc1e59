"""The figures of stepping: which forms are measured, what they are compared with, and whose CPU time counts."""

import math
import multiprocessing
import time
from pathlib import Path

import gymnasium as gym
import pytest

from objrep_gym.bench.env import Form, Turn, bench_env, cpu_seconds, record
from objrep_gym.bench.turns import Spent, take_turns
from objrep_gym.scenes.engines import installed

FORMS = {
    ("single", "opengl"),
    ("AsyncVectorEnv of 2", "opengl"),
    ("SyncVectorEnv of 2", "opengl"),
    ("native vector of 2", "opengl"),
    ("single", "raycast"),
    ("AsyncVectorEnv of 2", "raycast"),
    ("native vector of 2", "raycast"),
}
if "warp" in installed():
    FORMS |= {("single", "warp"), ("native vector of 2", "warp")}


def test_every_form_is_measured_by_each_engine_beside_others():
    found = list(bench_env(["ObjRep/Reach-v0"], ["Reacher-v5", "nothing_of_this_name:Nothing-v0"], 2, 1, Turn(2, 1.0)))
    ours = [one for one in found if one["env"] == "ObjRep/Reach-v0"]
    assert {(one["form"], one["engine"]) for one in ours} == FORMS
    theirs = {(one["env"], one["form"], one["engine"]) for one in found if one not in ours}
    assert theirs == {("Reacher-v5", "single", "its own"), ("Reacher-v5", "AsyncVectorEnv of 2", "its own")}
    assert {one["size"] for one in found} == {"64×64"}
    for one in found:
        assert one["steps_per_second"] > 0
        assert one["cpu_us_per_step"] > 0 or not Path("/proc/self/schedstat").exists()
    plain = next(one for one in ours if one["form"].startswith("Sync"))
    for one in ours:
        assert one["ratio_to_plain"] == pytest.approx(one["steps_per_second"] / plain["steps_per_second"], rel=2e-3)


def test_ratios_are_to_what_they_say():
    rates = {"A single opengl": 10.0, "A single raycast": 20.0, "A SyncVectorEnv of 4 opengl": 8.0, "B single its own": 5.0}
    ours = Form("A", "single", "raycast", 4, Blind())
    found = record(ours, rates, Spent(1.0, 0.5), 100)
    assert (found["ratio_to_single"], found["ratio_to_plain"]) == (2.0, 2.5)
    assert found["cpu_us_per_step"] == 1250.0  # half a second for 100 steps of four
    theirs = record(Form("B", "single", "its own", 1, Blind()), rates, Spent(1.0, 0.5), 100)
    assert (theirs["ratio_to_single"], theirs["ratio_to_plain"]) == (1.0, None)


class Blind(gym.Env):
    """An environment that shows no picture."""

    observation_space = gym.spaces.Discrete(2)


def test_a_turn_is_as_long_as_it_may_be():
    slow = lambda count: time.sleep(0.01 * count)  # noqa: E731
    assert 1 <= Turn(100, 0.1).of(slow) <= 11
    assert Turn(3, 1.0).of(slow) == 3
    assert Turn(100, 1e-6).of(slow) == 1


def burn(seconds: float, done) -> None:
    """Keeps a processor busy for so much CPU time, says so, and waits."""
    while time.process_time() < seconds:
        pass
    done.set()
    time.sleep(60)


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="only Linux tells the CPU time of other processes")
def test_the_time_of_other_processes_counts():
    context = multiprocessing.get_context("fork")
    done = context.Event()
    other = context.Process(target=burn, args=(0.3, done), daemon=True)
    other.start()
    assert done.wait(60)
    own, both = time.process_time(), cpu_seconds([other.pid])
    other.kill()
    assert 0.25 < both - own < 3.0


def test_without_other_processes_it_is_that_of_this_one():
    before = time.process_time()
    assert before <= cpu_seconds([]) <= time.process_time()
    assert not math.isnan(cpu_seconds([]))


def test_turns_are_taken_in_order_by_the_clock_that_is_given():
    done: list[str] = []
    ticks = iter(range(100))
    works = {name: (lambda name=name: done.append(name)) for name in ("a", "b")}
    spent = take_turns(works, 2, lambda: float(next(ticks)))
    assert done == ["a", "b"] * 3
    assert {one.cpu for one in spent.values()} == {1.0}
