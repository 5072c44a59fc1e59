"""The journal: lines that survive, numbers that JSON can carry, wandb only where asked."""

import json
import math
import sys

import numpy as np
import pytest
import torch

from objrep_gym import journal
from objrep_gym.journal import Journal, read


def test_lines_are_there_at_once_and_read_back(tmp_path):
    kept = Journal(tmp_path)
    kept.write(step=1, loss=2.5, name="a")
    kept.write(step=2, loss=1.5)
    assert list(read(tmp_path / "journal.jsonl")) == [{"step": 1, "loss": 2.5, "name": "a"}, {"step": 2, "loss": 1.5}]
    assert list(kept) == list(read(kept.path))


def test_numbers_of_any_library_are_numbers_and_what_is_not_finite_is_null(tmp_path):
    Journal(tmp_path).write(
        step=np.int64(3), a=np.float32(0.5), b=torch.tensor(2.0), c=math.nan, d=np.float64("inf"), e=None
    )
    text = (tmp_path / "journal.jsonl").read_text()
    assert json.loads(text) == {"step": 3, "a": 0.5, "b": 2.0, "c": None, "d": None, "e": None}
    assert "NaN" not in text


def test_going_on_drops_lines_beyond_the_step_and_a_torn_one(tmp_path):
    first = Journal(tmp_path)
    for step in range(1, 6):
        first.write(step=step)
    with first.path.open("ab") as file:
        file.write(b'{"step": 6, "name": "\xc3')
    assert [line["step"] for line in first] == [1, 2, 3, 4, 5]
    again = Journal(tmp_path, after=3)
    again.write(step=4, new=True)
    assert list(again) == [{"step": 1}, {"step": 2}, {"step": 3}, {"step": 4, "new": True}]


def test_without_a_step_to_go_on_from_every_whole_line_stays(tmp_path):
    Journal(tmp_path).write(step=9)
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"torn')
    assert list(Journal(tmp_path)) == [{"step": 9}]


@pytest.mark.parametrize("line", ["nonsense", "[1]", "3"])
def test_a_foreign_line_is_named(tmp_path, line):
    (tmp_path / "journal.jsonl").write_text(f'{{"step": 1}}\n{line}\n{{"step": 2}}\n')
    with pytest.raises(ValueError, match=r"journal\.jsonl, line 2"):
        list(read(tmp_path / "journal.jsonl"))


def test_wandb_is_asked_only_where_named(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "import_wandb", lambda: pytest.fail("wandb was imported"))
    with Journal(tmp_path) as kept:
        kept.write(step=1)


class FakeWandb:
    """Notes what it is told."""

    def __init__(self):
        self.told = []

    def init(self, **settings):
        self.told.append(settings)
        return self

    def log(self, values, step):
        self.told.append((step, values))

    def finish(self):
        self.told.append("finish")


def test_wandb_gets_every_line_and_one_identity_per_folder(tmp_path, monkeypatch):
    fake = FakeWandb()
    monkeypatch.setattr(journal, "import_wandb", lambda: fake)
    for _ in range(2):
        with Journal(tmp_path / "run", wandb="project", settings={"seed": 0}) as kept:
            kept.write(step=4, loss=1.0)
    Journal(tmp_path / "other", wandb="project").close()
    first, line, end, second, *_, third, _ = fake.told
    assert (first["project"], first["config"], first["resume"], line, end) == (
        "project",
        {"seed": 0},
        "allow",
        (4, {"step": 4, "loss": 1.0}),
        "finish",
    )
    assert first["id"] == second["id"] != third["id"]


def test_a_missing_wandb_says_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ImportError, match="pip install wandb"):
        Journal(tmp_path, wandb="project")


@pytest.mark.parametrize("ref", ["name", "a/b", "a/b/c", "a/../c:v1/x", "a/b/c:"])
def test_an_artifact_has_four_parts(ref):
    with pytest.raises(ValueError, match="entity/project/name:v3"):
        journal.download(ref)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_wandb_works_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with Journal(tmp_path, wandb="objrep-gym-tests", settings={"seed": 0}) as kept:
        kept.write(step=1, loss=0.5)
    assert list((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    assert list(kept) == [{"step": 1, "loss": 0.5}]


def test_what_is_kept_in_a_file_of_its_own_is_told_elsewhere_alone(tmp_path, monkeypatch):
    fake = FakeWandb()
    monkeypatch.setattr(journal, "import_wandb", lambda: fake)
    with Journal(tmp_path, wandb="project") as kept:
        kept.tell(step=4, success=0.5)
    assert fake.told[1] == (4, {"step": 4, "success": 0.5})
    assert not kept.path.exists()


class FakeBoard:
    """A writer of event files that notes what it is told."""

    def __init__(self, folder, purge_step):
        self.folder, self.purge_step, self.told = folder, purge_step, []

    def add_scalar(self, name, value, step):
        self.told.append((step, name, value))

    def close(self):
        self.told.append("closed")


def test_tensorboard_gets_finite_numbers_and_hides_what_is_written_again(tmp_path, monkeypatch):
    made = []
    board = type(sys)("torch.utils.tensorboard")
    board.SummaryWriter = lambda folder, purge_step: made.append(FakeBoard(folder, purge_step)) or made[-1]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    monkeypatch.setattr(journal, "find_spec", lambda name: board)
    with Journal(tmp_path, tensorboard=True) as kept:
        kept.write(step=np.int64(4), loss=torch.tensor(0.5), name="a", bad=math.nan)
        kept.write(loss=1.0)
    Journal(tmp_path, after=4, tensorboard=True).close()
    first, second = made
    assert (first.folder, first.purge_step, second.purge_step) == (str(tmp_path / "tensorboard"), None, 5)
    assert first.told == [(4, "loss", 0.5), "closed"]


def test_a_missing_tensorboard_says_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "find_spec", lambda name: None)
    with pytest.raises(journal.NotInstalled, match=r"pip install 'objrep-gym\[tensorboard\]'"):
        Journal(tmp_path, tensorboard=True)
