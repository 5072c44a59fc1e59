"""Export: what is shipped is judged, described by its run, and never half there."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from objrep_gym import weights
from objrep_gym.experiments import judging
from objrep_gym.experiments.export import PICTURE, Exporting, command, export, seconds
from objrep_gym.experiments.kinds import Performed, Run, perform
from objrep_gym.experiments.parallel_vae import _runs
from objrep_gym.experiments.schedules import individual
from objrep_gym.journal import NAME, Journal
from objrep_gym.models import MODELS
from objrep_gym.models.monet_lite import MONetLiteConfig
from objrep_gym.training import Stage

TINY = MONetLiteConfig().tiny()
RUN = Run(TINY, ("objects-room:variant=train,size=32",), (Stage(3, lr=1e-3),), batch=4, seed=5, precision="bf16")
HOW = Exporting(exams=("objects-room:variant=train,size=32", "objects-room:variant=reach,look=plain,size=32"), count=4)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return perform(RUN, tmp_path_factory.mktemp("runs") / "tiny", progress=False).folder


def test_an_export_loads_by_its_name_and_says_how_it_was_made(trained, tmp_path, monkeypatch):
    out = export(trained, tmp_path / "monet-lite@rooms", HOW, progress=False)
    assert {file.name for file in out.iterdir()} == {weights.WEIGHTS, weights.CONFIG, weights.CARD, PICTURE, NAME}
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
    assert weights.load("monet-lite@rooms").config == TINY
    assert (out / weights.WEIGHTS).stat().st_size < 0.6 * (trained / weights.WEIGHTS).stat().st_size
    card = (out / weights.CARD).read_text()
    for words in ("monet-lite@rooms", "12 images in 3 of 3 steps of 4", "seed | 5", "4 images", "k-means, chromaticity"):
        assert words in card
    judged = json.loads((out / weights.CONFIG).read_text())["judged"]
    assert [record["variant"] for record in judged] == ["train"] * 4 + ["reach"] * 4
    assert judged[0]["model"] == "monet-lite@rooms"


@pytest.mark.parametrize("name", ["mvae-count", "vae-sprites"])
def test_a_model_without_masks_is_judged_by_its_bound(name, tmp_path):
    run = Run(MODELS[name].tiny(), ("sprites:size=32",), (Stage(3, lr=1e-3),), batch=4)
    trained = perform(run, tmp_path / "run", progress=False).folder
    out = export(trained, tmp_path / f"{name}@sprites", replace(HOW, count=4), progress=False)
    card = (out / weights.CARD).read_text()
    (record,) = json.loads((out / weights.CONFIG).read_text())["judged"]
    assert record["bound"] == pytest.approx(record["nll"] + record["kl"])
    assert ("Counting, sprites:size=32" in card) == ("test" in record) == (name == "mvae-count")
    assert record.get("chosen", 28) == 28
    assert "negative bound, nats" in card


def test_members_of_a_parallel_vae_are_judged_by_their_kinds(tmp_path):
    table = "tabletop:variant={},look=grey,size=32,engine=raycast"
    data = tuple(table.format(variant) for variant in ("cylinders-only", "cylinders-and-spheres"))
    run = Run(MODELS["parallel-vae-map"].tiny(), data, individual(2, 1), batch=4)
    trained = perform(run, tmp_path / "run", progress=False).folder
    out = export(trained, tmp_path / "parallel@tables", replace(HOW, count=20), progress=False)
    (record,) = json.loads((out / weights.CONFIG).read_text())["judged"]
    assert record["data"] == data[1]
    assert 0 < record["purity"] <= 1
    assert len(record["auc"]) == len(record["error"]) == 2
    card = (out / weights.CARD).read_text()
    assert "ARI of kinds" in card
    assert "# a run of 2 stages" in card
    assert command(_runs.FOUR, "runs/four") == "objrep-gym reproduce parallel_vae/figure_4_3"


def test_an_export_replaces_an_older_one_and_nothing_else(trained, tmp_path):
    out = export(trained, tmp_path / "a@b", replace(HOW, dtype="float32"), progress=False)
    before = (out / weights.WEIGHTS).stat().st_size
    export(trained, out, HOW, progress=False)
    assert (out / weights.WEIGHTS).stat().st_size < before
    assert [path.name for path in tmp_path.iterdir()] == ["a@b"], "nothing temporary is left beside it"
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something else"):
        export(trained, out, HOW, progress=False)


def test_a_rounding_that_costs_is_refused_and_leaves_nothing(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "MOVED", -1.0)
    with pytest.raises(ValueError, match=r"rounding moved ari_fg from .* export with --dtype float32"):
        export(trained, tmp_path / "a@b", HOW, progress=False)
    assert not list(tmp_path.iterdir())


def test_the_command_on_the_card_performs_the_same_run(monkeypatch):
    """The words are parsed by the command line itself."""
    from objrep_gym.cli import main
    from objrep_gym.experiments import kinds

    wanted = Run(
        replace(MODELS["monet-lite"], beta=0.25, size=(32, 48)),  # pyright: ignore[reportArgumentType]
        ("objects-room:variant=train,look=plain,size=32", "objects-room:variant=reach,size=32"),
        (Stage(70, lr=3e-4, schedule="cosine", warmup=10),),
        batch=32,
        seed=3,
        precision="bf16",
    )
    done = []

    def performed(run, out, minutes, wandb):
        done.append((run, out))
        return Performed(out, 70, 70, True, {})

    monkeypatch.setattr(kinds, "perform", performed)
    program, *words = command(wanted, "runs/again").split()
    assert program == "objrep-gym"
    assert main(words) == 0
    assert done == [(wanted, Path("runs/again"))]


def test_pauses_are_no_training_time(tmp_path):
    with Journal(tmp_path) as journal:
        for step, time in enumerate((0.0, 2.0, 4.0, 5000.0, 5002.0), 1):
            journal.write(step=step, time=time)
    assert seconds(tmp_path) == 6.0
