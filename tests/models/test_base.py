from dataclasses import dataclass

import pytest
import torch

from objrep_gym.models.base import Config, SlotModule
from objrep_gym.types import Clock, Decoded, Scenes, SlotModel, Slots


@dataclass(frozen=True)
class BareConfig:
    slots: int = 3

    def build(self) -> SlotModule:
        return SlotModule(self, (3, 8, 12), self.slots, 5)

    def tiny(self) -> "BareConfig":
        return self


def test_a_bare_module_has_the_contracts_facts():
    model = BareConfig().build()
    assert isinstance(model, SlotModel)
    assert isinstance(model.config, Config)
    assert (model.size, model.slots, model.latent_size, model.ordered, model.has_masks) == ((3, 8, 12), 3, 5, False, True)
    assert model.device == torch.device("cpu")
    assert model.parameter_groups(0.1) == [{"params": [], "lr": 0.1}]


def test_a_model_is_judged_by_its_masks_or_by_decoded_ones_where_it_has_no_other():
    model, latents = BareConfig().build(), torch.zeros(1, 3, 5)
    own, drawn = torch.rand(1, 3, 8, 12), torch.rand(1, 3, 8, 12)
    decoded = Decoded(torch.zeros(1, 3, 8, 12), None, drawn)
    assert model.scored_masks(Slots(latents, latents[..., 0], own), decoded) is own
    assert model.scored_masks(Slots(latents, latents[..., 0]), decoded) is drawn
    assert model.scored_masks(Slots(latents, latents[..., 0]), Decoded(decoded.image)) is None


def test_samples_come_from_a_standard_normal_by_the_global_seed():
    model = BareConfig().build()
    torch.manual_seed(0)
    latents = model.sample(2000)
    assert latents.shape == (2000, 3, 5)
    assert latents.mean().item() == pytest.approx(0, abs=0.02)
    assert latents.std().item() == pytest.approx(1, abs=0.02)
    torch.manual_seed(0)
    assert torch.equal(model.sample(2000), latents)


def test_the_device_is_that_of_a_buffer_where_there_are_no_weights():
    model = BareConfig().build()
    model.register_buffer("grid", torch.zeros(1, device="meta"))
    assert model.device == torch.device("meta")


def test_what_a_model_does_not_write_says_so():
    model = BareConfig().build()
    with pytest.raises(NotImplementedError, match=r"SlotModule does not write encode\(\)"):
        model.encode(torch.zeros(1, 3, 8, 12))
    with pytest.raises(NotImplementedError, match=r"SlotModule does not write decode\(\)"):
        model.decode(torch.zeros(1, 3, 5))
    with pytest.raises(NotImplementedError, match=r"SlotModule does not write losses\(\)"):
        model(Scenes(torch.zeros(1, 3, 8, 12)), Clock(torch.tensor(0), 1))


def test_no_slots_are_refused():
    with pytest.raises(ValueError, match="slots 0, latent size 5 and image size"):
        BareConfig(slots=0).build()
