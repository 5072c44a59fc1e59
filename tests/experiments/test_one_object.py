"""The suite of models with one slot: what is encoded, what is said of it, and the verb that asks."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from objrep_gym import weights
from objrep_gym.cli import main
from objrep_gym.data import open_source
from objrep_gym.experiments import examining, one_object
from objrep_gym.experiments.examining import Examining, examine
from objrep_gym.experiments.judge import Exam
from objrep_gym.experiments.one_object import agreements, as_tables, by_size, evaluate, gather, one_thing, usual
from objrep_gym.metrics.suite import METRICS
from objrep_gym.models import MODELS
from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About
from objrep_gym.types import Slots, to_image
from objrep_gym.wrappers.encoder import fitted

SIZES = (4, 3, 6)


class Dots:
    """A world of one thing with three factors, and a fourth that never changes: each is written into a pixel."""

    about = About(("ground", "dot"), ("x", "y", "tone", "kind"), (*SIZES, 1), background=1)
    size = (2, 2)

    def render(self, factors: np.ndarray, outputs=("image",)) -> View:
        values = np.nan_to_num(factors[:, 1, :3]) * 40
        image = np.zeros((len(factors), 2, 2, 3), np.uint8)
        image[:, 0, 0, :] = values
        return View(image, None, None, factors)


class Grid:
    """All dots, some times each, as a source of numbered scenes."""

    def __init__(self, times: int = 4, endless: bool = False):
        self.world, self.about, self.size = Dots(), Dots.about, Dots.size
        values = np.stack(np.unravel_index(np.arange(72 * times) % 72, SIZES), axis=1)
        self.scenes = np.full((len(values), 2, 4), np.nan, np.float32)
        self.scenes[:, 1, :3], self.scenes[:, 1, 3] = values, 0
        self.examples = None if endless else len(values)
        self.closed, self.seen = 0, []

    def read(self, indices: np.ndarray, outputs) -> View:
        self.seen += indices.tolist()
        return self.world.render(self.scenes[indices % len(self.scenes)])

    def close(self) -> None:
        self.closed += 1


@dataclass(frozen=True)
class ReaderConfig:
    """What reads dots."""

    order: tuple[int, ...] = (0, 1, 2)
    turned: bool = False

    def build(self) -> "Reader":
        return Reader(self)

    def tiny(self) -> "ReaderConfig":
        return self


class Reader(SlotModule):
    """The three numbers that a dot's pixel holds, in an order, or turned against each other."""

    has_masks = False

    def __init__(self, config: ReaderConfig):
        super().__init__(config, (3, 2, 2), slots=1, latent_size=4)
        self.gain = torch.nn.Parameter(torch.tensor([3.0, -2.0, 4.0]))

    def encode(self, image):
        self.check_size(image)
        codes = image[:, list(self.config.order), 0, 0] * self.gain
        if self.config.turned:
            codes = codes @ torch.linalg.qr(torch.arange(9.0).reshape(3, 3) + 2 * torch.eye(3))[0]
        dead = torch.zeros_like(codes[:, :1])
        return Slots(torch.cat([codes, dead], 1)[:, None], torch.zeros(len(image), 1))


READERS = {
    "straight": Reader(ReaderConfig()),
    "other": Reader(ReaderConfig((2, 0, 1))),
    "turned": Reader(ReaderConfig(turned=True)),
}


@pytest.fixture
def grid(monkeypatch) -> Grid:
    source = Grid()
    monkeypatch.setattr(one_object, "open_source", lambda *_, **__: source)
    about = {"data": "dots", "variant": None, "look": None, "split": "test"}
    monkeypatch.setattr(one_object, "described", lambda exam: about)
    monkeypatch.setattr(one_object.weights, "load", lambda ref, *_: READERS[ref.partition("#")[0]])
    return source


EXAM = Exam("dots", count=288, batch=50)


def test_each_picture_is_drawn_once_and_codes_stand_beside_their_factors(grid):
    done: list[int] = []
    found = gather(READERS, grid, EXAM, done.append)
    assert grid.seen == list(range(288))
    assert done == [50, 100, 150, 200, 250, 288]
    assert found.factors.shape == (288, 4)
    assert found.names == Dots.about.factors
    expected = found.factors[:, :3] * 40 / 255 * [3, -2, 4]
    assert found.codes["straight"][:, :3] == pytest.approx(expected, abs=1e-5)
    assert found.codes["other"][:, 1] == pytest.approx(expected[:, 0] * -2 / 3, abs=1e-5)
    assert found.anew == {}, "a whole grid has all changes in it"


def test_part_of_a_world_has_its_things_changed_anew(grid):
    found = gather({"straight": READERS["straight"]}, grid, replace(EXAM, count=200))
    anew = found.anew["straight"]
    assert anew.shape == (32, 4, 64, 4)
    spans = np.ptp(anew, axis=2)
    for factor in range(3):
        assert (spans[:, factor, factor] > 0).mean() > 0.9
        assert (np.delete(spans[:, factor], factor, axis=1) == 0).all()
    assert (spans[:, 3] == 0).all()


def test_scenes_without_the_thing_are_left_out(grid):
    grid.scenes[::2] = np.nan
    found = gather(READERS, grid, EXAM)
    assert len(found.factors) == len(found.codes["turned"]) == 144
    assert np.isfinite(found.factors).all()


