"""Run and perform: a run directory that survives anything, and goes on to the same weights."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from objrep_gym import weights
from objrep_gym.data.generate import Recipe, generate
from objrep_gym.data.objects_room import ObjectsRoom
from objrep_gym.experiments.kinds import RUN, Run, perform, read_run
from objrep_gym.experiments.saved import STATE
from objrep_gym.journal import read
from objrep_gym.models import MODELS
from objrep_gym.training import Stage
from tests.data.fake import Squares, SquaresDescription
from tests.data.fake_model import TinyConfig

ROOT = Path(__file__).parents[2]
STAGES = (Stage(18, lr=1e-2, warmup=4), Stage(14, lr=1e-2, trains=("out.*",), schedule="cosine"))
RUN_HERE = Run(TinyConfig(), stages=STAGES, batch=4, save=5, report=4)
CHILD = """
import sys, time
from tests.data.fake import Squares
from tests.data.fake_model import TinyConfig
from objrep_gym.models import MODELS
from objrep_gym.data.objects_room import ObjectsRoom
from objrep_gym.experiments.kinds import *
MODELS["tiny"] = TinyConfig()
ObjectsRoom.open = lambda described: Squares()
stages = (Stage(18, lr=1e-2, warmup=4), Stage(14, lr=1e-2, trains=("out.*",), schedule="cosine"))
honest = Performance.note
def note(performance, now, stage, step):
    honest(performance, now, stage, step)
    time.sleep(0.03)
Performance.note = note
print(perform(Run(TinyConfig(), stages=stages, batch=4, save=5, report=1), sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def squares(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TinyConfig())
    monkeypatch.setattr(ObjectsRoom, "open", lambda described: Squares())


def child(folder: Path) -> subprocess.Popen:
    """The same run in a process of its own, slowed so that it can be caught at any step."""
    script = folder.parent / "child.py"
    script.write_text(CHILD)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, script, folder], env=environment, stdout=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen, folder: Path, step: int) -> None:
    """Until the journal has the step, or the process is done."""
    while process.poll() is None:
        if (folder / "journal.jsonl").exists() and any(line["step"] >= step for line in read(folder / "journal.jsonl")):
            return
        time.sleep(0.005)


def parameters(folder) -> torch.Tensor:
    return torch.cat([value.double().flatten() for value in weights.load(folder).state_dict().values()])


def test_a_run_directory_has_all_that_is_needed(tmp_path):
    done = perform(RUN_HERE, tmp_path / "run", progress=False)
    assert (done.step, done.steps, done.finished, done.folder) == (32, 32, True, tmp_path / "run")
    assert sorted(path.name for path in done.folder.iterdir()) == [
        "config.json",
        "journal.jsonl",
        "run.json",
        "state.pt",
        "weights.safetensors",
    ]
    assert [line["step"] for line in read(done.folder / "journal.jsonl")] == [4, 8, 12, 16, 18, 22, 26, 30, 32]
    assert json.loads((done.folder / RUN).read_text())["versions"]["torch"] == torch.__version__
    assert read_run(done.folder) == RUN_HERE
    assert weights.load(done.folder).config == TinyConfig()
    assert done.losses.keys() == {"loss", "reconstruction", "size", "clock"}


def test_the_second_stage_trains_what_it_says(tmp_path):
    first = perform(replace(RUN_HERE, stages=STAGES[:1]), tmp_path / "first", progress=False)
    both = perform(RUN_HERE, tmp_path / "both", progress=False)
    one, two = (weights.load(done.folder).state_dict() for done in (first, both))
    assert {name for name in one if not torch.equal(one[name], two[name])} == {"out.weight", "out.bias", "seen"}


