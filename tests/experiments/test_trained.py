"""Trained: a run is found where it lies, goes on from weights alone, and is given its part of the time."""

import json
import os
import signal
from dataclasses import replace

import pytest
import torch

from objrep_gym import weights
from objrep_gym.configs import to_json
from objrep_gym.data.objects_room import ObjectsRoom
from objrep_gym.experiments import trained as module
from objrep_gym.experiments.export import origin_of
from objrep_gym.experiments.kinds import RUN as DESCRIBED
from objrep_gym.experiments.kinds import Performance, Run, perform
from objrep_gym.experiments.saved import STATE
from objrep_gym.experiments.trained import Effort, address, identity, scaled, standing, train_all, trained
from objrep_gym.journal import NAME, encode, read
from objrep_gym.models import MODELS
from objrep_gym.training import Stage
from tests.data.fake import Squares
from tests.data.fake_model import TinyConfig

RUN = Run(TinyConfig(), stages=(Stage(12, lr=1e-2), Stage(8, lr=1e-2)), batch=4, save=5, report=4)


@pytest.fixture(autouse=True)
def squares(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TinyConfig())
    monkeypatch.setattr(ObjectsRoom, "open", lambda described: Squares())


@pytest.fixture
def effort(tmp_path):
    return Effort(root=tmp_path / "trained", progress=False)


def test_a_run_is_told_from_any_other_but_not_by_what_its_weights_do_not_depend_on():
    assert identity(replace(RUN, seed=3, save=1, report=1)) == identity(RUN)
    others = [{"batch": 8}, {"model": TinyConfig(width=9)}, {"precision": "bf16"}, {"stages": RUN.stages[:1]}]
    assert len({identity(replace(RUN, **other)) for other in others} | {identity(RUN)}) == 5
    assert address(replace(RUN, seed=2)) == f"tiny-objects-room/{identity(RUN)}/seed2"


def test_what_is_trained_is_found_by_the_next(effort, monkeypatch):
    done = trained(RUN, effort)
    assert done.finished
    monkeypatch.setattr(module, "perform", lambda *given, **named: pytest.fail("trained twice"))
    assert trained(RUN, effort).folder == done.folder == effort.root / address(RUN)
    assert standing(RUN, effort.root).step == 20


def test_a_run_of_which_only_weights_are_left_goes_on_from_them(effort, tmp_path, monkeypatch):
    whole = trained(RUN, effort).folder
    kept = tmp_path / "pretrained" / "tiny@rooms"
    weights.save(kept, weights.load(whole), dtype="float32", step=15, run=to_json(RUN))
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path / "pretrained")
    elsewhere = replace(effort, root=tmp_path / "elsewhere")
    assert standing(RUN, elsewhere.root).folder == kept
    assert standing(replace(RUN, seed=1), elsewhere.root).step == 0
    done = trained(RUN, elsewhere)
    assert (done.step, done.folder) == (20, elsewhere.root / address(RUN))
    state = torch.load(done.folder / STATE, weights_only=True)
    assert state["loop"]["renewed"] == 3
    moved = [(a - b).abs().max() for a, b in zip(*(weights.load(f).parameters() for f in (kept, done.folder)), strict=True)]
    assert 0 < max(moved) < 5 * 1e-2 * 5 / 500 * 2, "five steps of a rate that rises over 500"


def test_a_run_whose_state_is_lost_goes_on_from_its_own_weights(effort):
    longer = replace(RUN, stages=(RUN.stages[0], replace(RUN.stages[1], steps=9)))
    folder = effort.root / address(longer)
    perform(RUN, folder, progress=False)
    (folder / STATE).unlink()
    assert standing(longer, effort.root).step == 20
    assert trained(longer, replace(effort, minutes=0.0)).step == 21
    assert [line["step"] for line in read(folder / NAME)] == [4, 8, 12, 16, 20, 21]


