"""What bf16 costs in segmentation: next to nothing, with models that segment."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from objrep_gym import weights
from objrep_gym.metrics.segmentation import ari, mean_over_images
from objrep_gym.models.base import SlotModule
from objrep_gym.models.monet import MONetConfig
from objrep_gym.scenes.room import Room
from objrep_gym.scenes.world import scene_streams
from objrep_gym.training import layout
from objrep_gym.types import to_image

COLOURS = torch.tensor([[0.75, 0.75, 0.7], [0.9, 0.1, 0.1], [0.1, 0.8, 0.2], [0.2, 0.2, 0.9]])
RENDERED = 64


def scores(model: SlotModule, image: Tensor, ids: Tensor, background: int) -> tuple[float, float]:
    """ARI-FG of float32 and of bf16, each laid out as the loop and the wrappers have it."""
    model.eval().to(memory_format=layout(model))  # pyright: ignore[reportCallIssue]
    found = []
    for low in (False, True):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=low):
            masks = model.encode(image).masks
        assert masks is not None
        found.append(mean_over_images(ari(masks.argmax(1).numpy(), ids.numpy(), background))[0])
    return found[0], found[1]


@pytest.mark.parametrize("look", ["published", "plain"])
def test_shipped_weights_segment_as_well_in_bf16(look: str):
    room = Room(look=look, engine="raycast")
    streams = partial(scene_streams, 0, "test", 0, RENDERED)
    view = room.render(room.sample(streams(), RENDERED), ("image", "mask"))
    assert view.mask is not None
    image, ids = to_image(torch.from_numpy(view.image)), torch.from_numpy(view.mask)
    exact, low = scores(weights.load("monet-lite@objects-room"), image, ids, room.about.background)
    assert exact > 0.8
    assert abs(exact - low) < 0.01


def squares(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noisy pictures of three squares of three colours, the later in front: images and ids."""
    ids = torch.zeros(count, 32, 32, dtype=torch.int64)
    for one in ids:
        for k in (1, 2, 3):
            top, left = (torch.rand(2, generator=generator) * 22).int().tolist()
            one[top : top + 10, left : left + 10] = k
    image = COLOURS[ids].movedim(3, 1) + 0.1 * torch.randn(count, 3, 32, 32, generator=generator)
    return image.clamp(0, 1), ids


def test_a_monet_that_segments_does_so_as_well_in_bf16():
    """Taught, since that takes seconds: each colour has its slot."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model = replace(MONetConfig(), size=(32, 32), slots=4, blocks=4, channels=16).build()
    optimiser = torch.optim.Adam(model.attention.parameters(), 1e-3)
    for _ in range(60):
        image, ids = squares(8, generator)
        optimiser.zero_grad()
        functional.nll_loss(model.attention(image, 4), ids).backward()
        optimiser.step()
    exact, low = scores(model, *squares(32, generator), background=1)
    assert exact > 0.8
    assert abs(exact - low) < 0.01