def test_killed_at_any_moment_and_performed_again_the_weights_are_the_same(tmp_path):
    """SIGKILL in the first stage, around its end, and in the second."""
    whole = perform(RUN_HERE, tmp_path / "whole", progress=False).folder
    folder = tmp_path / "killed"
    folder_steps = []
    for step in (8, 18, 27):
        process = child(folder)
        wait_for(process, folder, step)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        folder_steps.append(torch.load(folder / STATE, weights_only=True)["step"])
    assert folder_steps == sorted(folder_steps)
    assert folder_steps[0] >= 5
    done = perform(replace(RUN_HERE, report=1), folder, progress=False)
    assert done.finished
    assert (parameters(whole) - parameters(folder)).abs().max() <= 1e-6
    assert [line["step"] for line in read(folder / "journal.jsonl")] == list(range(1, 33))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_ends_well(tmp_path, number):
    folder = tmp_path / "run"
    process = child(folder)
    wait_for(process, folder, 7)
    process.send_signal(number)
    told, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    assert "finished=False" in told
    assert "stopped=True" in told
    state = torch.load(folder / STATE, weights_only=True)
    assert 7 <= state["step"] < 32
    assert json.loads((folder / weights.CONFIG).read_text())["step"] == state["step"]
    assert perform(replace(RUN_HERE, report=1), folder, progress=False).finished


def test_out_of_minutes_it_goes_on_next_time(tmp_path, monkeypatch):
    whole = perform(RUN_HERE, tmp_path / "whole", progress=False).folder
    monkeypatch.setattr("objrep_gym.training.BREATH", 1e9)
    steps = [0]
    while steps[-1] < 32:
        steps.append(perform(RUN_HERE, tmp_path / "pieces", minutes=0.0, progress=False).step)
    assert steps == [0, 4, 5, 8, 10, 12, 15, 16, 18, 22, 23, 26, 28, 30, 32]
    assert torch.equal(parameters(whole), parameters(tmp_path / "pieces"))


def test_a_finished_run_is_found_not_trained_again(tmp_path, monkeypatch):
    perform(RUN_HERE, tmp_path / "run", progress=False)
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    monkeypatch.setattr(ObjectsRoom, "open", lambda described: pytest.fail("a world was opened"))
    assert perform(RUN_HERE, tmp_path / "run", progress=False).finished
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch": 8}, "batch was 4, now 8"),
        ({"seed": 1}, "seed was 0, now 1"),
        ({"model": TinyConfig(width=9)}, "model was TinyConfig.width=4.*now TinyConfig.width=9"),
        ({"stages": STAGES[:1]}, "stages was"),
        ({"stages": (STAGES[0], replace(STAGES[1], steps=99))}, "stages was"),
        ({"precision": "bf16", "data": ("objects-room:size=32",)}, "data was .*; precision was float32, now bf16"),
    ],
)
def test_another_run_in_the_folder_is_refused(tmp_path, changed, message):
    perform(RUN_HERE, tmp_path / "run", minutes=0.0, progress=False)
    with pytest.raises(ValueError, match=rf"holds another run: .*{message}"):
        perform(replace(RUN_HERE, **changed), tmp_path / "run", progress=False)


def test_a_longer_run_at_a_level_rate_goes_on_to_the_same_weights(tmp_path):
    short, long = (replace(RUN_HERE, stages=(replace(STAGES[0], steps=steps),)) for steps in (9, 20))
    perform(short, tmp_path / "grown", progress=False)
    grown = perform(long, tmp_path / "grown", progress=False)
    whole = perform(long, tmp_path / "whole", progress=False)
    assert grown.step == 20
    assert read_run(grown.folder) == long
    assert torch.equal(parameters(grown.folder), parameters(whole.folder))
    with pytest.raises(ValueError, match="holds another run"):
        perform(short, tmp_path / "grown", progress=False)


def test_a_run_that_never_began_does_not_hold_its_folder(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="neither a dataset"):
        perform(replace(RUN_HERE, data=("objcts-room",)), tmp_path / "run", progress=False)
    assert perform(RUN_HERE, tmp_path / "run", progress=False).finished


def test_images_of_another_size_are_told_before_training(tmp_path):
    with pytest.raises(ValueError, match=r"objects-room has images of \(8, 8\), the model takes \(16, 8\)"):
        perform(replace(RUN_HERE, model=TinyConfig(sizes=(16, 8))), tmp_path / "run", progress=False)


def test_members_that_claim_want_a_source_each(tmp_path):
    tiny: Any = MODELS["parallel-vae-map"].tiny()
    model = replace(tiny, size=(32, 32))
    run = Run(model, ("tabletop:look=grey,size=32",), (Stage(1),), batch=2)
    with pytest.raises(ValueError, match="2 members that claim a source each were given 1"):
        perform(run, tmp_path / "run", progress=False)


