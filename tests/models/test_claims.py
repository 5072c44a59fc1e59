"""Claims of a ParallelVAE's members: pictures that are joined, what unclaimed pixels cost, and kinds that both draw."""

import math
from dataclasses import replace

import pytest
import torch

from objrep_gym.models.claims import joined, unclaimed, whole
from objrep_gym.models.parallel_vae import ParallelVAEConfig
from objrep_gym.training import Stage, fit
from objrep_gym.types import Clock, Scenes

CLOCK = Clock(torch.tensor(0), 1)
TINY = replace(ParallelVAEConfig(cells=2, widths=(16, 16), beta=0.02, claim=0.05), size=(16, 32))


def test_each_pixel_belongs_to_the_source_of_the_scene_that_it_comes_from():
    torch.manual_seed(0)
    source = torch.arange(6) % 3
    image = (source / 4).view(-1, 1, 1, 1).expand(-1, 2, 20, 24)
    cut, owners = joined(image, source)
    assert torch.equal(cut[:, 0] * 4, owners.float())
    assert torch.equal(cut[:, 1], cut[:, 0])
    for own, other, found in zip(source, source.roll(1), owners, strict=True):
        assert set(found.unique().tolist()) == {int(own), int(other)}
    shares = (owners == source.view(-1, 1, 1)).float().mean((1, 2))
    assert ((shares > 0.1) & (shares < 0.9)).all(), "the line runs through the inner half"


def test_whole_scenes_belong_to_their_source():
    image, owners = whole(torch.rand(2, 1, 3, 4), torch.tensor([1, 0]))
    assert image.shape == (2, 1, 3, 4)
    assert owners.tolist() == [[[1] * 4] * 3, [[0] * 4] * 3]


def test_unclaimed_pixels_cost_what_their_member_is_short_of_sure():
    masks = torch.tensor([0.75, 0.25]).view(1, 2, 1, 1).expand(1, 2, 2, 3)
    owners = torch.tensor([[[0, 1, 2], [0, 0, 1]]])
    expected = -(3 * math.log(0.75) + 2 * math.log(0.25))
    assert unclaimed(masks.log(), owners).item() == pytest.approx(expected, rel=1e-6)


def test_sources_are_read_only_where_they_say_something():
    assert TINY.build().reads == ("image", "source")
    assert ParallelVAEConfig().build().reads == ("image",)
    assert "claim" not in TINY.build().losses(Scenes(torch.rand(2, 1, 16, 32)), CLOCK).terms


def stripes(kinds: torch.Tensor) -> torch.Tensor:
    """Scenes of two things, one in each half: lying ones of kind 0, standing ones of kind 1 (B, 2)."""
    image = torch.zeros(len(kinds), 1, 16, 32)
    for one, pair in zip(image, kinds.tolist(), strict=True):
        for half, kind in enumerate(pair):
            y, x = int(torch.randint(1, 10, ())), 16 * half + int(torch.randint(1, 10, ()))
            one[:, y : y + (5 if kind else 2), x : x + (2 if kind else 5)] = 1
    return image


def learning():
    while True:
        source = torch.arange(32) % 2
        yield Scenes(stripes(source[:, None].expand(-1, 2)), source=source)


def test_members_part_kinds_that_both_of_them_draw():
    torch.manual_seed(0)
    model = TINY.build()
    for _ in fit(model, learning(), Stage(600, 3e-3, warmup=20)):
        pass
    model.eval()
    mixed = stripes(torch.tensor([(0, 1), (1, 0)]).repeat(64, 1))
    masks = model.decode(model.encode(mixed).latents).masks
    assert masks is not None
    lying = torch.zeros(128, 16, 32, dtype=torch.bool)
    lying[::2, :, :16] = lying[1::2, :, 16:] = True
    thing = mixed[:, 0] > 0.5
    right = ((masks[:, 0] > 0.5) == lying)[thing].float().mean()
    assert right > 0.85
