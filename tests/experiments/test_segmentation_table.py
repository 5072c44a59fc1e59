"""The curves beside a table of segmentation: errors as journals tell them."""

import pytest

from objrep_gym.experiments.judge import METRICS
from objrep_gym.experiments.segmentation_table import SMOOTHED, cells, learned, squared_error
from objrep_gym.journal import Journal


def test_errors_are_read_by_either_name_and_smoothed():
    told = [{"step": 25, "mse": 0.4}, {"step": 50, "loss": 1.0}, {"step": 75, "mse": 0.1}]
    curve = squared_error(told)
    assert curve is not None
    assert curve.x.tolist() == [25, 75]
    assert curve.y.tolist() == pytest.approx([0.4, 0.4 + 2 / (SMOOTHED + 1) * (0.1 - 0.4)])
    other = squared_error([{"step": 1, "error": 0.2}])
    assert other is not None
    assert other.y.tolist() == [0.2]
    assert squared_error([{"step": 1, "loss": 0.2}]) is None


def test_models_without_such_a_journal_have_no_line(tmp_path):
    for row, values in {"tells": {"mse": 0.1}, "silent": {"loss": 1.0}}.items():
        with Journal(tmp_path / row) as journal:
            for step in (1, 2):
                journal.write(step=step, **values)
    (tmp_path / "none").mkdir()
    folders = {row: tmp_path / row for row in ("tells", "silent", "none")}
    (section,) = learned(folders)
    assert section.title == "Training"
    assert list(learned({"silent": folders["silent"], "none": folders["none"]})) == []


def test_seeds_of_which_one_slot_took_all_are_counted():
    scores = {name: 0.5 for name in METRICS} | {f"{name}_{end}": 0.5 for name in METRICS for end in ("low", "high")}
    seeds = [{**scores, "takes_all": share, "step": 3, "steps": 4, "images": 12} for share in (0.2, 0.5, 0.8)]
    assert cells(seeds)["training"] == "3 seeds, 1 collapsed, 3 of 4 steps, 12 images"
    assert cells(seeds[:2])["training"] == "2 seeds, 3 of 4 steps, 12 images"
