"""The figures of training and encoding: what is measured, and what it is compared with."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from objrep_gym.bench import Encode, Train
from objrep_gym.bench.plain import PlainFactorVAE, PlainMONet, plain_of
from objrep_gym.bench.turns import Spent, measured, threads
from objrep_gym.models import MODELS
from objrep_gym.models.monet import MONetConfig

SMALL = MONetConfig(size=(32, 32), slots=2, blocks=4)  # a quarter of the pixels, and one attention pass
FORMS = [("monet, plain", "float32"), ("monet", "float32"), ("monet", "bf16")]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(MODELS, "monet", SMALL)


def named(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["model"], one["precision"]) for one in records]


def check(found: list[dict[str, Any]], seconds: str) -> None:
    """Each form is there, and ratios are those of the figures beside them."""
    assert named(found) == FORMS
    plain = found[0]
    assert not any("plain" in name for name in plain)
    for one in found:
        assert one["images_per_second"] == pytest.approx(one["batch"] / one[seconds], rel=2e-3)
        assert one["peak_mb"] > 0
        assert (one["device"], one["threads"]) == ("cpu", 1)
    for one in found[1:]:
        assert one["ratio_to_plain"] == pytest.approx(plain[seconds] / one[seconds], rel=2e-3)
        assert one["cpu_ratio_to_plain"] == pytest.approx(plain[f"cpu_{seconds}"] / one[f"cpu_{seconds}"], rel=2e-3)
        assert one["peak_to_plain"] == pytest.approx(one["peak_mb"] / plain["peak_mb"], rel=2e-3)


def test_training_is_measured_beside_the_plain_form(small):
    check(list(Train(models=("monet",), batch=2, rounds=1, threads=1, device="cpu").measure()), "seconds_per_step")


def test_encoding_is_measured_beside_the_plain_form(small):
    found = list(Encode(models=("monet",), batch=2, rounds=1, threads=1, device="cpu").measure())
    check(found, "seconds_per_batch")
    assert ["ratio_to_one_by_one" in one for one in found] == [False, True, True]


@pytest.mark.parametrize("name", MODELS)
def test_every_preset_can_be_measured(name):
    """Training where there are weights, encoding in any case; no ratio to a plain form that does not encode."""
    encoded = list(Encode(models=(name,), batch=2, rounds=1, tiny=True).measure())
    assert named(encoded) == [(name, "float32"), (name, "bf16")]
    assert not any("plain" in key for key in encoded[0])
    if not encoded[0]["parameters"]:
        with pytest.raises(ValueError, match=f"{name} has no weights"):
            next(Train(models=(name,), tiny=True).measure())
        return
    trained = list(Train(models=(name,), batch=2, rounds=1, tiny=True).measure())
    plain = [(f"{name}, plain", "float32")] if plain_of(MODELS[name].tiny().build()) is not None else []
    assert named(trained) == [*plain, (name, "float32"), (name, "bf16")]


def test_names_that_are_no_presets_are_refused():
    with pytest.raises(ValueError, match="'monnet' is none of"):
        next(Train(models=("monnet",)).measure())


def test_the_plain_form_has_the_models_weights_or_is_none():
    model = SMALL.build()
    plain = plain_of(model)
    assert isinstance(plain, PlainMONet)
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in model.state_dict().items())
    assert plain.slots == 2
    assert plain_of(replace(SMALL, channels=32).build()) is None
    assert plain_of(MODELS["colour"].build()) is None


def test_factor_vae_has_a_plain_form_where_its_layers_are_the_papers():
    model = MODELS["factor-vae"].tiny().build()
    plain = plain_of(model)
    assert isinstance(plain, PlainFactorVAE)
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in model.state_dict().items())
    for other in (replace(model.config, decoder="broadcast"), replace(model.config, size=(28, 28))):
        assert plain_of(other.build()) is None


def test_ratios_above_one_are_faster_and_peaks_below_one_hold_less():
    told = measured(Spent(1.0, 2.0), 2**20, (Spent(3.0, 4.0), 2**22))
    assert told == {"peak_mb": 1, "ratio_to_plain": 3, "cpu_ratio_to_plain": 2, "peak_to_plain": 0.25}
    assert measured(Spent(1.0, 2.0), 2**20, None) == {"peak_mb": 1}


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    with threads(0):
        assert torch.get_num_threads() == before
    assert torch.get_num_threads() == before
