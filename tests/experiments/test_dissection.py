"""Dissection: codes of matched objects, what they are scored, and the verb that asks for it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from objrep_gym import weights
from objrep_gym.cli import main
from objrep_gym.data import open_source
from objrep_gym.experiments.disentanglement_table import DisentanglementTable, cell
from objrep_gym.experiments.dissected import dissected_once, fingerprint
from objrep_gym.experiments.dissection import Told, as_tables, dissect, evaluate, gather, looked_at, untrained
from objrep_gym.experiments.examining import Examining, examine
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.judge import evaluate as segmented
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.seeds_agree import agreements
from objrep_gym.experiments.trained import Effort
from objrep_gym.metrics.intervals import Interval
from objrep_gym.metrics.probes import probes
from objrep_gym.models import MODELS
from objrep_gym.models.colour import LATENTS, Colour
from objrep_gym.training import Stage
from objrep_gym.types import Slots

EXAM = Exam("objects-room:look=plain,size=32,engine=raycast", count=60)
COLOUR = replace(MODELS["colour"], size=(32, 32))
LITE = MODELS["monet-lite"].tiny()


@pytest.fixture(scope="module")
def source():
    opened = open_source(EXAM.data, EXAM.seed, EXAM.split)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def gathered(source):
    return gather({"colour": COLOUR.build().eval()}, source, EXAM)


def told(codes: np.ndarray, factors: np.ndarray, names=("across", "down", "shape"), **more) -> Told:
    kinds = tuple({"shape": "classes", "hue": "circle"}.get(name, "line") for name in names)
    whole = {"overlap": np.ones(len(codes)), "hidden": 0, "unmatched": 0, "names": names, "kinds": kinds}
    return Told(codes, factors, **{**whole, **more})


def scene_factors(count: int = 400) -> np.ndarray:
    """Across, down, shape."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.random((count, 2)), rng.integers(0, 3, (count, 1))], axis=1)


def test_true_masks_give_every_visible_object_its_own_code(source, gathered):
    true, own = gathered["colour", "true"], gathered["colour", "own"]
    seen = sum(len(np.unique(ids[ids >= 6])) for _, mask, _ in looked_at(source, EXAM, None) for ids in mask)
    for part in (true, own):
        assert len(part.codes) + part.hidden + part.unmatched == seen
    assert true.unmatched == 0
    assert (true.overlap == 1).all()
    assert 0.5 < own.overlap.mean() < 1


def test_codes_are_of_the_objects_whose_factors_stand_beside_them(gathered):
    # k-means' codes are the centres of segments: those of true masks lie where the camera sees the objects
    part = gathered["colour", "true"]
    for latent, factor, least in (("x", "across", 0.97), ("y", "down", 0.85)):
        code, value = part.codes[:, LATENTS.index(latent)], part.factors[:, part.names.index(factor)]
        assert np.corrcoef(code, value)[0, 1] > least
    shuffled = part.factors[np.random.default_rng(0).permutation(len(part.factors))]
    told_by, nothing = (probes(part.codes, factors, part.kinds)[:2].mean() for factors in (part.factors, shuffled))
    assert nothing < 0.2 < 0.8 < told_by


def test_perfect_codes_are_told_perfectly():
    factors = scene_factors()
    found = dissect(told(factors, factors))
    assert found["mig"] > 0.8
    assert found["disentanglement"] > 0.95
    assert found["sap"] > 0.6
    assert found["probe_position"] == pytest.approx((found["probe_across"] + found["probe_down"]) / 2)
    assert found["probe_across"] == pytest.approx(1, abs=1e-3)
    assert found["probe_shape"] == 1
    assert found["mig_position"] > 0.7  # of twenty bins of 400 things
    assert min(found[f"completeness_{name}"] for name in ("position", "shape")) > 0.95
    assert found["informativeness_shape"] == 1
    assert found["sap"] == pytest.approx((2 * found["sap_position"] + found["sap_shape"]) / 3)
    assert [np.argmax(found["importance"][name]) for name in ("across", "down", "shape")] == [0, 1, 2]
    json.dumps(found)


