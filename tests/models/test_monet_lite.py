"""MONet-lite: its arithmetic against plain forms, what it does untrained, and what training changes."""

import colorsys
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from objrep_gym.models.clustering import StickBreaking, every_second, turned
from objrep_gym.models.monet_lite import ComponentDecoder, MONetLiteConfig, withhold_colour
from objrep_gym.types import Clock, Scenes

COLOURS = ((0.6, 0.9, 0.95), (0.9, 0.1, 0.1), (0.1, 0.9, 0.2), (0.2, 0.2, 1.0))


def clock(step: int) -> Clock:
    return Clock(torch.tensor(step), steps=1000)


def discs(count: int, size: int = 64, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Three shaded discs of different colours in a fixed order of depth on a light ground: images and true ids."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    images, ids = np.empty((count, 3, size, size)), np.zeros((count, size, size), int)
    for image, mask in zip(images, ids, strict=True):
        image[:] = np.array(COLOURS[0])[:, None, None]
        for k in range(1, 4):
            middle, radius = np.array([k / 4, 0]) + rng.uniform(-0.05, 0.05, 2) + (0, 0.5), rng.uniform(0.08, 0.12)
            inside = (x - middle[0]) ** 2 + (y - middle[1]) ** 2 < radius**2
            mask[inside] = k
            image[:, inside] = np.array(COLOURS[k])[:, None] * (0.7 + 0.3 * y[inside])
    return torch.from_numpy(images).float(), torch.from_numpy(ids)


@pytest.fixture(scope="module")
def preset():
    torch.manual_seed(0)
    return MONetLiteConfig().build().eval()


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    return MONetLiteConfig().tiny().build()


def test_it_stays_small(preset):
    assert sum(p.numel() for p in preset.parameters()) < 2_000_000
    assert (preset.has_masks, preset.ordered, preset.slots) == (True, False, 9)


def test_stick_breaking_is_equation_4_6():
    """Against the recurrence of scopes written out, in plain numbers."""
    torch.manual_seed(0)
    clusters, embedding, centres = StickBreaking(), torch.randn(2, 3, 4, 4), torch.randn(2, 4, 3)
    log_masks = clusters(embedding, centres)
    scope = torch.ones(2, 4, 4)
    for k in range(4):
        square = (embedding - centres[:, k, :, None, None]).square().sum(1)
        share = torch.sigmoid(8 * (1 - square))
        torch.testing.assert_close(log_masks[:, k].exp(), scope * share, rtol=1e-4, atol=1e-6)
        scope = scope * (1 - share)
    torch.testing.assert_close(log_masks[:, 4].exp(), scope, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(log_masks.exp().sum(1), torch.ones(2, 4, 4))


def test_log_masks_stay_finite_far_from_every_centre():
    log_masks = StickBreaking()(torch.full((1, 3, 2, 2), 1e3), torch.zeros(1, 2, 3))
    assert log_masks.isfinite().all()
    torch.testing.assert_close(log_masks[:, -1].exp(), torch.ones(1, 2, 2))


def test_training_seeds_follow_the_scope_that_is_left():
    """Where a third of the scope lies on one pixel, a third of the seeds do."""
    clusters, scope = StickBreaking(), torch.tensor([[0.2, 0.3], [0.5, 0.0]]).expand(20_000, 2, 2)
    torch.manual_seed(0)
    seeds = clusters.seed(scope, torch.empty_like(scope).exponential_().reciprocal())
    np.testing.assert_allclose(np.bincount(seeds, minlength=4) / 20_000, [0.2, 0.3, 0.5, 0], atol=0.015)


def test_untrained_it_clusters_by_colour(preset):
    """The start that training improves upon: each disc is one segment, and what is not needed stays empty."""
    images, ids = discs(4)
    slots = preset.encode(images)
    found = slots.masks.argmax(1)
    for image in range(4):
        names = [found[image][ids[image] == k].unique() for k in range(1, 4)]
        assert [len(n) for n in names] == [1, 1, 1]
        assert len(torch.cat(names).unique()) == 3
    assert (slots.masks[:, -1].mean((1, 2)) < 1e-3).all()


def test_untrained_latents_draw_the_colour_of_each_segment(preset):
    images, ids = discs(2)
    parts, found = preset.decode(preset.encode(images).latents).parts, preset.encode(images).masks.argmax(1)
    for k in range(1, 4):
        inside = ids[0] == k
        slot = found[0][inside][0]
        drawn, true = parts[0, slot][:, inside].mean(1), images[0][:, inside].mean(1)
        torch.testing.assert_close(drawn, true, atol=0.12, rtol=0)


@pytest.mark.parametrize("slots", [1, 2, 5, 12])
def test_any_number_of_slots_after_building(preset, slots):
    preset.slots = slots
    try:
        found = preset.encode(discs(2)[0])
    finally:
        preset.slots = 9
    assert found.latents.shape == (2, slots, 16)
    torch.testing.assert_close(found.masks.sum(1), torch.ones(2, 64, 64))


def test_encoding_neither_samples_nor_depends_on_its_batch(preset):
    images, state = discs(6)[0], torch.get_rng_state()
    together = preset.encode(images)
    assert torch.equal(state, torch.get_rng_state())
    alone = preset.encode(images[2:3])
    torch.testing.assert_close(together.latents[2:3], alone.latents, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(together.masks[2:3], alone.masks, atol=1e-4, rtol=1e-4)


def test_bf16_finds_the_same_segments(preset):
    images = discs(8)[0]
    exact = preset.encode(images).masks.argmax(1)
    with torch.autocast("cpu", torch.bfloat16):
        fast = preset.encode(images)
    assert fast.latents.dtype == fast.masks.dtype == torch.float32
    assert (fast.masks.argmax(1) == exact).float().mean() > 0.99


@pytest.mark.parametrize("phase", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_phase_is_every_second_pixel_of_the_whole(tiny, phase):
    tiny.eval()
    y, x = phase
    image, where = torch.rand(2, 3, 32, 32), torch.tensor(phase)
    torch.testing.assert_close(every_second(image, where), image[:, :, y::2, x::2])
    torch.testing.assert_close(tiny.embedding(image, where), tiny.embedding(image)[:, :, y::2, x::2], rtol=1e-4, atol=1e-5)
    decoder, latents = ComponentDecoder(6, (32, 32), 16), torch.randn(3, 6)
    whole = torch.nn.functional.pixel_shuffle(decoder(latents).flatten(1, 2), 4)
    part = torch.nn.functional.pixel_shuffle(decoder(latents, where).flatten(1, 2), 2)
    torch.testing.assert_close(part, whole[:, :, y::2, x::2], rtol=1e-4, atol=1e-5)


def test_the_objective_is_equation_4_7_of_the_whole_picture(tiny):
    """A quarter of the pixels times four, averaged over the four phases, is the plain sum over all pixels."""
    torch.manual_seed(1)
    image, drawn, log_masks = (
        torch.rand(2, 3, 32, 32),
        torch.randn(2, 4, 4, 32, 32),
        torch.randn(2, 4, 32, 32).log_softmax(1),
    )
    mean, log_sigma = torch.randn(2, 4, 6), torch.randn(2, 4, 6)
    density = torch.distributions.Normal(drawn[:, :, :3], tiny.sigma).log_prob(image[:, None]).sum(2)
    nll = -(log_masks.exp() * density.double().exp()).sum(1).log().sum((1, 2)).mean()
    decoded = drawn[:, :, 3].log_softmax(1)
    mask = torch.nn.functional.kl_div(decoded, log_masks, log_target=True, reduction="none").sum((1, 2, 3)).mean()
    quarters = []
    for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        seen = (t[..., y::2, x::2].flatten(-2).unsqueeze(-2) for t in (image, log_masks, drawn))
        quarters.append(tiny.objective(*seen, mean, log_sigma).terms)
    assert math.isclose(np.mean([q["nll"].item() for q in quarters]), nll.item(), rel_tol=1e-4)
    assert math.isclose(np.mean([q["mask"].item() for q in quarters]), tiny.gamma * mask.item(), rel_tol=1e-4)


def test_withheld_colour_keeps_the_light():
    torch.manual_seed(0)
    image = torch.rand(64, 3, 8, 8)
    torch.testing.assert_close(withhold_colour(image, 0.0), image)
    grey = withhold_colour(image, 1.0)
    assert (grey.amax(1) <= image.amax(1) + 1e-6).all()

    def variety(x):  # how far chromaticities lie apart within a picture
        return (x / x.amax(1, keepdim=True)).std((2, 3)).mean(1)

    assert (variety(grey) < 0.25 * variety(image)).float().mean() > 0.4
    assert (variety(withhold_colour(image, 0.5)) == variety(image)).float().mean() == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("times", [2, 3])
def test_hues_are_turned_as_another_library_turns_them(times):
    image = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    image[0, :, 0] = torch.tensor([[0, 1, 0.5, 0, 0.4, 1], [0, 1, 0.5, 1, 0.4, 0], [0, 1, 0.5, 0, 0.9, 0]])  # grey, too
    expected = image.clone()
    for b, y, x in np.ndindex(2, 6, 6):
        hue, saturation, value = colorsys.rgb_to_hsv(*image[b, :, y, x].tolist())
        expected[b, :, y, x] = torch.tensor(colorsys.hsv_to_rgb(times * hue % 1, saturation, value))
    torch.testing.assert_close(turned(image, times), expected, atol=1e-5, rtol=1e-5)
    assert turned(image, 1) is image


def test_things_of_two_opposite_hues_are_one_to_doubled_ones():
    image = torch.full((1, 3, 32, 32), 0.9)
    image[0, :, 8:16, 8:24] = torch.tensor([0.8, 0.2, 0.2])[:, None, None]
    image[0, :, 16:24, 8:24] = torch.tensor([0.2, 0.8, 0.8])[:, None, None]
    masks = {}
    for hue in (1, 2):
        torch.manual_seed(0)
        model = replace(MONetLiteConfig().tiny(), hue=hue).build().eval()
        masks[hue] = model.encode(image).masks[0].argmax(0)
        seen = model.train().embedding(image)
        masks[hue, "learning"] = torch.linalg.vector_norm(seen[0, :, 10, 16] - seen[0, :, 22, 16])
        model.embedding.eval()
        masks[hue, "frozen"] = torch.linalg.vector_norm(torch.sub(*model.embedding(image)[0, :, (10, 22), 16].unbind(1)))
    assert masks[2, "learning"] == masks[1, "learning"]
    assert masks[2, "frozen"] < 0.3 * masks[1, "frozen"]
    assert masks[1][10, 16] != masks[1][22, 16]
    assert masks[2][10, 16] == masks[2][22, 16] != masks[2][2, 2]


def test_masks_wait_until_the_vae_has_settled(tiny):
    scenes = Scenes(discs(4, 32)[0])

    def pull(step: int) -> float:
        tiny.zero_grad()
        tiny.losses(scenes, clock(step)).total().backward()
        return sum(p.grad.abs().sum().item() for p in tiny.embedding.parameters() if p.grad is not None)

    settle = tiny.config.settle
    assert pull(settle - 1) == 0
    assert pull(settle) > 0


def test_size_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match=r"40, 64.*multiples of 16"):
        MONetLiteConfig(size=(40, 64)).build()
    with pytest.raises(ValueError, match="at least 3"):
        MONetLiteConfig(latent=2).build()
    with pytest.raises(ValueError, match="hue 0 must be at least 1"):
        MONetLiteConfig(hue=0).build()
    with pytest.raises(ValueError, match="at least 8"):
        MONetLiteConfig(embedding=4).build()


def test_it_learns(tiny):
    """Past the moment when masks begin to move, the loss is hundreds of nats an image below where it began."""
    torch.manual_seed(0)
    scenes = Scenes(discs(16, 32)[0])
    optimiser = torch.optim.Adam(tiny.parameters(), 2e-3)
    totals = []
    for step in range(60):
        losses = tiny.losses(scenes, clock(step * 30))
        optimiser.zero_grad()
        losses.total().backward()
        optimiser.step()
        totals.append(losses.total().item())
    assert np.mean(totals[-10:]) < np.mean(totals[:10]) - 300


def test_latents_alone_are_those_of_encode():
    """Masks at every second pixel are all that the VAE looks at."""
    model = MONetLiteConfig().build().eval()
    image = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(model.encode_latents(image), model.encode(image).latents, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="takes images of"):
        model.encode_latents(torch.rand(1, 3, 32, 32))
