"""Segmenter: what is asked of each pixel, and what of it a MONet can take over."""

from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from objrep_gym.data.tabletop import Table
from objrep_gym.metrics.cost import parameters
from objrep_gym.models import MODELS
from objrep_gym.models.segmenter import Segmenter, SegmenterConfig, outlined
from objrep_gym.scenes.world import About
from objrep_gym.types import Clock, Scenes

CLOCK = Clock(torch.tensor(0), 1)


def tiny(**changes: Any) -> Segmenter:
    torch.manual_seed(0)
    return replace(SegmenterConfig().tiny(), **changes).build()


@pytest.mark.parametrize(
    ("name", "other"), [("segmenter-rn50", "monet-rn50-star"), ("segmenter-rn50-small", "monet-rn50-star-small")]
)
def test_trunk_and_decoder_are_those_of_the_model_that_begins_from_it(name: str, other: str):
    with torch.device("meta"):
        segmenter, monet = cast(Any, MODELS[name].build()), cast(Any, MODELS[other].build())
    for part in ("trunk", "upsampling"):
        shapes = [{n: v.shape for n, v in getattr(m, part).state_dict().items()} for m in (segmenter, monet.attention)]
        assert shapes[0] == shapes[1]
    assert parameters(segmenter) - parameters(monet.attention) == parameters(segmenter.classes) - parameters(
        monet.attention.head
    )


def test_a_pixels_class_is_its_things_shape_and_material():
    mask = torch.tensor([[[0, 1], [2, 3]]], dtype=torch.uint8)
    factors = torch.full((1, 4, 5), torch.nan)
    factors[0, 1:, 0], factors[0, 1:, 2] = torch.tensor([0.0, 2.0, 1.0]), torch.tensor([1.0, 0.0, 1.0])
    assert tiny().labels(mask, factors).tolist() == [[[0, 1 + 0 * 2 + 1], [1 + 2 * 2 + 0, 1 + 1 * 2 + 1]]]
    shapes = tiny(columns=(0,), values=(3,), background=2)
    assert shapes.labels(mask, factors).tolist() == [[[0, 0], [3, 2]]]


def test_all_classes_of_the_tables_occur_and_no_other():
    world = Table(size=32, engine="raycast").open()
    try:
        import numpy as np

        factors = world.sample(np.random.default_rng(0), 40)
        view = world.render(factors, ("image", "mask"))
    finally:
        world.close()
    assert view.mask is not None
    model = tiny()
    model.check_about(world.about)
    labels = model.labels(torch.from_numpy(view.mask), torch.from_numpy(factors))
    assert labels.unique().tolist() == list(range(7))
    assert (labels == 0).equal(torch.from_numpy(view.mask == 0))


def test_outlines_lie_on_both_sides_of_a_border():
    mask = torch.zeros(1, 5, 6, dtype=torch.uint8)
    mask[:, 1:4, 2:5] = 3
    expected = torch.zeros(5, 6, dtype=torch.bool)
    for y in range(5):
        for x in range(6):
            near = [(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]
            expected[y, x] = any(mask[0, y, x] != mask[0, v, u] for v, u in near if 0 <= v < 5 and 0 <= u < 6)
    assert outlined(mask)[0].bool().equal(expected)
    assert not outlined(torch.ones(1, 4, 4, dtype=torch.uint8)).any()


def things() -> Scenes:
    """Two squares of two classes on dark ground; the first is red, the second blue."""
    image, mask = torch.full((4, 3, 32, 32), 0.1), torch.zeros(4, 32, 32, dtype=torch.uint8)
    mask[:, 4:14, 4:14], mask[:, 18:28, 12:24] = 1, 2
    image[:, 0][mask == 1], image[:, 2][mask == 2] = 0.9, 0.8
    factors = torch.zeros(4, 3, 3)
    factors[:, 2, 0] = 2
    return Scenes(image, mask, factors)


def test_it_learns_classes_and_outlines_and_describes_what_it_found():
    model, scenes = tiny(channels=16), things()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(100):
        losses = model(scenes, CLOCK)
        optimiser.zero_grad()
        losses.total().backward()
        optimiser.step()
    assert losses.watch["right"].item() > 0.95
    for _ in range(30):
        model(scenes, CLOCK)  # settles the statistics that eval uses
    with torch.no_grad():
        slots = model.eval().encode(scenes.image)
    masks = cast(Tensor, slots.masks)
    labels = model.labels(cast(Tensor, scenes.mask), cast(Tensor, scenes.factors))
    assert (masks.argmax(1) == labels).float().mean() > 0.97
    assert slots.latents[0, 1, :3].tolist() == pytest.approx([0.9, 0.1, 0.1], abs=0.12)  # mean colour of the first class
    assert slots.latents[0, 1, 3:5].tolist() == pytest.approx([(8.5 - 15.5) / 15.5] * 2, abs=0.1)


def test_terms_are_sums_over_pixels_averaged_over_images():
    model, scenes = tiny(outlines=0.5).eval(), things()
    logits, outline = model.logits(scenes.image)
    labels = model.labels(cast(Tensor, scenes.mask), cast(Tensor, scenes.factors))
    classes = -logits.log_softmax(1).gather(1, labels[:, None]).sum() / 4
    signs = 2 * outlined(cast(Tensor, scenes.mask)) - 1
    outlines = -torch.nn.functional.logsigmoid(signs * outline).sum() / 4
    terms = model(scenes, CLOCK).terms
    assert terms["classes"].item() == pytest.approx(classes.item(), rel=1e-4)
    assert terms["outlines"].item() == pytest.approx(0.5 * outlines.item(), rel=1e-4)


def test_scenes_without_masks_are_refused():
    with pytest.raises(ValueError, match="must have both"):
        tiny()(Scenes(torch.rand(2, 3, 32, 32)), CLOCK)


@pytest.mark.parametrize(
    "about",
    [
        About(("sky", "object_0"), ("shape", "hue", "size"), (6, 0, 0), 1),
        About(("table", "object_0"), ("shape", "size", "material"), (3, 2, 2), 6),
        About(("table", "object_0"), ("shape",), (3,), 1),
    ],
)
def test_data_of_other_factors_is_refused_before_training(about: About):
    with pytest.raises(ValueError, match=r"classes from columns \(0, 2\) of \(3, 2\).*do not suit.*0 shape \("):
        tiny().check_about(about)


@pytest.mark.parametrize("change", [{"columns": (0,)}, {"columns": (), "values": ()}, {"columns": (-1, 2)}])
def test_columns_and_values_must_go_together(change: dict[str, Any]):
    with pytest.raises(ValueError, match="must be as many, at least one, none below 0"):
        tiny(**change)
