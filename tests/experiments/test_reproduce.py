"""Reproduce: every experiment that there is at a scale near zero, and what a table of control says."""

import json

import pytest

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
