from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from objrep_gym.metrics.segmentation import ari, mean_over_images, segments
from objrep_gym.models.colour import LATENTS, Colour, ColourConfig, assign, cluster
from objrep_gym.types import Clock, Scenes

PATCHES = (((1, 0, 0), 0), ((0, 1, 0), 8), ((0, 0, 1), 16), ((0.5, 0.5, 0.5), 24))


def striped(shade: bool = False) -> Tensor:
    """Four stripes of 8 columns, on request darker from row to row."""
    image = torch.zeros(1, 3, 32, 32)
    for colour, left in PATCHES:
        image[..., left : left + 8] = torch.tensor(colour).view(1, 3, 1, 1)
    return image * torch.linspace(1, 0.1, 32).view(1, 1, 32, 1) if shade else image


def build(**changes: Any) -> Colour:
    return replace(ColourConfig(size=(32, 32), slots=4), **changes).build()


def true_stripes() -> np.ndarray:
    return np.broadcast_to(np.arange(32, dtype=np.uint8) // 8, (1, 32, 32))


def predicted(model: Colour, image: Tensor) -> np.ndarray:
    return segments(cast(Tensor, model.encode(image).masks).numpy())


def test_stripes_are_found_and_described():
    slots = build().encode(striped())
    assert ari(predicted(build(), striped()), true_stripes(), 0) == 1
    latents = {tuple(row[:3]): dict(zip(LATENTS, row, strict=True)) for row in slots.latents[0].tolist()}
    assert set(latents) == {colour for colour, _ in PATCHES}
    red = latents[1, 0, 0]
    columns = np.linspace(-1, 1, 32)[:8]
    assert (red["x"], red["width"]) == (pytest.approx(columns.mean()), pytest.approx(columns.std(), abs=1e-6))
    assert (red["y"], red["area"]) == (pytest.approx(0, abs=1e-6), 0.25)
    assert red["height"] == pytest.approx(np.linspace(-1, 1, 32).std(), abs=1e-6)
    assert not slots.nats.any()


def test_chromaticity_ignores_shading_and_rgb_does_not():
    shaded = striped(shade=True)
    assert ari(predicted(build(), shaded), true_stripes(), 0) == 1
    assert ari(predicted(build(space="rgb"), shaded), true_stripes(), 0) < 0.9


@pytest.mark.parametrize("space", ["chromaticity", "rgb"])
def test_clusters_are_as_tight_as_scikit_learns(space: Any):
    torch.manual_seed(0)
    model = build(space=space, slots=5, points=1024)
    images = torch.rand(4, 3, 8, 8).repeat_interleave(4, 2).repeat_interleave(4, 3) + 0.05 * torch.rand(4, 3, 32, 32)
    features = model.features(images).flatten(2)
    centres = cluster(features, model.draws, 20)
    for points, ours in zip(features.mT.numpy(), centres.numpy(), strict=True):
        inertia = np.square(points[:, None] - ours).sum(2).min(1).sum()
        assert inertia < 1.05 * KMeans(5, n_init=4, random_state=0).fit(points).inertia_


def test_slots_depend_on_their_own_image_alone():
    torch.manual_seed(0)
    model, images = build(), torch.rand(5, 3, 32, 32)
    together = model.encode(images)
    for i in range(5):
        alone = model.encode(images[i : i + 1])
        assert torch.equal(cast(Tensor, alone.masks)[0], cast(Tensor, together.masks)[i])
        assert torch.allclose(alone.latents[0], together.latents[i], atol=1e-6)
    assert torch.equal(build().encode(images).latents, together.latents)  # another model draws the same numbers


def test_slots_come_by_size_and_empty_ones_are_zero():
    image = torch.zeros(1, 3, 32, 32)
    image[:, 0, :4] = 1
    latents = build().encode(image).latents[0]
    assert latents[:, LATENTS.index("area")].tolist() == [28 / 32, 4 / 32, 0, 0]
    assert not latents[2:].any()


def test_every_pixel_belongs_to_the_nearest_centre_and_the_first_of_equals():
    points = torch.tensor([[[0.1, 0.9, 0.5]]])
    centres = torch.tensor([[[0.0], [1.0], [1.0]]])
    assert assign(points, centres)[0].tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_decoding_paints_the_stripes_again():
    image = striped()
    decoded = build().decode(build().encode(image).latents)
    assert (decoded.image - image).abs().mean() < 0.1
    masks = cast(Tensor, decoded.masks)
    found = masks.argmax(1, keepdim=True) == cast(Tensor, build().encode(image).masks).argmax(1, keepdim=True)
    assert found.float().mean() > 0.8


def test_half_precision_around_it_changes_nothing():
    torch.manual_seed(0)
    images = torch.rand(2, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        low = build().encode(images)
    assert torch.equal(low.latents, build().encode(images).latents)


def test_there_is_nothing_to_train():
    model = build()
    assert not list(model.parameters())
    assert not model.state_dict()
    for attempt in (lambda: model(Scenes(striped()), Clock(torch.tensor(0), 1)), lambda: model.parameter_groups(1e-3)):
        with pytest.raises(TypeError, match="'colour' has no weights, there is nothing to train"):
            attempt()


@pytest.mark.parametrize("changes", [{"restarts": 0}, {"iterations": 0}, {"points": 3}])
def test_settings_that_cannot_cluster_are_refused(changes: dict[str, int]):
    with pytest.raises(ValueError, match="must be at least 1 each, got ColourConfig"):
        build(**changes)


def test_few_objects_of_different_colours_are_told_apart():
    # what the baseline is for: a room with its colours, lit from one side
    torch.manual_seed(0)
    image, true = torch.full((8, 3, 64, 64), 0.4), torch.zeros(8, 64, 64, dtype=torch.uint8)
    for i, (top, left) in enumerate(((5, 5), (30, 20), (10, 40))):
        colour = torch.rand(8, 3, 1, 1)
        colour[:, i] = 1
        image[..., top : top + 15, left : left + 15] = colour
        true[:, top : top + 15, left : left + 15] = i + 1
    image = image * torch.linspace(0.5, 1, 64)
    scores = ari(predicted(ColourConfig(slots=4).build(), image), true.numpy(), 1)
    assert mean_over_images(scores) == (pytest.approx(1, abs=1e-3), 0)
