"""What holds for every preset, at toy width."""

from dataclasses import is_dataclass
from typing import cast

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from objrep_gym.configs import from_json, to_json
from objrep_gym.models import MODELS
from objrep_gym.models.base import SlotModule
from objrep_gym.types import Clock, Losses, Scenes, SlotModel


def build(name: str) -> SlotModule:
    torch.manual_seed(0)
    return MODELS[name].tiny().build()


def weightless(name: str) -> bool:
    return not any(True for _ in build(name).parameters())


LEARNING = [name for name in MODELS if not weightless(name)]
WEIGHTLESS = [name for name in MODELS if name not in LEARNING]
every_preset = pytest.mark.parametrize("name", MODELS)
every_learning_preset = pytest.mark.parametrize("name", LEARNING)
every_weightless_preset = pytest.mark.parametrize("name", WEIGHTLESS)

LATE = Clock(torch.tensor(10_000), 20_000)  # in the middle of training: past whatever a model does first


def pictures(model: SlotModule, count: int = 8) -> Tensor:
    """Rectangles of random colours on random grounds, float32 in [0, 1]."""
    generator = torch.Generator().manual_seed(1)
    channels, height, width = model.size
    image = torch.rand(count, channels, 1, 1, generator=generator).repeat(1, 1, height, width)
    for one in image:
        for _ in range(2):
            top, left = (torch.rand(2, generator=generator) * torch.tensor([height, width]) * 0.6).int().tolist()
            shape = one[:, top : top + height // 3, left : left + width // 3]
            shape[:] = torch.rand(channels, 1, 1, generator=generator)
    return image


def scenes(model: SlotModule, dark: bool = False) -> Scenes:
    """What the model's losses read, and nothing else: two things on a ground, whose factors are all 0 or 1."""
    generator = torch.Generator().manual_seed(2)
    image = pictures(model) ** (4 if dark else 1)
    mask = torch.zeros(len(image), *model.size[1:], dtype=torch.uint8)
    mask[:, 4:14, 4:14], mask[:, 10:20, 12:24] = 1, 2
    factors = torch.randint(2, (len(image), 4, 10), generator=generator).float()
    factors[:, [0, 3]] = torch.nan
    source = torch.arange(len(image)) % 2
    whole = {"image": image, "mask": mask, "factors": factors, "source": source}
    return Scenes(**{name: whole[name] for name in model.reads})


SUPERVISED = {"segmenter-rn50", "segmenter-rn50-small", "counter", "counter-clutter", "counter-rooms"}
BY_SOURCE = {"parallel-vae-map"}  # what a data source shows is told, and nothing of its scenes


@every_preset
def test_models_read_images_alone_but_for_those_that_are_taught(name: str):
    assert (build(name).reads == ("image",)) == (name not in SUPERVISED | BY_SOURCE)
    assert (build(name).reads == ("image", "source")) == (name in BY_SOURCE)


def test_both_kinds_are_there():
    assert LEARNING
    assert WEIGHTLESS == ["colour", "colour-rgb", "one-slot"]


@every_preset
def test_presets_are_configs_that_json_carries(name: str):
    config = MODELS[name]
    assert is_dataclass(config)
    assert from_json(to_json(config), [type(config)]) == config
    tiny = config.tiny()
    assert tiny.tiny() == tiny
    assert hash(tiny) != hash(config)
    assert tiny.build().config == tiny


@every_preset
def test_models_keep_the_contract(name: str):
    model = build(name)
    assert isinstance(model, SlotModel)
    assert isinstance(model, SlotModule)
    assert len(model.size) == 3
    assert model.sample(3).shape == (3, model.slots, model.latent_size)


@every_preset
def test_encode_gives_slots_and_decode_images(name: str):
    model = build(name).eval()
    image = pictures(model, 3)
    with torch.no_grad():
        slots = model.encode(image)
        decoded = model.decode(slots.latents)
    assert slots.latents.shape == (3, model.slots, model.latent_size)
    assert slots.nats.shape == (3, model.slots)
    assert (slots.nats >= 0).all()
    assert decoded.image.shape == image.shape
    assert decoded.image.min() >= 0
    assert decoded.image.max() <= 1 + 1e-5
    assert slots.latents.dtype == slots.nats.dtype == decoded.image.dtype == torch.float32


@every_preset
def test_another_number_of_slots_is_encoded_or_refused(name: str):
    model = build(name).eval()
    model.slots += 1
    if not model.takes_slots:
        with pytest.raises(ValueError, match=rf"built with {model.slots - 1} slots and cannot encode .* as {model.slots}"):
            model.encode(pictures(model))
        return
    with torch.no_grad():
        assert model.encode(pictures(model)).latents.shape == (8, model.slots, model.latent_size)


@every_preset
def test_masks_sum_to_one_where_there_are_masks(name: str):
    model = build(name).eval()
    with torch.no_grad():
        slots = model.encode(pictures(model))
        decoded = model.decode(slots.latents)
    assert (slots.masks is not None) == model.has_masks
    for masks in filter(lambda m: m is not None, (slots.masks, decoded.masks)):
        assert masks.shape == (8, model.slots, *model.size[1:])
        assert masks.min() >= 0
        assert torch.allclose(masks.sum(1), torch.ones_like(masks[:, 0]), atol=1e-5)


@every_preset
@torch.no_grad()
def test_parts_that_are_given_are_encoded_as_its_own(name: str):
    model, images = build(name).eval(), pictures(build(name), 2)
    if not model.takes_masks:
        with pytest.raises(NotImplementedError, match=f"{type(model).__name__} finds masks by its latents"):
            model.encode_parts(images, torch.ones(2, 1, *model.size[1:]))
        return
    own = model.encode(images)
    assert own.masks is not None
    torch.testing.assert_close(model.encode_parts(images, own.masks).latents, own.latents, atol=1e-4, rtol=1e-4)
    halves = torch.zeros(2, model.slots + 2, *model.size[1:])
    halves[:, 0, :, : model.size[2] // 2] = halves[:, -1, :, model.size[2] // 2 :] = 1
    given = model.encode_parts(images, halves)
    assert given.latents.shape == (2, model.slots + 2, model.latent_size)
    assert torch.isfinite(given.latents).all()
    with pytest.raises(ValueError, match="takes images of"):
        model.encode_parts(images[..., 1:], halves[..., 1:])


@every_preset
def test_latents_are_finite_on_black_white_and_noise(name: str):
    model = build(name).eval()
    extremes = torch.stack((torch.zeros(model.size), torch.ones(model.size), torch.rand(model.size)))
    with torch.no_grad():
        slots = model.encode(extremes)
        decoded = model.decode(slots.latents)
    for value in (slots.latents, slots.nats, slots.masks, decoded.image, decoded.parts, decoded.masks):
        assert value is None or value.isfinite().all()


@every_preset
def test_encode_is_deterministic_and_does_not_look_at_its_neighbours(name: str):
    model = build(name).eval()
    image = pictures(model, 4)
    with torch.no_grad():
        first = model.encode(image)
        torch.rand(100)
        again = model.encode(image)
        alone = model.encode(image[2:3])
    assert torch.equal(first.latents, again.latents)
    assert torch.equal(first.nats, again.nats)
    assert torch.allclose(first.latents[2], alone.latents[0], atol=1e-4)


@every_preset
def test_permuted_slots_are_permuted_parts(name: str):
    model = build(name).eval()
    order = torch.arange(model.slots).roll(1)
    with torch.no_grad():
        latents = model.encode(pictures(model, 2)).latents
        one, other = model.decode(latents), model.decode(latents[:, order])
    same = torch.allclose(one.image, other.image, atol=1e-4)
    assert same != model.ordered
    if not model.ordered and one.parts is not None:
        assert torch.allclose(one.parts[:, order], cast(Tensor, other.parts), atol=1e-4)
        assert torch.allclose(cast(Tensor, one.masks)[:, order], cast(Tensor, other.masks), atol=1e-4)


@every_preset
def test_images_of_another_size_are_refused_with_both_sizes(name: str):
    model = build(name).eval()
    channels, height, width = model.size
    for wrong in ((channels, height * 2, width), (channels + 1, height, width)):
        with pytest.raises(ValueError, match="takes images of") as error:
            model.encode(torch.zeros(1, *wrong))
        assert str(model.size) in str(error.value)
        assert str(wrong) in str(error.value)


@every_preset
def test_weights_move_to_another_model(name: str):
    model = build(name).eval()
    torch.manual_seed(99)
    twin = model.config.build().eval()
    twin.load_state_dict(model.state_dict(), strict=True)
    image = pictures(model, 2)
    with torch.no_grad():
        assert torch.equal(twin.encode(image).latents, model.encode(image).latents)


@every_preset
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_encode_in_bf16_stays_near_and_in_float32(name: str, layout: torch.memory_format):
    model = build(name).eval()
    image = pictures(model, 2)
    with torch.no_grad():
        exact = model.encode(image)
        model.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
        with torch.autocast("cpu", torch.bfloat16):
            low = model.encode(image.contiguous(memory_format=layout))
    assert low.latents.dtype == low.nats.dtype == torch.float32
    if low.masks is not None:
        assert low.masks.dtype == torch.float32
        assert torch.allclose(low.masks.sum(1), torch.ones_like(low.masks[:, 0]), atol=1e-5)
    assert (low.latents - exact.latents).abs().mean() < 0.1 * exact.latents.abs().mean() + 0.02


@every_learning_preset
def test_forward_is_losses_and_reads_no_more_than_it_says(name: str):
    model = build(name)
    read = scenes(model)
    torch.manual_seed(5)
    direct = model.losses(read, LATE)
    torch.manual_seed(5)
    wrapped = model(read, LATE)
    assert isinstance(wrapped, Losses)
    assert wrapped.terms.keys() == direct.terms.keys()
    assert wrapped.total().item() == pytest.approx(direct.total().item(), rel=1e-4)
    assert not any(value.requires_grad for value in direct.watch.values())


@every_learning_preset
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_every_parameter_gets_a_gradient(name: str, precision: str):
    model = build(name).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        losses = model(scenes(model), LATE)
    assert all(term.dtype == torch.float32 for term in losses.terms.values())
    losses.total().backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.any(), parameter_name


@every_learning_preset
def test_losses_neither_branch_on_data_nor_wait_for_the_device(name: str):
    # fake tensors have shapes and no values: reading one raises
    model = build(name)
    read = scenes(model)
    with FakeTensorMode(allow_non_fake_inputs=True):
        with pytest.raises(DataDependentOutputException):
            torch.rand(()).item()
        faked = Scenes(**{what: torch.empty_like(value) for what, value in vars(read).items() if value is not None})
        assert model(faked, Clock(torch.randint(10, ()), 10)).total().shape == ()


@every_learning_preset
def test_parameter_groups_hold_every_parameter_once(name: str):
    model = build(name)
    grouped = [p for group in model.parameter_groups(3e-4) for p in group["params"]]
    assert sorted(map(id, grouped)) == sorted(map(id, model.parameters()))


@every_learning_preset
def test_loss_falls_on_eight_images(name: str):
    model = build(name)
    read = scenes(model, dark=True)  # a Bernoulli likelihood cannot fall far where intensities lie between
    optimiser = torch.optim.Adam(model.parameter_groups(2e-3), lr=2e-3)
    totals = []
    for _ in range(20):
        loss = model(read, LATE).total()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        totals.append(loss.item())
    first, last = sum(totals[:3]) / 3, sum(totals[-5:]) / 5
    assert last < first - 0.2 * abs(first)


@every_weightless_preset
def test_presets_without_weights_say_that_they_cannot_learn(name: str):
    model = build(name)
    with pytest.raises(TypeError, match="nothing to train"):
        model(Scenes(pictures(model)), LATE)
