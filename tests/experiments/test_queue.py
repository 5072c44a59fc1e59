"""Queue: the next unfinished training goes on, from its weights too, and leaves weights, card and journal."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from objrep_gym import weights
from objrep_gym.cli import main
from objrep_gym.configs import to_json
from objrep_gym.data import pieces
from objrep_gym.experiments import kinds
from objrep_gym.experiments import queue as module
from objrep_gym.experiments.agent import AgentRun
from objrep_gym.experiments.control_table import ControlTable
from objrep_gym.experiments.export import Exporting
from objrep_gym.experiments.judging import Refused
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.queue import Queueing, Waiting, read, told, work
from objrep_gym.experiments.saved import Busy
from objrep_gym.experiments.segmentation_table import SegmentationTable
from objrep_gym.experiments.trained import Effort, standing, trained
from objrep_gym.journal import read as read_journal
from objrep_gym.models import MODELS
from objrep_gym.training import Stage

ROOT = Path(__file__).parents[2]
RUN = Run(MODELS["monet"].tiny(), data=("objects-room:size=32",), stages=(Stage(4),), batch=2, report=1)
TABLE = SegmentationTable("t", {"first": RUN, "second": replace(RUN, batch=3)})
LINES = """
[[run]]
experiment = "monet_rn50/fake"
row = "first"
name = "first@rooms"

