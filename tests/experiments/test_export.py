"""Export: what is shipped is judged, described by its run, and never half there."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from objrep_gym import weights
from objrep_gym.cli import main
from objrep_gym.configs import to_json
from objrep_gym.data import whole
from objrep_gym.experiments import judging
from objrep_gym.experiments.export import OTHERS, Exporting, check, export, replace_all, seconds
from objrep_gym.experiments.judge import COLUMNS
from objrep_gym.experiments.judging import Refused
from objrep_gym.experiments.kinds import Run, perform
from objrep_gym.experiments.schedules import individual
from objrep_gym.figures.tables import Table
from objrep_gym.journal import NAME, Journal
from objrep_gym.metrics.intervals import Interval
from objrep_gym.models import MODELS
from objrep_gym.models.monet_lite import MONetLiteConfig
from objrep_gym.training import Stage
from objrep_gym.weights.files import digest

TINY = MONetLiteConfig().tiny()
RUN = Run(TINY, ("objects-room:variant=train,size=32",), (Stage(3, lr=1e-3),), batch=4, seed=5, precision="bf16")
HOW = Exporting(
    exams=("objects-room:variant=train,size=32", "objects-room:variant=reach,look=plain,size=32"), count=4, probe=4
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return perform(RUN, tmp_path_factory.mktemp("runs") / "tiny", progress=False).folder


def test_an_export_loads_by_its_name_and_says_how_it_was_made(trained, tmp_path, monkeypatch):
    out = export(trained, tmp_path / "monet-lite@rooms", HOW, progress=False)
    assert {file.name for file in out.iterdir()} == {weights.WEIGHTS, weights.CONFIG, NAME, *OTHERS}
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
    assert weights.load("monet-lite@rooms").config == TINY
    assert (out / weights.WEIGHTS).stat().st_size < 0.6 * (trained / weights.WEIGHTS).stat().st_size
    card = (out / weights.CARD).read_text()
    for words in (
        "monet-lite@rooms",
        "12 images in 3 of 3 steps of 4",
        "seed | 5",
        "4 images",
        "k-means, chromaticity",
        "What slots say",
    ):
        assert words in card
    described = json.loads((out / weights.CONFIG).read_text())
    assert {file: digest((out / file).read_bytes()) for file in OTHERS} == described["beside"]
    assert abs(described["kept"]["moved"]["ari_fg"]) <= judging.MOVED
    assert (described["kept"]["before"], described["kept"]["dtype"]) == ("float32", "fp16")
    assert (described["again"]["count"], described["again"]["data"]) == (4, HOW.exams[0])
    assert f"On the first 4 scenes of `{HOW.exams[0]}`" in card
    assert f"**{HOW.exams[0]} test, 4 images**" in card, "a size is part of the exam"
    judged = described["judged"]
    assert [record["variant"] for record in judged] == ["train"] * 4 + ["reach"] * 4
    assert judged[0]["model"] == "monet-lite@rooms"


@pytest.mark.parametrize("name", ["mvae-count", "vae-sprites"])
def test_a_model_without_masks_is_judged_by_its_bound(name, tmp_path):
    run = Run(MODELS[name].tiny(), ("sprites:size=32",), (Stage(3, lr=1e-3),), batch=4)
    trained = perform(run, tmp_path / "run", progress=False).folder
    out = export(trained, tmp_path / f"{name}@sprites", replace(HOW, exams=()), progress=False)
    card = (out / weights.CARD).read_text()
    (record,) = json.loads((out / weights.CONFIG).read_text())["judged"]
    assert record["bound"] == pytest.approx(record["nll"] + record["kl"])
    assert ("Counting, sprites:size=32" in card) == ("test" in record) == (name == "mvae-count")
    assert record.get("chosen", 28) == 28
    assert "negative bound, nats" in card


def test_the_card_of_one_code_of_one_thing_has_the_suite_and_what_is_published(tmp_path):
    run = Run(MODELS["beta-tcvae"].tiny(), ("dsprites:size=32",), (Stage(3, lr=1e-3),), batch=4)
    trained = perform(run, tmp_path / "run", progress=False).folder
    out = export(trained, tmp_path / "vae@dsprites", replace(HOW, exams=(), count=20), progress=False)
    card = (out / weights.CARD).read_text()
    assert "| vae@dsprites, untrained |" in card
    assert re.search(r"\| β-TCVAE \|.*\(paper \.45\)", card)
    assert "vae@dsprites, factor by factor" in card
    assert re.search(r"rounding \| from float32: MSE.*FactorVAE % [+-].*MIG %", card)


def test_members_of_a_parallel_vae_are_judged_by_their_kinds(tmp_path):
    table = "tabletop:variant={},look=grey,size=32,engine=raycast"
    data = tuple(table.format(variant) for variant in ("cylinders-only", "spheres-only"))
    both = table.format("cylinders-and-spheres")
    run = Run(MODELS["parallel-vae-map"].tiny(), data, individual(2, 1), batch=4)
    trained = perform(run, tmp_path / "run", progress=False).folder
    out = export(trained, tmp_path / "parallel@tables", replace(HOW, count=20, exams=(both,)), progress=False)
    (record,) = json.loads((out / weights.CONFIG).read_text())["judged"]
    assert record["data"] == both
    assert 0 < record["purity"] <= 1
    assert len(record["auc"]) == len(record["error"]) == 2
    card = (out / weights.CARD).read_text()
    assert "ARI of kinds" in card
    assert "# a run of 2 stages" in card


def test_what_learned_no_rooms_is_judged_on_what_it_learned(tmp_path):
    data = "tabletop:variant=cylinders-only,size=32,engine=raycast"
    trained = perform(replace(RUN, data=(data,)), tmp_path / "run", progress=False).folder
    out = export(trained, tmp_path / "monet-lite@tables", replace(HOW, exams=()), progress=False)
    described = json.loads((out / weights.CONFIG).read_text())
    assert {(record["data"], record["variant"]) for record in described["judged"]} == {("tabletop", "cylinders-only")}


def test_an_export_replaces_an_older_one_and_nothing_else(trained, tmp_path):
    out = export(trained, tmp_path / "a@b", replace(HOW, dtype="float32"), progress=False)
    before = (out / weights.WEIGHTS).stat().st_size
    export(trained, out, HOW, progress=False)
    assert (out / weights.WEIGHTS).stat().st_size < before
    assert [path.name for path in tmp_path.iterdir()] == ["a@b"], "nothing temporary is left beside it"
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something else"):
        export(trained, out, HOW, progress=False)


@pytest.mark.parametrize("torn", [weights.CONFIG, weights.WEIGHTS, weights.CARD])
def test_an_export_that_was_killed_leaves_weights_that_load_and_is_made_good(trained, tmp_path, monkeypatch, torn):
    old, new, out = (tmp_path / name for name in ("old", "new", "out"))
    weights.save(old, TINY.build(), step=1)
    weights.save(new, weights.load(trained), step=2)
    for folder in (old, new):
        (folder / weights.CARD).write_text(folder.name)
    (old / NAME).write_text("{}\n")
    replace_all(out, old)

    def write(path, content, honest=whole.write):
        if Path(path) == out / torn:
            (out / f"{torn}.123.partial").write_bytes(b"half")
            raise KeyboardInterrupt
        return honest(path, content)

    with monkeypatch.context() as killed:
        killed.setattr(whole, "write", write)
        with pytest.raises(KeyboardInterrupt):
            replace_all(out, new)
    weights.load(out)
    (out / f"{weights.WEIGHTS}.1-of-2.123.partial").write_bytes(b"half")
    check(out)
    replace_all(out, new)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == {
        file.name: file.read_bytes() for file in new.iterdir()
    }, "nothing of the older one, and nothing half written"


def test_what_was_exported_is_exported_again_to_the_same(trained, tmp_path, monkeypatch):
    first = export(trained, tmp_path / "a@b", HOW, progress=False)
    before = {file.name: file.read_bytes() for file in first.iterdir()}
    monkeypatch.setattr(judging, "evaluate", lambda ref, exam, tell=None, known=judging.evaluate: fewer(known, ref, exam))
    export(first, first, HOW, progress=False)
    assert {file.name for file in first.iterdir()} == before.keys()
    for name in (weights.WEIGHTS, weights.CARD, weights.CONFIG):
        assert (first / name).read_bytes() == before[name], name


@pytest.mark.parametrize(
    ("kept", "asked", "known"),
    [
        ({"exam": "objects-room:look=plain"}, "objects-room:look=plain", True),
        ({"exam": "objects-room:look=plain"}, "objects-room:look=plain,engine=raycast", False),
        ({"exam": "objects-room:look=plain,size=32"}, "objects-room:look=plain,size=64", False),
        ({}, "objects-room:variant=train,look=plain", True),
        ({}, "objects-room:look=plain,size=32", False),
    ],
)
def test_what_was_measured_holds_for_the_same_exam_alone(monkeypatch, kept, asked, known):
    """Records of earlier versions have their exam's variant and look, and nothing more of its words."""
    record = {"data": "objects-room", "variant": "train", "look": "plain", "split": "test", "count": 9, **kept}
    monkeypatch.setattr(weights, "read_config", lambda folder: (TINY, {"sha256": "same", "judged": [record]}))
    assert judging.known_of(Path("a"), Path("b"), asked, 9) == ([record] if known else [])


