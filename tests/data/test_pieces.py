"""Pieces: a large file in several small ones reads as one, whole or not at all; weights in pieces load like any others."""

import json

import pytest
import torch

from objrep_gym import weights
from objrep_gym.data import pieces, whole
from objrep_gym.models import MODELS
from tests.data.fake_model import TinyConfig


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TinyConfig())


def test_a_small_file_stays(tmp_path):
    path = tmp_path / "w"
    path.write_bytes(b"0123456789")
    assert pieces.cut(path, 10) == [path]
    assert pieces.read(path) == b"0123456789"


def test_a_large_one_becomes_pieces_in_order(tmp_path):
    path, content = tmp_path / "w", bytes(range(105))
    path.write_bytes(content)
    held = pieces.cut(path, 10)
    assert [p.name for p in held][:2] == ["w.1-of-11", "w.2-of-11"]
    assert not path.exists()
    assert {p.stat().st_size for p in held} == {10, 5}
    assert pieces.read(path) == content


def test_what_is_not_there_and_what_is_incomplete_are_told_apart(tmp_path):
    path = tmp_path / "w"
    assert pieces.pieces(path) == []
    with pytest.raises(FileNotFoundError, match="not there"):
        pieces.read(path)
    path.write_bytes(b"0123456789")
    pieces.cut(path, 4)
    (tmp_path / "w.2-of-3").rename(tmp_path / "x")
    with pytest.raises(ValueError, match="piece 2 of 3 is missing"):
        pieces.read(path)
    (tmp_path / "x").rename(tmp_path / "w.2-of-3")
    (tmp_path / "w.1-of-2").write_bytes(b"")
    with pytest.raises(ValueError, match="two cuttings"):
        pieces.read(path)


def test_a_kill_between_two_pieces_leaves_the_file(tmp_path, monkeypatch):
    path = tmp_path / "w"
    path.write_bytes(b"0123456789")
    honest, written = whole.write, []

    def full(target, content):
        if len(written) == 1:
            raise OSError(28, "No space left on device")
        written.append(target)
        return honest(target, content)

    monkeypatch.setattr(whole, "write", full)
    with pytest.raises(OSError, match="No space"):
        pieces.cut(path, 4)
    assert pieces.read(path) == b"0123456789"
    monkeypatch.setattr(whole, "write", honest)
    assert len(pieces.cut(path, 4)) == 3
    assert pieces.read(path) == b"0123456789"


def test_weights_in_pieces_load_and_are_replaced_by_whole_ones(tmp_path):
    torch.manual_seed(0)
    model = TinyConfig().build()
    folder = weights.save(tmp_path / "tiny@rooms", model)
    held = pieces.cut(folder / weights.WEIGHTS, 100)
    assert len(held) > 2
    loaded = weights.load(folder)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), loaded.parameters(), strict=True))
    weights.save(folder, TinyConfig().build())
    assert [p.name for p in folder.glob("weights*")] == [weights.WEIGHTS]
    assert "replaces" not in json.loads((folder / weights.CONFIG).read_text())


@pytest.mark.parametrize("harm", ["missing", "altered"])
def test_harmed_pieces_are_refused(tmp_path, harm):
    folder = weights.save(tmp_path / "tiny@rooms", TinyConfig().build())
    last = pieces.cut(folder / weights.WEIGHTS, 100)[-1]
    if harm == "missing":
        last.unlink()
    else:
        last.write_bytes(bytes(len(last.read_bytes())))
    with pytest.raises(weights.WeightsError, match="is missing" if harm == "missing" else "was altered"):
        weights.load(folder)
