"""The trunk: ResNet-50 by name, by shape and by number, at stride 16."""

import pytest
import torch

from objrep_gym.metrics.cost import parameters
from objrep_gym.models.resnet import ResNet, SkipUpsampling, Upsampling, check_sides
from tests.models import published_resnet


def small() -> ResNet:
    torch.manual_seed(0)
    return ResNet(4, (1, 2, 1, 1))


def test_it_has_the_tensors_that_are_published_but_the_classifier():
    with torch.device("meta"):
        own = {name: tuple(value.shape) for name, value in ResNet().state_dict().items()}
    published = published_resnet.shapes()
    assert len(published) == 320
    assert own == {name: shape for name, shape in published.items() if not name.startswith("fc.")}


def test_it_has_the_parameters_of_resnet_50():
    with torch.device("meta"):
        trunk = ResNet()
    assert parameters(trunk) == 23_508_032
    assert parameters(trunk) + 2048 * 1000 + 1000 == 25_557_032  # with the classifier, as published


def test_four_doublings_from_the_last_map_give_the_image_back():
    trunk = small().eval()
    maps = trunk(torch.rand(2, 3, 64, 48))
    assert [tuple(m.shape[1:]) for m in maps] == [(16, 32, 24), (32, 16, 12), (64, 8, 6), (128, 4, 3)]
    assert trunk.channels == (16, 32, 64, 128)
    for upsampling in (Upsampling(trunk.channels, (8, 4, 2, 1)), SkipUpsampling(trunk.channels, (8, 4, 2, 1))):
        assert upsampling(maps).shape == (2, 1, 64, 48)
    assert SkipUpsampling(trunk.channels, (8, 4, 2))(maps).shape == (2, 2, 32, 24)


def test_skips_reach_the_last_layer_and_no_skip_does_without_them():
    maps = [torch.rand(1, c, s, s, requires_grad=True) for c, s in ((4, 16), (8, 8), (16, 4), (32, 2))]
    SkipUpsampling((4, 8, 16, 32), (8, 4, 2, 2))(maps).sum().backward()
    assert all(m.grad is not None and m.grad.any() for m in maps)
    fresh = [m.detach().requires_grad_() for m in maps]
    Upsampling((4, 8, 16, 32), (8, 4, 2, 2))(fresh).sum().backward()
    assert [m.grad is not None for m in fresh] == [False, False, False, True]


def test_pictures_are_normalised_as_published_trunks_expect():
    trunk = small().eval()
    seen = []
    trunk.conv1.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    mean, deviation = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    trunk((mean + deviation)[None, :, None, None].expand(1, 3, 32, 32))
    assert torch.allclose(seen[0], torch.ones(1, 3, 32, 32), atol=1e-5)


def test_in_eval_an_image_does_not_see_its_neighbours_and_in_training_it_does():
    trunk, images = small(), torch.rand(4, 3, 32, 32)
    with torch.no_grad():
        together, alone = trunk(images)[-1][:1], trunk(images[:1])[-1]
        assert not torch.allclose(together, alone, atol=1e-2)
        trunk.eval()
        before = {name: value.clone() for name, value in trunk.state_dict().items()}
        assert torch.allclose(trunk(images)[-1][:1], trunk(images[:1])[-1], atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in trunk.state_dict().items())


@pytest.mark.parametrize(("width", "depths"), [(0, (1, 1, 1, 1)), (4, (1, 1, 1)), (4, (1, 0, 1, 1))])
def test_depths_and_widths_that_make_no_resnet_are_refused(width: int, depths: tuple[int, ...]):
    with pytest.raises(ValueError, match="four depths of at least 1"):
        ResNet(width, depths)


@pytest.mark.parametrize("size", [(64, 40), (16, 64), (33, 33)])
def test_sizes_that_do_not_suit_the_stride_are_refused(size: tuple[int, int]):
    with pytest.raises(ValueError, match=rf"multiples of 16 and at least 32, got {size[0]}×{size[1]}"):
        check_sides(size)
