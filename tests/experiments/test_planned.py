"""Cards of weights that are still to be trained."""

import re

import pytest

from objrep_gym import weights
from objrep_gym.experiments.export import exporter
from objrep_gym.experiments.planned import Planning, awaited, plan

NAME = "monet-rn50-star@objects-room"


def test_a_card_tells_what_will_be_and_how_it_is_made(tmp_path):
    assert NAME in awaited()
    out = plan(NAME, tmp_path / NAME, Planning(count=4), progress=False)
    assert [path.name for path in out.iterdir()] == [weights.CARD]
    card = (out / weights.CARD).read_text()
    assert card.startswith(f"# {NAME}\n")
    assert "`monet-rn50-star`, 56,160,043 parameters" in card
    assert "1,000,000 steps of 64, 64,000,000 images" in card
    trunk, run = re.findall(r"^objrep-gym train .*$", card, re.M)
    assert "segmenter-rn50 " in trunk
    assert f"`objrep-gym export runs/{NAME} --out {NAME}`" in card
    assert "--queue" not in card, "another training may be the first that waits there"
    assert "--trunk runs/monet-rn50-star@objects-room-trunk" in run
    assert card.count("k-means, chromaticity") == card.count("4 images**") == 3
    assert "(paper 86.88±1.23)" in card
    assert exporter(NAME)[0] is Planning


def test_weights_that_are_there_get_no_card_of_what_may_be(tmp_path):
    shipped = weights.published()[0]
    with pytest.raises(ValueError, match=r"is none of the weights that wait in queue\.toml"):
        plan(shipped, tmp_path / shipped)
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / weights.WEIGHTS).write_bytes(b"there")
    with pytest.raises(ValueError, match="holds weights"):
        plan(NAME, tmp_path / NAME)
    assert [path.name for path in (tmp_path / NAME).iterdir()] == [weights.WEIGHTS]


def test_who_asks_for_such_weights_is_told_of_their_card(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path / "ships")
    (tmp_path / "ships" / NAME).mkdir(parents=True)
    (tmp_path / "ships" / NAME / weights.CARD).write_text("made by")
    with pytest.raises(weights.WeightsError, match=rf"{NAME} is not trained yet\. .*card\.md tells the command"):
        weights.load(NAME)
    assert NAME not in weights.published()