@pytest.mark.parametrize("changed", [{"save": 0}, {"batch": 0}, {"stages": (Stage(0),)}])
def test_numbers_below_one_are_refused_before_a_folder_is_made(tmp_path, changed):
    with pytest.raises(ValueError, match="must be at least 1"):
        perform(replace(RUN_HERE, **changed), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for folder, told in ((tmp_path, "is not empty and holds no run"), (tmp_path / "thesis.txt", "is a file")):
        with pytest.raises(ValueError, match=told):
            perform(RUN_HERE, folder, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_damaged_state_is_named_and_runs_no_code(tmp_path):
    perform(RUN_HERE, tmp_path, minutes=0.0, progress=False)
    (tmp_path / STATE).write_bytes(b"\x80\x04cos\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(ValueError, match=r"state\.pt is damaged.*Delete it to start over"):
        perform(RUN_HERE, tmp_path, progress=False)
    assert not Path("owned").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "run.json"),
        ("[]", "run must be an object"),
        ('{"run": {"kind": "Run", "model": {"kind": "TinyConfig"}, "colour": 1}}', r"run\.colour is unknown"),
        ('{"run": {"kind": "Run", "model": {"kind": "TinyConfig"}, "data": "x"}}', r"run\.data must be a list"),
        ('{"run": {"kind": "Run", "model": {"kind": "TinyConfig"}, "precision": "f8"}}', r"run\.precision must be"),
        ('{"run": {"kind": "Run", "model": {"kind": "TinyConfig"}, "stages": [{"kind": "Run"}]}}', r"run\.stages\[0\]"),
    ],
)
def test_a_damaged_run_file_is_named_by_field(tmp_path, text, message):
    (tmp_path / RUN).write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_run(tmp_path)
    assert RUN in str(caught.value)


def test_stages_show_their_sources_and_finite_sets_tell_their_size(tmp_path, monkeypatch):
    folders = [
        str(generate(Recipe(SquaresDescription(), count=count), tmp_path / str(count), progress=False).folder)
        for count in (6, 10)
    ]
    seen = []
    honest = TinyConfig().build().__class__.losses

    def losses(model, scenes, clock):
        seen.append(clock.examples)
        return honest(model, scenes, clock)

    monkeypatch.setattr("tests.data.fake_model.Tiny.losses", losses)
    stages = (Stage(2, shows=(1,)), Stage(1), Stage(1, shows=(0,)))
    perform(Run(TinyConfig(), data=tuple(folders), stages=stages, batch=2), tmp_path / "run", progress=False)
    assert seen == [10, 10, 16, 6]


def test_progress_is_told_in_lines_without_a_terminal(tmp_path, capsys):
    perform(RUN_HERE, tmp_path / "run")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("run 32/32  ")
    for word in ("images/s", "0:00:00 left", "loss ", "reconstruction ", "size "):
        assert word in lines[1]


def test_a_slow_run_saves_by_time_too(tmp_path, monkeypatch):
    monkeypatch.setattr("objrep_gym.experiments.kinds.SAVE_SECONDS", 0.0)
    saves = []
    monkeypatch.setattr("objrep_gym.weights.save", lambda folder, model, config, step: saves.append(step))
    perform(replace(RUN_HERE, save=1000), tmp_path / "run", progress=False)
    assert saves == [4, 8, 12, 16, 18, 22, 26, 30, 32]


def test_wandb_is_given_the_run(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "objrep_gym.journal.start_wandb", lambda folder, project, settings: asked.append((project, settings))
    )
    perform(RUN_HERE, tmp_path / "run", progress=False, wandb="slots")
    assert [(project, settings["batch"]) for project, settings in asked] == [("slots", 4)]


def test_outside_the_main_thread_it_performs_without_signals(tmp_path):
    done = []
    thread = threading.Thread(target=lambda: done.append(perform(RUN_HERE, tmp_path / "run", progress=False)))
    thread.start()
    thread.join()
    assert done[0].finished
