"""Whether metrics put models in one order: what is trained, what is told of it, and the answer."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from objrep_gym.experiments import metric_agreement, one_object
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.metric_agreement import MetricAgreement, correlated, orders, spearman
from objrep_gym.experiments.reproduce import Experiment, find
from objrep_gym.experiments.trained import Effort
from objrep_gym.metrics.suite import METRICS
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

DATA = "dsprites:size=32"
TINY = Run(MODELS["beta-vae"].tiny(), (DATA,), (Stage(2, lr=1e-3),), batch=2)
KIND = MetricAgreement(
    "t",
    rows={"a": TINY, "b": replace(TINY, batch=3)},
    exam=Exam(DATA, count=120, batch=60),
    pair=("perturbation", "factor_vae"),
    metrics=("factor_vae", "mig", "perturbation"),
)


def test_rank_correlation_is_scipys():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 6, 20), rng.random(20)
    assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic)
    assert np.isnan(spearman(np.ones(5), np.arange(5)))


def test_the_answer_has_an_interval_over_models():
    rng = np.random.default_rng(0)
    truth = rng.random(24)
    records = [{"x": a, "y": b} for a, b in zip(truth, truth + 0.1 * rng.normal(size=24), strict=True)]
    told = correlated([*records, {"x": None, "y": 1.0}, {"x": 1.0}], "x", "y")
    assert 0.6 < told["spearman_low"] < told["spearman"] < told["spearman_high"] <= 1
    assert correlated(records[:2], "x", "y") == {"spearman": None}
    assert correlated([{"x": 1.0, "y": float(i)} for i in range(5)], "x", "y")["spearman"] is None


def test_orders_of_scores_are_compared_over_the_models_that_have_both():
    models = [{"mig": i, "sap": -i, "udr_lasso": i if i < 4 else None} for i in range(6)]
    table = orders("t", models, ("note",))
    assert table.rows["MIG"]["mig"] == pytest.approx(1)
    assert table.rows["SAP"]["mig"] == pytest.approx(-1)
    assert table.rows["UDR lasso"]["sap"] == pytest.approx(-1)
    assert list(table.columns) == ["mig", "sap", "udr_lasso"]


def test_models_are_trained_examined_once_and_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(one_object, "ANCHORS", 2)
    effort = Effort(root=tmp_path / "runs", progress=False)
    records, (section,) = KIND.perform(tmp_path, effort)
    *models, answer = records
    assert [(one["row"], one["seed"]) for one in models] == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert {"factor_vae", "mig", "perturbation", "udr_lasso", "in_use"} <= set(models[0])
    assert "disentanglement" not in models[0]
    assert answer["models"] == 4
    scores, ordered = KIND.tables(records)
    assert list(scores.rows) == ["a", "b"]
    assert "mig" in scores.columns
    assert "sap" not in scores.columns, "what was not asked for has no column"
    assert ordered.title == "t: order of 4 models"
    assert len(section.blocks) == 3, "a figure and two tables"
    monkeypatch.setattr(metric_agreement, "gather", lambda *_: pytest.fail("examined again"))
    assert KIND.perform(tmp_path, effort)[0] == records


def test_the_best_model_has_its_portrait(tmp_path, monkeypatch):
    monkeypatch.setattr(one_object, "ANCHORS", 2)
    drawn = []
    portrait = lambda name, model: drawn.append((name, model.latent_size)) or []  # noqa: E731
    shows = replace(KIND, portrait=portrait, paper={"c": {"mig": ".45"}})
    records, _ = shows.perform(tmp_path, Effort(root=tmp_path / "runs", progress=False))
    best = max(records[:-1], key=lambda record: record["factor_vae"])
    assert [name for name, _ in drawn] == [f"{best['row']}, seed {best['seed']}"]
    assert shows.tables(records)[0].paper == {"c": {"mig": ".45"}}
    assert list(KIND.best(records, {})) == []


def test_the_leaderboard_has_what_was_published_and_three_seeds_of_each():
    board = find("leaderboard/dsprites")
    assert isinstance(board, MetricAgreement)
    assert board.seeds == 3
    assert {"VAE", "β-VAE", "Factor-VAE, γ = 10", "β-TCVAE", "DIP-VAE-II", "CHyVAE", "Gaussian TC"} <= board.rows.keys()
    assert {run.stages[0].steps for run in board.rows.values()} == {300_000}
    assert {run.batch // (2 if "Factor" in row else 1) for row, run in board.rows.items()} == {64}
    assert board.exam.count == 737_280
    assert board.metrics == METRICS


def test_the_leaderboard_of_a_cpu_asks_narrow_models_the_same():
    board, small = find("leaderboard/dsprites"), find("leaderboard/dsprites_small")
    assert isinstance(board, MetricAgreement)
    assert isinstance(small, MetricAgreement)
    assert len(small.rows) == 10
    assert (small.paper, small.seeds, small.metrics) == (board.paper, board.seeds, board.metrics)
    assert replace(small.exam, count=board.exam.count) == board.exam
    full = "β-TCVAE, β = 4, broadcast, 64×64"
    for row, run in small.rows.items():
        wide = board.rows[row.split(", broadcast")[0].split(", β =")[0]]
        if "broadcast" in row:
            halved = ((32, 32), ("dsprites:size=32",))
            assert (run.model.size, run.data) == ((wide.model.size, wide.data) if row == full else halved)
            run = replace(
                run, model=replace(run.model, size=wide.model.size, decoder="deconvolution", beta=wide.model.beta)
            )
        assert run.stages[0].steps == (14_000 if row == full else 10_000)
        assert replace(run.model, widths=(32, 32, 64, 64), hidden=wide.model.hidden) in (
            wide.model,
            replace(wide.model, units=256) if hasattr(wide.model, "units") else wide.model,
        )


def test_what_has_not_begun_is_left_out(tmp_path):
    records, (section,) = KIND.perform(tmp_path, Effort(minutes=0.0, root=tmp_path / "runs", progress=False))
    assert records == []
    assert len(section.blocks) == 1


def test_section_3_1_compares_more_than_twenty_models_and_shrinks():
    found = find("factor_vae_nar/section_3_1")
    assert isinstance(found, Experiment)
    assert isinstance(found, MetricAgreement)
    assert len(found.rows) * found.seeds >= 20
    small = found.scaled(0.001)
    assert small.exam.count == 60
    assert {run.stages[0].steps for run in small.rows.values()} == {2}
