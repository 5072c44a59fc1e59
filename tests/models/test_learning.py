"""From rooms to objects: what a small model learns of generated scenes within seconds."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor

from objrep_gym.metrics.segmentation import ari, mean_over_images, segments
from objrep_gym.models import MODELS
from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.room import Room
from objrep_gym.scenes.world import scene_streams
from objrep_gym.types import Clock, Scenes, to_image

TRAINED, SCORED = 64, 32


@pytest.fixture(scope="module")
def rooms() -> tuple[Tensor, np.ndarray, int]:
    """96 plain rooms at 32×32: images, ids, and the first id that is an object."""
    room = Room(look="plain", size=(32, 32))
    view = room.render(room.sample(scene_streams(0, "train", 0, TRAINED + SCORED), TRAINED + SCORED), ("image", "mask"))
    room.close()
    assert view.mask is not None
    return to_image(torch.from_numpy(view.image)), view.mask, room.about.background


def predicted(model: SlotModule, images: Tensor) -> np.ndarray:
    with torch.no_grad():
        return segments(cast(Tensor, model.eval().encode(images).masks).numpy())


@pytest.mark.parametrize("name", ["monet", "monet-lite"])
def test_rooms_are_learned_better_than_chance(name: str, rooms: tuple[Tensor, np.ndarray, int]):
    images, ids, background = rooms
    torch.manual_seed(0)
    model = replace(MODELS[name].tiny(), slots=6).build().train()  # pyright: ignore[reportArgumentType]
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    totals = []
    for step in range(40):
        batch = images[torch.randint(TRAINED, (16,))]
        total = model(Scenes(batch), Clock(torch.tensor(1000 + step), 2000)).total()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(total.item())
    assert np.mean(totals[-5:]) < np.mean(totals[:5]) - 1000  # nats per image

    found, true = predicted(model, images[TRAINED:]), ids[TRAINED:]
    score, _ = mean_over_images(ari(found, true, background))
    chance, _ = mean_over_images(ari(np.roll(found, 1, axis=0), true, background))  # another scene's segments
    assert score > chance + {"monet": 0.02, "monet-lite": 0.3}[name]
    print(score, chance, totals[:3], totals[-3:])
