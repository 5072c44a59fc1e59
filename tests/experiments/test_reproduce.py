"""Reproduce: every experiment that there is at a scale near zero, and what a table of control says."""

import json

import pytest

from objrep_gym.experiments import control_table
from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.control_table import ControlTable
from objrep_gym.experiments.reproduce import PAGE, RECORDS, TABLE, Reproduction, find, names, reproduce


def test_experiments_are_found_by_their_path():
    assert "control/reach" in names()
    assert find("control/reach").title
    with pytest.raises(ValueError, match=r"experiment 'control/fly' is none of .*control/reach"):
        find("control/fly")


@pytest.mark.parametrize("name", names())
def test_every_experiment_leaves_a_page(name, tmp_path):
    what = Reproduction(name, scale=0.005, runs=tmp_path / "runs")
    path, tables = reproduce(what, tmp_path / "out", progress=False)
    assert path.read_text().startswith("<!doctype html>")
    assert path == tmp_path / "out" / PAGE
    found = json.loads((tmp_path / "out" / RECORDS).read_text())
    assert len(found["records"]) >= max(len(table.rows) for table in tables)
    assert found["machine"]
    assert (tmp_path / "out" / TABLE).read_text().count("\n| ") >= sum(len(table.rows) for table in tables)


def records(*rates):
    hand = {"success": 0.3, "success_low": 0.2, "success_high": 0.4}
    told = {"row": "a", "success_low": 0.1, "success_high": 0.9, "length": 5.0, "steps": 100_000}
    return [{**told, "success": rate, "random": hand, "privileged": hand} for rate in rates]


def test_several_seeds_are_told_by_their_mean_and_their_ends():
    asked = ControlTable("t", {"a": AgentRun("ObjRep/Reach-v0", "oracle")}, paper={"a": ".9"})
    (table,) = asked.tables(records(0.5, 0.9, 0.7))
    assert dict(table.cells())["a"][0][0] == "70.0 [50.0, 90.0] (paper .9)"
    assert table.rows["a"]["seeds"] == "50.0  90.0  70.0"
    assert table.rows["a"]["random"] == control_table.Interval(0.3, 0.2, 0.4)


def test_a_single_one_is_told_with_its_own_interval():
    assert control_table.cells(records(0.5))["success"] == control_table.Interval(0.5, 0.1, 0.9)


@pytest.mark.parametrize("scale", [0.0, -1.0, 2.0])
def test_a_scale_is_a_fraction(scale):
    with pytest.raises(ValueError, match=r"not in \(0, 1\]"):
        ControlTable("t", {}).scaled(scale)