def fewer(known, ref, exam):
    """Of weights that are the same, only the few scenes are judged once more that are to be measured again."""
    assert exam.count <= judging.AGAIN
    assert exam.data == HOW.exams[0]
    return known(ref, exam)


def test_eight_bits_say_what_they_moved(trained, tmp_path):
    halved = export(trained, tmp_path / "a@b", HOW, progress=False)
    out = export(halved, tmp_path / "c@d", replace(HOW, dtype="int8"), progress=False)
    assert (out / weights.WEIGHTS).stat().st_size < 0.65 * (halved / weights.WEIGHTS).stat().st_size
    card = (out / weights.CARD).read_text()
    assert "numbers kept in int8" in card
    assert re.search(r"rounding \| from fp16: ARI-FG % [+-]0\.\d\d", card)


def test_weights_of_unknown_origin_are_not_exported(tmp_path):
    folder = weights.save(tmp_path / "run", TINY.build())
    with pytest.raises(ValueError, match="does not say what made its weights"):
        export(folder, tmp_path / "a@b", HOW, progress=False)


def test_the_document_stands_beside_its_own_exam_alone():
    table = Table("t", COLUMNS, {"mine": {"ari_fg": Interval(0.9, 0.8, 1.0), "msc_fg": Interval(0.5, 0.4, 0.6)}})
    own = judging.beside_thesis("objects-room:variant=train,look=published,size=64", table, MODELS["slot-attention-small"])
    assert own.paper["MONet"]["ari_fg"] == "83.44±1.58"
    assert own.notes[-1] == "To Slot Attention there: ARI-FG % +11.0, MSC-FG % -14.0."
    assert judging.beside_thesis("objects-room:variant=train,look=plain", table, TINY) == table