def test_what_went_on_from_shipped_weights_keeps_their_hours_and_their_journal(effort, tmp_path, monkeypatch):
    kept = tmp_path / "pretrained" / "tiny@rooms"
    made = {"versions": {}, "commit": None, "machine": "Cray", "seconds": 3600.0}
    weights.save(kept, RUN.model.build(), step=12, run=to_json(RUN), made=made)
    (kept / NAME).write_text("".join(encode({"step": step, "time": 900.0 * step}) for step in (4, 8, 12)))
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path / "pretrained")
    folder = trained(RUN, effort).folder
    assert [line["step"] for line in read(folder / NAME)] == [4, 8, 12, 16, 20]
    here = json.loads((folder / DESCRIBED).read_text())["machine"]
    origin = origin_of(folder)
    assert origin.made["machine"] == f"Cray and {here}"
    assert 3600 < origin.made["seconds"] < 3660
    assert "Cray" in json.loads((folder / DESCRIBED).read_text())["before"]["machine"]


def test_finished_weights_that_ship_are_not_trained_again(effort, tmp_path, monkeypatch):
    kept = tmp_path / "pretrained" / "tiny@rooms"
    weights.save(kept, RUN.model.build(), step=20, run=to_json(RUN))
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path / "pretrained")
    assert trained(RUN, effort).folder == kept
    assert not effort.root.exists()


def test_what_ships_is_trained_again_where_that_is_asked(effort, tmp_path, monkeypatch):
    kept = tmp_path / "pretrained" / "tiny@rooms"
    weights.save(kept, RUN.model.build(), step=20, run=to_json(RUN))
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path / "pretrained")
    anew = replace(effort, anew=True)
    assert anew.found(RUN).step == 0
    (done,) = train_all([RUN], anew)
    assert (done.folder, done.finished) == (effort.root / address(RUN), True)
    assert next(read(done.folder / NAME))["step"] == 4


def test_time_is_shared_by_the_runs_of_a_seed_before_the_next_seed_begins(effort, monkeypatch):
    given = []
    monkeypatch.setattr(module, "trained", lambda run, part: given.append((run.seed, run.batch, round(part.minutes, 2))))
    runs = [replace(RUN, seed=seed, batch=batch) for seed in (0, 1) for batch in (2, 4, 8)]
    train_all(runs, replace(effort, minutes=30.0))
    assert [(seed, batch) for seed, batch, _ in given] == [(0, 2), (0, 4), (0, 8), (1, 2), (1, 4), (1, 8)]
    assert [minutes for _, _, minutes in given[:3]] == [10.0, 15.0, 30.0], "of what is left, each takes an even part"


def test_without_time_left_nothing_begins(effort, monkeypatch):
    monkeypatch.setattr(module, "trained", lambda run, part: pytest.fail("began"))
    assert [found.step for found in train_all([RUN], replace(effort, minutes=0.0))] == [0]


def test_a_scaled_run_is_smaller_in_everything():
    run = Run(MODELS["monet"], data=("objects-room:look=plain",), stages=(Stage(1000, warmup=50),), batch=64)
    tenth = scaled(run, 0.1)
    assert (tenth.stages[0].steps, tenth.batch, tenth.model) == (100, 20, run.model)
    toy = scaled(run, 0.001)
    assert toy.model == run.model.tiny()
    assert toy.data == ("objects-room:look=plain,size=32",)
    assert (toy.stages[0].steps, toy.stages[0].warmup, toy.batch) == (1, 0, 2)
    for scale in (0.0, 1.5):
        with pytest.raises(ValueError, match=r"not in \(0, 1\]"):
            scaled(run, scale)


def test_the_folder_says_what_it_holds(effort):
    folder = trained(RUN, effort).folder
    assert json.loads((folder / "run.json").read_text())["run"]["batch"] == 4


def test_a_signal_ends_all_trainings_and_not_one_of_several(effort, monkeypatch):
    noted = []

    def note(self, now, stage, step):
        noted.append(step)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Performance, "note", note)
    runs = [RUN, replace(RUN, batch=8)]
    with pytest.raises(KeyboardInterrupt):
        train_all(runs, effort)
    assert [standing(run, effort.root).step for run in runs] == [noted[-1], 0]
    assert len(noted) == 1
