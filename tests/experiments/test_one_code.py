"""Figures of VAEs: grey pictures in rows, and every latent from end to end."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from objrep_gym.experiments.entities import seen
from objrep_gym.experiments.kinds import Run
from objrep_gym.experiments.model_figure import ModelFigure, Shown
from objrep_gym.experiments.one_code import reconstructions, traversals
from objrep_gym.experiments.trained import Effort
from objrep_gym.models import MODELS
from objrep_gym.training import Stage


def shown(channels: int = 1) -> Shown:
    torch.manual_seed(0)
    model = replace(MODELS["vae"].tiny(), channels=channels).build().eval()
    return Shown(model, torch.rand(3, *model.size), Path("nowhere"))


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_one_channel_and_of_three_are_drawn(channels):
    one = {"β = 4": shown(channels)}
    for draw, told in ((reconstructions, "Reconstructions of β = 4"), (traversals, "Latent traversals of β = 4")):
        (picture,) = draw(one)
        assert picture.alt == told


def test_grey_is_the_same_in_three_channels():
    grey = torch.arange(8).reshape(1, 1, 2, 4) / 255
    assert seen(grey).shape == (1, 2, 4, 3)
    assert (seen(grey)[..., 0] == np.arange(8).reshape(2, 4)).all()
    assert (seen(grey) == seen(grey.repeat(1, 3, 1, 1))).all()


def test_a_grey_model_is_shown_grey_pictures_and_judged_on_them(tmp_path):
    run = Run(MODELS["chyvae"].tiny(), ("ellipses:size=32",), (Stage(2),), batch=4)
    figure = ModelFigure("a figure", {"CHyVAE": run}, reconstructions, least=1, judged=4)
    (record,), (section,) = figure.perform(tmp_path, Effort(root=tmp_path, progress=False))
    assert record["bound"] == pytest.approx(record["nll"] + record["kl"])
    assert record["nll"] > 0
    assert len(section.blocks) == 2
