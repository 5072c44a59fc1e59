"""Extractors: shapes, what depends on the order of slots and what does not, and scales that are set once."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from objrep_gym.agents.extractors import (
    AttentionExtractor,
    DeepSetExtractor,
    FlatExtractor,
    RelationExtractor,
    Scale,
    bounded,
    slot_shape,
)
from objrep_gym.wrappers.shuffle import VectorShuffleSlots

SLOTS = spaces.Box(-10, 10, (5, 7), np.float32)
SETS = (DeepSetExtractor, RelationExtractor, AttentionExtractor)


@pytest.fixture
def slots() -> torch.Tensor:
    return torch.randn(6, 5, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", [FlatExtractor, *SETS])
def test_features_have_the_size_that_was_asked_for(kind, slots):
    assert kind(SLOTS, 24, 16)(slots).shape == (6, 24)


@pytest.mark.parametrize("kind", SETS)
def test_a_set_does_not_know_the_order_of_slots(kind, slots):
    extractor = kind(SLOTS, 24, 16)
    order = torch.tensor([3, 0, 4, 2, 1])
    assert torch.allclose(extractor(slots), extractor(slots[:, order]), atol=1e-6)


@pytest.mark.parametrize("kind", SETS)
def test_a_set_sees_every_slot(kind, slots):
    extractor = kind(SLOTS, 24, 16)
    for k in range(5):
        moved = slots.clone()
        moved[:, k] += 3
        assert not torch.allclose(extractor(slots), extractor(moved), atol=1e-3), f"slot {k} changes nothing"


def test_a_relation_network_compares_every_pair(slots):
    """Against the paper's own form: a perceptron of each pair, one after the other."""
    extractor = RelationExtractor(SLOTS, 24, 16)
    first = torch.cat([part.weight for part in (extractor.one, extractor.other, extractor.apart)], dim=1)
    rows = []
    for i in range(5):
        apart = [bounded(slots[:, i] - slots[:, j]) for j in range(5)]
        told = [torch.cat((slots[:, i], slots[:, j], apart[j], apart[j] ** 2), dim=1) for j in range(5)]
        pairs = torch.stack([extractor.related((pair @ first.T + extractor.one.bias).relu()) for pair in told])
        rows.append(extractor.alone(torch.cat((pairs.mean(0), pairs.amax(0), slots[:, i]), dim=1)))
    pooled = torch.cat((torch.stack(rows).mean(0), torch.stack(rows).amax(0)), dim=1)
    assert torch.allclose(extractor(slots), extractor.whole(pooled), atol=1e-5)


def test_differences_are_bounded_and_keep_their_sign():
    difference = torch.linspace(-100, 100, 2001)
    assert bounded(difference).abs().max() < 2
    assert (bounded(difference).diff() >= 0).all()
    assert torch.allclose(bounded(torch.tensor([-1e-3, 1e-3])), torch.tensor([-2e-3, 2e-3]), rtol=1e-4)


def test_a_flat_extractor_knows_the_order_of_slots(slots):
    extractor = FlatExtractor(SLOTS, 24, 16)
    assert not torch.allclose(extractor(slots), extractor(slots.flip(1)), atol=1e-3)


def features(kind, steps: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """What an extractor makes of slots as they come, and shuffled by the wrapper: of the same steps of the same rooms."""
    plain, other = (gym.make_vec("ObjRep/Reach-v0", num_envs=4, encoder="oracle") for _ in range(2))
    shuffled = VectorShuffleSlots(other)
    torch.manual_seed(0)
    extractor = kind(plain.single_observation_space, 24, 16)
    seen = [
        [env.reset(seed=0)[0], *(env.step(np.full(4, action))[0] for action in range(steps))] for env in (plain, shuffled)
    ]
    assert not np.array_equal(*seen)
    with torch.no_grad():
        one, two = (extractor(torch.as_tensor(np.concatenate(each))) for each in seen)
    return one, two


@pytest.mark.parametrize("kind", SETS)
def test_a_set_is_the_same_under_shuffled_slots(kind):
    one, two = features(kind)
    assert torch.allclose(one, two, atol=1e-5)
    assert one.std(0).max() > 1e-3, "and not the same for every room"


def test_a_flat_extractor_is_lost_under_shuffled_slots():
    one, two = features(FlatExtractor)
    assert ((one - two).abs().amax(1) > 0.01).float().mean() > 0.9


@pytest.mark.parametrize("kind", [FlatExtractor, *SETS])
def test_every_parameter_learns(kind, slots):
    extractor = kind(SLOTS, 24, 16)
    extractor(slots).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in extractor.parameters())


@pytest.mark.parametrize("space", [spaces.Box(0, 1, (4,)), spaces.Box(0, 255, (64, 64, 3), np.uint8), spaces.Discrete(3)])
def test_what_are_no_slots_is_refused(space):
    with pytest.raises(ValueError, match="encoder"):
        slot_shape(space)


def test_the_scale_is_per_dimension_and_not_per_slot(slots):
    scale, wide = Scale(7), slots * torch.arange(1, 8)
    scale.set_from(wide)
    scaled = scale(wide).flatten(0, 1)
    assert torch.allclose(scaled.mean(0), torch.zeros(7), atol=1e-5)
    assert torch.allclose(scaled.std(0), torch.ones(7), atol=1e-5)
    assert scale.mean.shape == (7,)


def test_a_dimension_without_meaning_is_not_blown_up(slots):
    scale = Scale(7)
    still = slots.clone()
    still[..., 2] = 0.5 + 1e-6 * still[..., 2]
    scale.set_from(still)
    assert scale(still)[..., 2].abs().max() < 1e-3


def test_the_scale_does_not_move_while_the_policy_learns(slots):
    extractor = DeepSetExtractor(SLOTS, 24, 16).train()
    before = extractor.scale.mean.clone()
    extractor(slots + 100)
    assert torch.equal(extractor.scale.mean, before)
    assert "scale.mean" in extractor.state_dict(), "a restart would lose it"
