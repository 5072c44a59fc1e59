"""Which latent carries which factor: codes of which it is known, what is named of them, and the document beside it."""

from dataclasses import replace

import numpy as np
import pytest

from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.latents_table import LatentsTable, carried, maps, named
from objrep_gym.experiments.one_object import Seen
from objrep_gym.experiments.reproduce import find
from objrep_gym.experiments.trained import Effort
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

SIZES = (8, 4, 1)


def seen() -> Seen:
    """Every combination of two factors, and one that never changes; the first latent is the second factor, turned over, the
    second latent is both together, the third says nothing."""
    grid = np.stack(np.unravel_index(np.repeat(np.arange(32), 8), SIZES), axis=1).astype(np.float64)
    noise = np.random.default_rng(0).normal(size=len(grid))
    codes = np.stack([-grid[:, 1], grid[:, 0] + 8 * grid[:, 1], 0.01 * noise], axis=1)
    return Seen({"one": codes}, grid, ("x", "scale", "shape"), {})


def test_shares_of_known_codes():
    scores, x, scale = carried(seen(), "one", 0)
    assert scores["in_use"] == 2
    assert scores["mig"] < 0.6  # the scale is told twice
    assert 0.5 < scores["factor_vae"] <= 1
    assert (x["factor"], scale["factor"]) == ("x", "scale")  # a shape that never changes has no share
    assert x["information"][0] == pytest.approx(0, abs=1e-6)
    assert scale["information"][:2] == pytest.approx([1, 1], abs=1e-3)  # either tells the scale, and the second more
    assert 0.3 < x["information"][1] < 1  # 20 bins of 32 values
    assert x["information"][2] < 0.3  # bins of noise
    by_hand = np.var(np.arange(8)) / np.var(np.arange(32))
    assert x["variance"] == pytest.approx([0, by_hand, 0], rel=0.05)
    assert scale["variance"] == pytest.approx([1, 64 * np.var(np.arange(4)) / np.var(np.arange(32)), 0], rel=0.05)


def test_latents_are_named_by_what_they_carry():
    assert named([0.02, 0.05, 0.6, 0.31]) == "z3 60%, z4 31%, (z2 5%)"
    assert named([0.01, 0.0]) == ""
    assert named(None) == ""


def table() -> LatentsTable:
    run = Run(MODELS["beta-vae-ellipses"].tiny(), ("ellipses:size=32",), (Stage(2),), batch=4)
    return LatentsTable("a figure", {"β = 4": run}, {"β = 4": {"x": "z7, z10"}}, Exam("ellipses:size=32", count=200))


def test_the_document_stands_beside_what_was_found(tmp_path):
    figure = table()
    records, sections = figure.perform(tmp_path, Effort(root=tmp_path, progress=False))
    assert [record.get("factor") for record in records] == [None, "x", "y", "scale", "orientation"]
    factors, scores = figure.tables(records)
    assert factors.title == "a figure: β = 4"
    assert factors.text("x", "information").endswith("(paper z7, z10)")
    assert "paper" not in factors.text("y", "information")
    assert scores.rows["β = 4"]["training"] == "2 of 2 steps, 8 images"
    assert len(sections[0].blocks) == 3
    drawn = maps(records)
    assert [axis.get_title() for axis in drawn.axes] == ["β = 4\ninformation", "β = 4\nvariance"]
    assert drawn.axes[0].get_yticklabels()[0].get_text() == "1"


def test_nothing_is_drawn_of_models_that_have_not_begun(tmp_path):
    figure = replace(table(), rows={name: replace(run, seed=9) for name, run in table().rows.items()})
    records, sections = figure.perform(tmp_path, Effort(minutes=0.0, root=tmp_path, progress=False))
    assert records == []
    assert len(sections[0].blocks) == 1


@pytest.mark.parametrize("name", ["figure_2", "figure_6", "figure_8"])
def test_the_documents_factors_are_those_of_the_ellipses(name):
    experiment = find(f"disentangled_vaes/{name}")
    assert experiment.paper.keys() == experiment.rows.keys()
    assert {tuple(paper) for paper in experiment.paper.values()} == {("x", "y", "scale", "orientation")}
