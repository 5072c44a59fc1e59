"""What is measured of members: on scenes and with a model whose answers are known."""

import numpy as np
import pytest
import torch

from objrep_gym.experiments import members
from objrep_gym.experiments.members import information, look, scores, shares, shown_scenes
from objrep_gym.experiments.members_figure import InformationTable, MembersFigure
from objrep_gym.experiments.parallel_vae import _runs
from objrep_gym.figures.tables import as_markdown
from objrep_gym.models.base import SlotModule
from objrep_gym.models.parallel_vae import ParallelVAEConfig
from objrep_gym.scenes.view import View
from objrep_gym.types import Decoded, Slots

DIM, BRIGHT = 0.4, 0.8  # of the two kinds, 1 and 2


class Planted(SlotModule):
    """Member 0 takes what is dim, member 1 what is bright, `wrong` has them the other way round; nats are the pixels of
    each; it draws everything a tenth too dark."""

    has_masks = False
    ordered = True

    def __init__(self, wrong: bool = False):
        super().__init__(ParallelVAEConfig(), (1, 8, 16), 2, 128)
        self.wrong = wrong

    def encode(self, image):
        taken = torch.stack([(image[:, 0] - level).abs() < 0.1 for level in (DIM, BRIGHT)], 1)
        taken = taken.flip(1) if self.wrong else taken
        return Slots(image.flatten(1)[:, None].expand(-1, 2, -1), taken.sum((2, 3)).float())

    def decode(self, latents):
        image = latents[:, 0].unflatten(1, (1, 8, 16))
        second = ((image > (DIM + BRIGHT) / 2) != self.wrong).float()
        masks = torch.cat([1 - second, second], 1)
        return Decoded((image - 0.1).clamp_min(0), image[:, None].expand(-1, 2, -1, -1, -1), masks)


@pytest.fixture
def squares(monkeypatch):
    """Scenes of up to two squares, left and right, by turns: none, one of kind 1, one of kind 2, one of each."""

    def read(data, numbers, channels):
        kinds = np.full((len(numbers), 3), np.nan)
        kinds[numbers % 4 % 2 == 1, 1] = 1
        kinds[numbers % 4 >= 2, 2] = 2
        grey, mask = np.zeros((len(numbers), 8, 16), np.float32), np.zeros((len(numbers), 8, 16), np.uint8)
        for entity, level, left in ((1, DIM, 1), (2, BRIGHT, 9)):
            there = np.flatnonzero(~np.isnan(kinds[:, entity]))
            grey[there, 2:6, left : left + 4], mask[there, 2:6, left : left + 4] = level, entity
        return torch.from_numpy(grey)[:, None], View(grey, mask, None, kinds), kinds

    monkeypatch.setattr(members, "read", read)


def test_perfect_members_are_perfect_and_exchanged_ones_as_pure(squares):
    told = scores(look(Planted(), "", 250), (1, 2), several=True)
    assert told["ari"] == told["purity"] == told["purity_kl"] == 1
    assert told["auc"] == [1, 1]
    assert told["error"] == pytest.approx([0.01, 0.01], rel=1e-3)
    assert told["mse"] == pytest.approx(0.01 * 16 / 128, rel=0.05)
    wrong = scores(look(Planted(wrong=True), "", 250), (1, 2), several=True)
    assert wrong["ari"] == wrong["purity"] == 1
    assert wrong["auc"] == [0.5, 0.5], "presence is told by the member that the schedule gave the kind to"


def test_a_member_that_takes_all_is_half_pure(squares):
    model = Planted()
    model.decode = lambda latents: Decoded(
        latents[:, 0].unflatten(1, (1, 8, 16)), None, torch.eye(2)[0].view(1, 2, 1, 1).expand(len(latents), 2, 8, 16)
    )
    told = scores(look(model, "", 200), (1, 2), several=True)
    assert told["purity"] == 0.5
    assert told["ari"] == 0


def test_one_member_has_an_error_and_nothing_else(squares):
    assert scores(look(Planted(), "", 8), (1, 2), several=False).keys() == {"mse", "error"}


def test_shares_and_nats_are_means(squares):
    assert shares(Planted(), "", 200) == [0.5, 0.5]
    assert information(Planted(), {"all": ""}, 200) == {"all": [8.0, 8.0]}


def test_scenes_that_are_shown_have_both_kinds(squares):
    image = shown_scenes("", 6, 1)
    assert len(image) == 6
    assert (image.flatten(1).unique(dim=1).amax(1) > 0.7).all()
    assert ((image - DIM).abs() < 0.01).flatten(1).any(1).all()


def test_what_was_not_downloaded_is_waited_for(tmp_path, monkeypatch, capsys):
    from objrep_gym.experiments.trained import Effort

    monkeypatch.delenv("OBJREP_GYM_DATA", raising=False)
    figure = MembersFigure("Pairs", {"2 VAEs": _runs.TWO}, _runs.DIGITS[2], "digit-pairs").scaled(0.005)
    records, sections = figure.perform(tmp_path, Effort(root=tmp_path / "runs"))
    assert records == []
    assert sections
    assert "waits: mnist is downloaded by hand" in capsys.readouterr().out


def test_the_document_s_numbers_stand_beside_ours():
    table = InformationTable(
        "KL", {"four": _runs.FOUR, "firm": _runs.FIRM}, {"ee": "", "33": ""}, paper={"33": {"KL-2": "28.37"}}
    )
    told = {"row": "33", "nats": [1.0, 2.0, 3.0, 30.5], "step": 5, "steps": 10, "images": 20}
    records = [{"table": "four", **told}, {"table": "firm", **told, "step": 7}]
    texts = [as_markdown(one) for one in table.tables(records)]
    assert all("3.00 (paper 28.37)" in text for text in texts)
    assert [f"{step} of 10 steps" in text for step, text in zip((5, 7), texts, strict=True)] == [True, True]