def test_what_does_not_vary_has_no_number():
    factors = scene_factors()
    factors[:, 1] = 0.5
    found = dissect(told(scene_factors(), factors))
    assert found["probe_down"] is None
    assert found["importance"]["down"] is None
    assert found["probe_position"] == found["probe_across"]


def test_no_object_is_no_number():
    found = dissect(told(np.zeros((0, 4)), np.zeros((0, 3)), unmatched=7))
    assert found["things"] == 0
    assert found["unmatched"] == 7
    assert {found[name] for name in ("overlap", "mig", "disentanglement", "sap", "probe_shape")} == {None}


def test_a_model_is_judged_beside_itself_untrained_and_k_means():
    told: list[int] = []
    records = evaluate("colour", replace(EXAM, count=12, batch=5), told.append)
    assert told == [5, 10, 12]
    assert [(record["model"], record["masks"]) for record in records] == [
        ("colour", "own"),
        ("colour", "true"),
        ("colour-rgb", "own"),
    ]
    assert {record["variant"] for record in records} == {"train"}
    scores, *single, probes = as_tables(records)
    assert [table.title.rpartition(", ")[2] for table in single] == [
        f"{metric} by property" for metric in ("MIG", "completeness", "informativeness", "SAP")
    ]
    assert all(table.rows["colour-rgb: k-means, RGB"] for table in single)
    chromaticity = "colour: k-means, chromaticity"
    assert list(scores.rows) == [chromaticity, f"{chromaticity}, true masks", "colour-rgb: k-means, RGB"]
    assert "probe_material" not in probes.columns
    assert list(probes.columns) == [
        f"probe_{name}" for name in ("position", "size", "shape", "hue", "saturation", "heading")
    ]


def test_several_models_are_judged_on_the_same_scenes_each_once():
    asked = replace(EXAM, count=4, batch=4)
    for judges in (evaluate, segmented):
        records = judges(("colour-rgb", "colour"), asked)
        models = [record["model"] for record in records if record.get("masks", "own") == "own"]
        assert models[:2] == ["colour-rgb", "colour"]
        assert len(models) == len(set(models))


def test_an_untrained_model_has_the_architecture_and_weights_of_its_own():
    model = LITE.build().eval()
    before = torch.get_rng_state()
    ((name, fresh),) = untrained("lite", model, 3).items()
    assert name == "lite, untrained"
    assert (torch.get_rng_state() == before).all()
    weights = [torch.cat([p.flatten() for p in m.parameters()]) for m in (model, fresh, *untrained("a", model, 3).values())]
    assert not torch.equal(weights[0], weights[1])
    assert torch.equal(weights[1], weights[2])
    assert untrained("colour", COLOUR.build(), 3) == {}


class Elsewhere(Colour):
    """K-means that numbers its latents and its slots in another order, and some of them backwards."""

    def encode(self, image):
        slots = super().encode(image)
        latents = slots.latents.flip(1, 2) * torch.tensor([-1.0, 3.0] * 4)
        assert slots.masks is not None
        return Slots(latents, slots.nats, slots.masks.flip(1))


class Noise(Colour):
    """Latents that have nothing to do with the image."""

    def encode(self, image):
        slots = super().encode(image)
        return Slots(torch.randn(slots.latents.shape), slots.nats, slots.masks)


def test_seeds_that_find_the_same_latents_agree_without_labels(source):
    models = [COLOUR.build().eval(), Elsewhere(COLOUR).eval(), COLOUR.build().eval(), Noise(COLOUR).eval()]
    scores = agreements(models, source, EXAM)
    for name, same in (("lasso", 0.4), ("spearman", 0.4)):
        assert scores[name].shape == (4,)
        assert scores[name][:3].min() > same > 0.2 > scores[name][3]
    assert scores["spearman"][0] == pytest.approx(scores["spearman"][1], abs=1e-6)


