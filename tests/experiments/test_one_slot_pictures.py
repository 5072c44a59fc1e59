"""Pictures of models of one slot: what starts where, and what the captions say."""

from pathlib import Path

import numpy as np
import pytest
import torch

from objrep_gym.experiments import one_slot_pictures
from objrep_gym.experiments.entities import decoded, seen
from objrep_gym.experiments.model_figure import Shown
from objrep_gym.experiments.one_code import ground, reconstructions
from objrep_gym.experiments.one_slot_pictures import Shifts, by_shape, losses, moving
from objrep_gym.figures.grid import sheet
from objrep_gym.journal import Journal
from objrep_gym.models.factor_vae import FactorVAEConfig


def shown(channels: int, folder: Path = Path("nowhere")) -> Shown:
    torch.manual_seed(0)
    model = FactorVAEConfig(channels=channels).tiny().build().eval()
    return Shown(model, torch.rand(3, *model.size), folder)


def test_shifts_are_the_documents():
    np.testing.assert_allclose(Shifts(-0.5, 0.5).values, np.arange(-5, 6) / 10)
    np.testing.assert_allclose(Shifts(0.0, 1.0).values, np.arange(11) / 10)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_row_shifts_one_latent_of_the_pictures_own_code(channels, monkeypatch):
    drawn = {}

    def kept(images: np.ndarray, values: np.ndarray, image: torch.Tensor):
        drawn.update(images=images, values=values, image=image)
        return sheet(images[:, :2])

    monkeypatch.setattr(one_slot_pictures, "pictured", kept)
    one = shown(channels)
    (picture,) = Shifts(-0.5, 0.5)({"model": one})
    assert "shifted from -0.5 to 0.5" in picture.alt
    with torch.no_grad():
        latents = one.model.encode(one.image[:1]).latents
        same = decoded(one.model, latents)
        latents[0, 0, 2] += 0.5
        last = decoded(one.model, latents)
    images = drawn["images"]
    assert images.shape == (6, 11, 32, 32, 3)
    assert (np.abs(images[:, 5].astype(int) - same) <= 1).all(), "the sixth in each row is without a shift"
    assert (np.abs(images[2, 10].astype(int) - last[0]) <= 1).all()
    torch.testing.assert_close(drawn["image"], one.image[:1])


def test_shapes_are_an_ellipse_and_a_heart():
    pictures = by_shape({"model": shown(1)})
    assert [picture.caption.split(".")[0] for picture in pictures] == ["model, from an ellipse", "model, from a heart"]
    assert len({str(picture.image) for picture in pictures}) == 2


def test_captions_tell_which_latents_move_the_picture():
    images = np.zeros((3, 4, 8, 8, 3), np.uint8)
    images[1, 2:] = 200
    assert moving(images) == "Most change by z2. Without effect: z1, z3."
    assert moving(np.zeros_like(images)) == "None changes it."


def test_reconstructions_tell_the_colour_of_the_ground():
    one = shown(3)
    (picture,) = reconstructions({"boards": one})
    assert f"{ground(seen(one.image))} in pictures" in picture.caption
    images = np.full((3, 4, 4, 3), 9, np.uint8)
    images[:, 0, 0] = (250, 229, 58)
    assert ground(images) == "250, 229, 58"


def test_losses_are_drawn_where_they_were_written_down(tmp_path):
    assert losses({"model": shown(1)}) == []
    with Journal(tmp_path) as journal:
        for step in range(1, 60):
            journal.write(step=step, loss=3.0, nll=100 / step, kl=2.0, correlation=0.1, discriminator=0.7)
    told = [picture.alt.removesuffix(" while models learn") for picture in losses({"model": shown(1, tmp_path)})]
    assert told == ["Reconstruction", "KL", "Total correlation", "Loss of the discriminator"]
