"""Saved: weights are never said to be newer than they are, a torn save is made good, and one process writes at a time."""

from pathlib import Path

import pytest
import torch

from objrep_gym import weights
from objrep_gym.data import whole
from objrep_gym.data.objects_room import ObjectsRoom
from objrep_gym.experiments.kinds import Run, perform
from objrep_gym.experiments.saved import STATE, Busy, alone, step_of
from objrep_gym.models import MODELS
from objrep_gym.training import Stage
from tests.data.fake import Squares
from tests.data.fake_model import TinyConfig

RUN = Run(TinyConfig(), stages=(Stage(9, lr=1e-2),), batch=4, save=5, report=4)


@pytest.fixture(autouse=True)
def squares(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TinyConfig())
    monkeypatch.setattr(ObjectsRoom, "open", lambda described: Squares())


@pytest.mark.parametrize("torn", [weights.CONFIG, weights.WEIGHTS])
def test_a_last_save_that_failed_is_made_good(tmp_path, monkeypatch, torn):
    """The state was written; the config was not, or it was and the weights that it tells of were not."""
    honest = whole.write

    def write(path, content):
        if Path(path).name == torn and torch.load(tmp_path / STATE, weights_only=True)["step"] == 9:
            raise OSError(28, "No space left on device")
        return honest(path, content)

    with monkeypatch.context() as full:
        full.setattr(whole, "write", write)
        with pytest.raises(OSError, match="No space left"):
            perform(RUN, tmp_path, progress=False)
    assert step_of(tmp_path) == (5 if torn == weights.CONFIG else 0), "how old they are is not known in the second case"
    assert perform(RUN, tmp_path, progress=False).finished
    state = torch.load(tmp_path / STATE, weights_only=True)["model"]
    assert step_of(tmp_path) == 9
    assert all(torch.equal(state[name], value) for name, value in weights.load(tmp_path).state_dict().items())


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    with alone(tmp_path / "run"), pytest.raises(Busy, match="run is being trained by another process"):
        perform(RUN, tmp_path / "run", progress=False)
    assert perform(RUN, tmp_path / "run", progress=False).finished