def test_what_is_not_drawn_and_what_has_no_masks_is_refused(monkeypatch):
    class Blind(Colour):
        def encode(self, image):
            return replace(super().encode(image), masks=None)

        def decode(self, latents):
            return replace(super().decode(latents), masks=None)

    opened = open_source(EXAM.data)
    with monkeypatch.context() as patch:
        patch.setattr(opened, "world", None)
        with pytest.raises(ValueError, match="is not drawn here"):
            next(looked_at(opened, EXAM, None))
    with pytest.raises(ValueError, match="Blind has no masks"):
        gather({"blind": Blind(COLOUR).eval()}, opened, replace(EXAM, count=2))
    with pytest.raises(ValueError, match="ask for 1 or more"):
        next(looked_at(opened, replace(EXAM, count=0), None))
    opened.close()


def test_the_verb_tells_records_or_tables(capsys):
    asked = ["evaluate", "colour", "--disentanglement", "--data", EXAM.data, "--count", "8"]
    assert main([*asked, "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"model", "masks", "mig", "sap", "probe_hue", "importance", "count"} <= set(records[0])
    assert main(asked) == 0
    assert "linear probes" in capsys.readouterr().out


def test_seeds_of_a_run_are_trained_and_compared(tmp_path):
    run = Run(LITE, (EXAM.data,), (Stage(2, lr=1e-3),), batch=2)
    table = DisentanglementTable("t", {"lite": run}, {"rooms": replace(EXAM, count=8)}, seeds=2)
    records, sections = table.perform(tmp_path, Effort(root=tmp_path / "runs", progress=False))
    own = [record for record in records if record["row"] == "lite" and record["masks"] == "own"]
    assert [record["seed"] for record in own] == [0, 1]
    assert all(0 <= record["udr_lasso"] <= 1 for record in own)
    assert {record["row"] for record in records} >= {"lite", "lite, untrained", "k-means, RGB"}
    scores, *_ = table.tables(records)
    assert isinstance(scores.rows["lite"]["mig"], Interval)
    assert scores.rows["lite"]["training"] == "2 × 2 of 2 steps"
    assert "udr_spearman" in scores.columns
    (section,) = sections
    assert [type(block).__name__ for block in section.blocks] == ["Table"] * 6 + ["Picture"]


def test_seeds_of_a_model_that_are_evaluated_together_are_compared(tmp_path):
    refs = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        refs.append(str(weights.save(tmp_path / f"lite{seed}", LITE.build())))
    how = Examining(EXAM.data, count=8, batch=4, disentanglement=True)
    records, tables = examine([*refs, "colour"], how, progress=False)
    compared = {(record["model"], record["masks"]) for record in records if "udr_lasso" in record}
    assert compared == {(ref, "own") for ref in refs}
    first, *_ = tables(records)
    assert {"udr_lasso", "udr_spearman"} <= first.columns.keys()
    alone, tables = examine(refs[:1], how, progress=False)
    assert "udr_lasso" not in tables(alone)[0].columns


def test_what_was_found_out_is_not_found_out_again(source, tmp_path, monkeypatch):
    exam, effort = replace(EXAM, count=4), Effort(root=tmp_path, progress=False)
    model = COLOUR.build().eval()
    first = dissected_once({"a": model}, source, exam, effort)
    assert set(first) == {("a", "own"), ("a", "true")}
    monkeypatch.setattr("objrep_gym.experiments.dissected.gather", None)
    assert dissected_once({"b": model}, source, exam, effort) == {("b", masks): told for (_, masks), told in first.items()}
    with pytest.raises(TypeError):
        dissected_once({"a": model}, source, replace(exam, count=5), effort)


def test_models_are_told_apart_by_config_and_weights():
    lite, other = (LITE.build() for _ in range(2))
    prints = {fingerprint(model) for model in (lite, other, COLOUR.build(), replace(COLOUR, slots=3).build())}
    assert len(prints) == 4
    other.load_state_dict(lite.state_dict())
    assert fingerprint(other) == fingerprint(lite)


def test_cells_of_several_seeds_are_means():
    seeds = [{"mig": 0.2, "things": 3}, {"mig": 0.4, "things": 4}, {"mig": None, "things": 4}]
    found = cell(seeds, "mig")
    assert isinstance(found, Interval)
    assert (found.mean, found.low, found.high) == (pytest.approx(0.3), 0.2, 0.4)
    assert cell(seeds, "things") == 4
    assert cell(seeds, "udr_lasso") is None
