"""Costs: what is counted is what was built, and what is compared stands beside the first row."""

from dataclasses import replace

import pytest

from objrep_gym.experiments.costs import CostCurves, CostTable, Step, fewer, look, memory, operations
from objrep_gym.experiments.monet_rn50 import figure_5_12, table_5_5
from objrep_gym.experiments.trained import Effort
from objrep_gym.figures.page import Picture
from objrep_gym.models.monet import MONetConfig

TINY = MONetConfig().tiny()
SKIP = MONetConfig(attention="rn50-skip").tiny()


def test_operations_are_counted_without_computing():
    ours = operations(MONetConfig(attention="rn50-skip"))
    assert ours["attention_flops"] == pytest.approx(4.87e9, rel=0.01)
    assert ours["component_flops"] == pytest.approx(1.78e9, rel=0.02)
    more = operations(MONetConfig(attention="rn50-skip", slots=14))
    assert more["component_flops"] == pytest.approx(2 * ours["component_flops"], rel=0.01)


def test_training_holds_weights_gradients_and_moments_and_more():
    model = replace(TINY, channels=32).build()
    weights = sum(value.nbytes for value in model.parameters()) / 2**20
    assert memory(look(model, 2), model) >= weights
    step = Step(model, 2)
    assert memory(step.take, model, step.loop.optimiser) >= 4 * weights


def test_a_table_of_costs_has_the_documents_numbers_beside_ours(tmp_path):
    table = CostTable("t", {"MONet": TINY, "MONet-RN50*": SKIP}, (1, 2), {1: {"MONet": {"training_mb": "3,800"}}})
    records, sections = table.perform(tmp_path, Effort(progress=False))
    assert [(r["row"], r["batch"]) for r in records] == [(row, batch) for batch in (1, 2) for row in table.rows]
    assert len(sections) == 2
    first, second = table.tables(records)
    assert "(paper 3,800)" in first.text("MONet", "training_mb")
    assert "paper" not in second.text("MONet", "training_mb")
    assert first.text("MONet", "attention") == f"{sum(p.numel() for p in TINY.build().attention.parameters()) / 1e6:.3f}"


def test_curves_compare_with_the_first_row_and_are_drawn(tmp_path):
    figure = CostCurves("t", {"MONet": TINY, "MONet-RN50*": SKIP}, slots=(2, 4), batch=2, epoch=600, rounds=1)
    records, sections = figure.perform(tmp_path, Effort(progress=False))
    assert [(r["row"], r["slots"]) for r in records] == [(row, k) for k in (2, 4) for row in figure.rows]
    for first, other in (records[:2], records[2:]):
        assert first["saved"] == 0.0
        assert other["saved"] == pytest.approx(1 - other["seconds_per_image"] / first["seconds_per_image"])
    assert records[2]["attention_flops"] > 2 * records[0]["attention_flops"]  # three passes after one
    assert sum(isinstance(block, Picture) for block in sections[0].blocks) == 2
    (told,) = figure.tables(records)
    assert told.rows["MONet, 4 slots"]["minutes"] == pytest.approx(records[2]["seconds_per_image"] * 10)


def test_scales_shrink_batches_and_at_last_models():
    table, figure = table_5_5.EXPERIMENT, figure_5_12.EXPERIMENT
    assert table.scaled(0.125).batches == (1, 8)
    assert table.scaled(0.125).rows == table.rows
    small = figure.scaled(0.001)
    assert (small.slots, small.batch, small.rounds) == ((7, 18), 2, 1)
    assert small.rows["MONet"] == TINY
    assert [fewer(batch, 0.001) for batch in (1, 2, 64)] == [1, 2, 2]
    for wrong in (0.0, -1.0, 2.0):
        with pytest.raises(ValueError, match=r"not in \(0, 1\]"):
            table.scaled(wrong)


def test_the_thesis_saves_stand_beside_ours():
    figure = figure_5_12.EXPERIMENT
    told = {"slots": 7, "batch": 4, "device": "cpu", "attention_flops": 1, "component_flops": 1, "seconds_per_image": 1.0}
    records = [{"row": row, "saved": saved, **told} for row, saved in (("MONet", 0.0), ("MONet-RN50*", 0.25))]
    (table,) = figure.tables(records)
    assert table.text("MONet-RN50*, 7 slots", "saved") == "25.0 (paper 30)"
    assert table.text("MONet, 7 slots", "saved") == "–"
