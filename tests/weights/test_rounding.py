"""Fewer bits: what is stored, how far it is from what was, and what is refused."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from objrep_gym.models import MODELS
from objrep_gym.weights import CONFIG, WEIGHTS, WeightsError, digest, load, save
from objrep_gym.weights.rounding import SCALE, in_eight_bits, restored, rounded
from tests.data.fake_model import TinyConfig


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TinyConfig())
    torch.manual_seed(3)


@pytest.mark.parametrize("dtype", ["bf16", "fp16", "int8"])
def test_fewer_bits_are_loaded_as_float32(tmp_path, dtype):
    model = TinyConfig().build()
    model.seen += 100_003
    again = load(save(tmp_path, model, dtype=dtype))
    stored = load_file(tmp_path / WEIGHTS)
    assert stored["out.weight"].dtype == {"bf16": torch.bfloat16, "fp16": torch.float16, "int8": torch.int8}[dtype]
    assert again.out.weight.dtype == torch.float32
    step = model.out.weight.abs().max().item() / 127 if dtype == "int8" else 0
    assert torch.allclose(again.out.weight, model.out.weight, rtol=1e-2, atol=0.501 * step)
    assert int(again.seen) == 100_003


def test_eight_bits_are_off_by_half_a_step_of_their_row_at_most():
    value = torch.randn(5, 3, 4, 4) * torch.tensor([1e-3, 1.0, 50.0, 0.0, 1.0]).view(-1, 1, 1, 1)
    whole, scale = in_eight_bits(value)
    again = restored({"a": whole, f"a{SCALE}": scale})["a"]
    assert ((again - value).abs().flatten(1).amax(1) <= scale * 0.501).all()
    assert whole.abs().flatten(1).amax(1).tolist() == [127, 127, 127, 0, 127]
    assert torch.equal(again[3], torch.zeros(3, 4, 4))


def test_eight_bits_of_what_was_eight_bits_are_the_same():
    once = restored(rounded({"a": torch.randn(4, 9)}, "int8"))
    assert torch.equal(restored(rounded(once, "int8"))["a"], once["a"])


def test_biases_and_statistics_keep_their_bits(tmp_path):
    model = TinyConfig().build()
    again = load(save(tmp_path, model, dtype="int8"))
    assert torch.equal(again.out.bias, model.out.bias)
    assert torch.equal(again.trunk[1].running_var, model.trunk[1].running_var)


def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path):
    model = TinyConfig().build()
    with torch.no_grad():
        model.out.weight[0] = 1e6
    with pytest.raises(OverflowError, match=r"out\.weight holds 1e\+06, beyond fp16: store it as bf16"):
        save(tmp_path, model, dtype="fp16")
    assert list(tmp_path.iterdir()) == []


FORGED = {
    "no scale": (lambda t: t.pop(f"out.weight{SCALE}"), r"out\.weight holds I8 and needs a scale"),
    "a scale too short": (lambda t: t.update({f"out.weight{SCALE}": torch.ones(1)}), "needs a scale for each of its rows"),
    "a scale of halves": (lambda t: t.update({f"out.weight{SCALE}": torch.ones(3).half()}), "needs a scale"),
    "a scale of floats": (lambda t: t.update({f"out.bias{SCALE}": torch.ones(3)}), r"out\.bias holds F32 and needs"),
    "a scale of nothing": (lambda t: t.update({f"more{SCALE}": torch.ones(3)}), "has the unknown tensor more"),
    "eight bits of a count": (lambda t: t.update(seen=torch.tensor(3, dtype=torch.int8)), "seen holds I8"),
}


@pytest.mark.parametrize("kind", FORGED)
def test_forged_scales_are_named(tmp_path, kind):
    edit, message = FORGED[kind]
    folder = save(tmp_path / "run", TinyConfig().build(), dtype="int8")
    tensors = load_file(folder / WEIGHTS)
    edit(tensors)
    save_file(tensors, folder / WEIGHTS)
    described = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**described, "sha256": digest((folder / WEIGHTS).read_bytes())}))
    with pytest.raises(WeightsError, match=message):
        load(folder)