[[run]]
experiment = "monet_rn50/fake"
row = "second"
name = "second@rooms"
"""
ABSENT = ("datasets", "pyarrow", "stable_baselines3", "sklearn", "wandb", "pandas", "accelerate", "numba", "ray")


@pytest.fixture
def queue(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find", lambda name: TABLE)
    monkeypatch.setattr(
        module, "Exporting", lambda exams, count: Exporting("fp16", ("objects-room:size=32",), count, probe=4)
    )
    (tmp_path / "queue.toml").write_text(LINES)
    how = {"minutes": 5.0, "device": "cpu", "out": tmp_path / "out", "runs": tmp_path / "runs"}
    return Queueing(tmp_path / "queue.toml", count=4, **how)


def test_each_is_trained_and_leaves_what_it_takes_to_go_on(queue, monkeypatch):
    monkeypatch.setattr(pieces, "MOST", 20_000)
    monkeypatch.setattr(module.pieces, "cut", lambda path, cut=pieces.cut: cut(path, 20_000))
    done = work(queue, progress=False)
    assert [(waiting.name, performed.finished) for waiting, performed in done] == [
        ("first@rooms", True),
        ("second@rooms", True),
    ]
    folder = queue.out / "first@rooms"
    assert len(list(folder.glob("weights.safetensors.*-of-*"))) > 1
    assert weights.load(folder).config == RUN.model
    described = json.loads((folder / weights.CONFIG).read_text())
    assert (described["run"], described["step"]) == (to_json(RUN), 4)
    assert [line["step"] for line in read_journal(folder / "journal.jsonl")] == [1, 2, 3, 4]
    assert (folder / weights.CARD).read_text().startswith("# first@rooms")
    assert work(queue, progress=False) == []


def test_what_was_brought_back_counts_where_the_run_directory_is_gone(queue, tmp_path, monkeypatch):
    work(queue, progress=False)
    monkeypatch.setattr(weights, "PRETRAINED", queue.out)
    assert standing(RUN, tmp_path / "nowhere").finished
    assert work(replace(queue, runs=tmp_path / "nowhere"), progress=False) == []


def test_what_came_back_in_pieces_counts_too(queue, tmp_path, monkeypatch):
    monkeypatch.setattr(module.pieces, "cut", lambda path, cut=pieces.cut: cut(path, 20_000))
    work(queue, progress=False)
    assert not (queue.out / "first@rooms" / weights.WEIGHTS).exists()
    monkeypatch.setattr(weights, "PRETRAINED", queue.out)
    assert standing(RUN, tmp_path / "nowhere").finished


def test_a_training_whose_export_failed_is_exported_by_the_next_call(queue, tmp_path, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(module, "export", lambda *given: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            work(queue, progress=False)
    trained(TABLE.rows["second"], Effort(root=queue.runs, progress=False))  # by another table
    monkeypatch.setattr(kinds, "fit", lambda *given, **named: pytest.fail("trained again"))
    assert [waiting.row for waiting, _ in work(queue, progress=False)] == ["first", "second"]
    assert all((queue.out / name / weights.CARD).exists() for name in ("first@rooms", "second@rooms"))
    assert work(queue, progress=False) == []


@pytest.mark.parametrize("error", [Refused("rounding moved mse"), Busy("is being trained by another process")])
def test_what_is_refused_is_told_and_does_not_hold_up_the_next(queue, monkeypatch, capsys, error):
    honest = module.export

    def export(run, out, *given):
        if out.name == "first@rooms":
            raise error
        return honest(run, out, *given)

    monkeypatch.setattr(module, "export", export)
    assert [waiting.row for waiting, _ in work(queue, progress=False)] == ["second"]
    assert f"first@rooms is left for later: {error}" in capsys.readouterr().out


def test_a_training_whose_teacher_is_not_finished_leaves_no_weights(queue, monkeypatch):
    waiting = Performed(queue.runs / "nothing", 0, 4, False, {})
    monkeypatch.setattr(module, "trained", lambda run, effort: waiting)
    (first, found), _ = work(queue, progress=False)
    assert found == waiting
    assert not queue.out.exists()
    assert "not begun" in told(first, found, queue.out)


def test_a_training_for_another_device_waits(queue):
    queue.queue.write_text(LINES.replace('"first@rooms"', '"first@rooms"\ndevice = "cuda"'))
    assert [waiting.row for waiting, _ in work(queue, progress=False)] == ["second"]


def test_too_few_minutes_begin_nothing(queue):
    assert work(replace(queue, minutes=0.1), progress=False) == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("run = 3", "a queue is a list"),
        ("run = [1]", "a queue is a list"),
        ("[[run", "queue.toml"),
        (LINES.replace('"second"', '"third"'), "row of monet_rn50/fake 'third' is none of first, second"),
        (LINES.replace("second@rooms", "first@rooms"), "stands there twice"),
        (LINES.replace("fake", "other", 1).replace("second@rooms", "first@rooms"), "first@rooms stands there twice"),
        (LINES.replace("first@rooms", "../first"), "is none such as"),
        ('[[run]]\nexperiment = "monet_rn50/fake"', "is no table of agents"),
        (LINES + "colour = 1", "run 2.colour is unknown"),
    ],
)
def test_a_damaged_queue_is_named(queue, lines, message):
    queue.queue.write_text(lines)
    with pytest.raises(ValueError, match=message) as caught:
        read(queue.queue)
    assert "queue.toml" in str(caught.value)


def test_a_table_of_agents_learns_as_a_whole(queue, tmp_path, monkeypatch):
    agents = ControlTable("t", {"true factors": AgentRun("ObjRep/Reach-v0", "oracle", steps=1024, episodes=16)}, seeds=1)
    monkeypatch.setattr(module, "find", lambda name: agents)
    queue.queue.write_text('[[run]]\nexperiment = "control/fake"')
    queue = replace(queue, tables=tmp_path / "tables")
    ((waiting, performed),) = work(queue, progress=False)
    assert (performed.step, performed.finished) == (1024, True)
    assert (tmp_path / "tables" / "control" / "fake" / "table.md").exists()
    assert "1,024 of 1,024 steps of agents" in told(waiting, performed, queue.out)
    assert work(queue, progress=False) == []
    queue.queue.write_text('[[run]]\nexperiment = "control/fake"\nname = "agent@rooms"')
    with pytest.raises(ValueError, match="agents have no name"):
        read(queue.queue)


def test_an_agent_is_no_training_of_a_model():
    with pytest.raises(ValueError, match="is no training of a model"):
        Waiting("control/reach", "true factors", "x@y").run()


def test_the_command_wants_minutes(queue, capsys):
    assert main(["reproduce", "--queue", str(queue.queue)]) == 2
    assert "a queue takes --minutes" in capsys.readouterr().err


def test_a_machine_with_little_works_it_off(tmp_path):
    """Torch, mujoco, gymnasium, tyro, matplotlib, scipy and rich are all that it has."""
    (tmp_path / "queue.toml").write_text(LINES.split("[[run]]")[1].join(["[[run]]", ""]))
    code = f"""
import sys
sys.modules |= dict.fromkeys({ABSENT!r})
from pathlib import Path
from objrep_gym.experiments import queue
from objrep_gym.experiments.segmentation_table import SegmentationTable
from objrep_gym.experiments.kinds import Run
from objrep_gym.models import MODELS
from objrep_gym.training import Stage
run = Run(MODELS["monet"].tiny(), data=("objects-room:size=32",), stages=(Stage(2),), batch=2)
queue.find = lambda name: SegmentationTable("t", {{"first": run}})
here = Path({str(tmp_path)!r})
how = queue.Queueing(here / "queue.toml", 5.0, "cpu", here / "out", here / "runs", count=2)
print(queue.work(how, progress=False)[0][1].finished)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_the_queue_that_ships_names_rows_that_there_are():
    waiting = read(Path(module.__file__).with_name("queue.toml"))
    assert all(one.run().seed == one.seed if one.row else one.table().rows for one in waiting)
    assert len(waiting) > 10