def test_a_rounding_that_costs_is_refused_and_leaves_nothing(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "MOVED", -1.0)
    with pytest.raises(ValueError, match=r"rounding moved ari_fg from .* export with --dtype float32"):
        export(trained, tmp_path / "a@b", HOW, progress=False)
    assert not list(tmp_path.iterdir())


def test_an_error_that_grew_and_what_is_no_number_are_refused():
    assert judging.compare({"mse": 0.001, "ari": None}, {"mse": 0.00105}, ("mse", "ari")) == {"mse": pytest.approx(5e-5)}
    for before, after in ((0.0005, 0.0006), (0.001, float("nan"))):
        with pytest.raises(Refused, match=r"rounding moved mse from 0\.00"):
            judging.compare({"mse": before}, {"mse": after}, ("mse",))


def test_a_weight_beyond_what_is_asked_for_is_told_in_a_line(trained, tmp_path, capsys):
    model = weights.load(trained)
    next(model.parameters()).data.view(-1)[0] = 1e6
    folder = weights.save(tmp_path / "run", model, step=3, run=to_json(RUN), made={})
    assert main(["export", str(folder), "--out", "a@b", "--count", "4"]) == 2
    assert "beyond fp16: store it as bf16 or float32, which --dtype says" in capsys.readouterr().err
    assert not Path("a@b").exists()


def test_the_folder_that_one_stands_in_has_a_name_too(trained, tmp_path, monkeypatch):
    (tmp_path / "mine@rooms").mkdir()
    monkeypatch.chdir(tmp_path / "mine@rooms")
    export(trained, ".", replace(HOW, exams=HOW.exams[:1]), progress=False)
    card = Path(weights.CARD).read_text()
    assert card.startswith("# mine@rooms\n")
    assert "--out runs/mine@rooms" in card


def test_pauses_are_no_training_time(tmp_path):
    with Journal(tmp_path) as journal:
        for step, time in enumerate((0.0, 2.0, 4.0, 5000.0, 5002.0), 1):
            journal.write(step=step, time=time)
    assert seconds(tmp_path) == 6.0