def test_every_model_sees_pictures_that_are_drawn_at_its_size():
    """And all see the same scenes."""
    models = {f"{side}": replace(MODELS["vae"], size=(side, side), widths=(8, 8, 8, 8)).build().eval() for side in (32, 64)}
    exam = Exam("dsprites", count=30, batch=15)
    source = open_source(exam.data, exam.seed, exam.split)
    found = gather(models, source, exam)
    assert list(found.codes) == ["32", "64"]
    small = open_source("dsprites:size=32", exam.seed, exam.split).read(np.arange(30), ("image",))
    np.testing.assert_array_equal(found.factors, small.factors[:, 1])
    with torch.no_grad():
        expected = models["32"].encode(fitted(to_image(torch.from_numpy(small.image)), models["32"].size)).latents[:, 0]
    np.testing.assert_allclose(found.codes["32"], expected, atol=1e-5)
    assert list(by_size(models, source, "dsprites:folder=here")) == ["dsprites:folder=here"]
    assert list(by_size(models, source, exam.data)) == ["dsprites:size=32", "dsprites"]


def test_a_model_is_judged_beside_itself_untrained(grid):
    records = evaluate(["straight"], EXAM)
    assert [record["model"] for record in records] == ["straight", "straight, untrained"]
    first = records[0]
    assert {"data", "split", "count", *METRICS} <= set(first)
    assert first["factor_vae"] == 1
    assert first["perturbation"] == pytest.approx(1, abs=0.01)
    assert first["count"] == 288
    assert first["in_use"] == 3
    assert first["mig_x"] == pytest.approx(1)
    assert first["mig_kind"] is None
    assert first["importance"]["kind"] is None
    assert np.argmax(first["importance"]["tone"]) == 2
    assert grid.closed == 1
    json.dumps(records)
    scores, further, factors = as_tables(records)
    assert list(scores.rows) == list(further.rows) == ["straight", "straight, untrained"]
    assert set(factors.rows) == {"x", "y", "tone"}
    assert factors.rows["y"]["by"] == "z2 100%"


def test_seeds_are_ranked_without_labels_within_their_config(grid):
    records = evaluate(["turned", "straight#1", "other", "straight#2"], EXAM)
    assert [record["model"] for record in records[:2]] == ["straight#1", "straight#2"]
    assert records[0]["udr_spearman"] == pytest.approx(1, abs=0.05)
    assert all("udr_lasso" not in record for record in records[2:]), "nobody has their config"
    scores, _ = as_tables(records)
    assert {"udr_lasso", "udr_spearman"} <= set(scores.columns)
    assert "same config" in " ".join(scores.notes)


def test_no_factor_is_needed_to_rank():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(500, 3))
    found = agreements(dict.fromkeys("abc", READERS["straight"]), {"a": codes, "b": -codes, "c": rng.normal(size=(500, 3))})
    assert found["a"]["udr_lasso"] > found["c"]["udr_lasso"]


def test_what_the_suite_does_not_judge_is_refused(grid, monkeypatch):
    colour = MODELS["colour"].tiny().build()
    with pytest.raises(ValueError, match="colour has 4 slots"):
        gather({"colour": colour}, grid, EXAM)
    with pytest.raises(ValueError, match="ask for 1 or more"):
        gather(READERS, grid, replace(EXAM, count=0))
    grid.about = replace(Dots.about, entities=("ground", "dot", "dot_2"))
    assert not one_thing(grid.about)
    with pytest.raises(ValueError, match="several things"):
        gather(READERS, grid, EXAM)


def test_the_suite_is_usual_for_one_slot_and_one_thing(grid, monkeypatch):
    assert usual(["straight", "turned"], "dots", "test") == (288, 256)
    grid.examples = None
    assert usual(["straight"], "dots", "test") == (20_000, 256)
    monkeypatch.setitem(READERS, "many", MODELS["colour"].tiny().build())
    assert usual(["straight", "many"], "dots", "test") is None
    grid.about = replace(Dots.about, entities=("ground", "dot", "dot_2"))
    assert usual(["straight"], "dots", "test") is None


def test_what_is_asked_follows_from_model_and_data(monkeypatch):
    told: list[tuple[str, Exam]] = []
    for name in ("judge", "dissection", "one_object"):
        module = getattr(examining, name)
        monkeypatch.setattr(module, "evaluate", lambda refs, exam, watch, name=name: told.append((name, exam)) or [])
    for suited, disentanglement in ((None, False), (None, True), ((7, 3), False), ((7, 3), True)):
        monkeypatch.setattr(one_object, "usual", lambda *_, suited=suited: suited)
        examine(("a",), Examining("somewhere", disentanglement=disentanglement), progress=False)
    assert [name for name, _ in told] == ["judge", "dissection", "one_object", "one_object"]
    assert [(exam.count, exam.batch) for _, exam in told] == [(1000, 50), (1000, 50), (7, 3), (7, 3)]
    examine(("a",), Examining("somewhere", count=11, batch=2), progress=False)
    assert (told[-1][1].count, told[-1][1].batch) == (11, 2)
    with pytest.raises(ValueError, match="name a model"):
        examine((), Examining(), progress=False)


@pytest.mark.parametrize(("data", "counts"), [("dsprites:size=32", (60, 60)), ("sprites:most=1,size=32", (10, 50))])
def test_the_verb_prints_the_suite_of_a_vae(data, counts, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(one_object, "ANCHORS", 2)
    torch.manual_seed(0)
    model = MODELS["vae"].tiny()
    refs = [str(tmp_path / name) for name in ("a", "b")]
    for ref in refs:
        weights.save(ref, model.build(), model)
    assert main(["evaluate", *refs, "--data", data, "--count", "60", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(record["model"] for record in records) == refs
    assert set(METRICS) | {"udr_lasso", "udr_spearman", "importance"} <= set(records[0])
    assert counts[0] <= records[0]["count"] <= counts[1], "half of the scenes of sprites have none"
    assert all(record["perturbation"] is not None for record in records)
