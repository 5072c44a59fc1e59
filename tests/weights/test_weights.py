"""Weights: saved and loaded the same, by every kind of reference; and every hostile file named with its reason."""

import hashlib
import json
import pickle
import struct
import zipfile

import pytest
import torch
from safetensors.torch import load_file, save_file

from objrep_gym import weights
from objrep_gym.data import whole
from objrep_gym.models import MODELS
from objrep_gym.models.base import SlotModule
from objrep_gym.weights import CONFIG, WEIGHTS, WeightsError, load, published, resolve, save
from tests.data.fake_model import TinyConfig


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TinyConfig())


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(3)
    return save(tmp_path / "run", TinyConfig(width=5, rate=0.5).build(), step=7)


def forge(folder, tensors) -> None:
    """Other tensors under a digest that fits them."""
    save_file(tensors, folder / WEIGHTS)
    change(folder, lambda described: described.update(sha256=hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()))


def change(folder, edit) -> None:
    described = json.loads((folder / CONFIG).read_text())
    edit(described)
    (folder / CONFIG).write_text(json.dumps(described))


def test_what_is_saved_is_loaded_in_eval(tmp_path):
    model = TinyConfig(width=5, sizes=(8, 8)).build()
    model.seen += 11
    model.trunk[1].running_mean += 0.25
    again = load(save(tmp_path, model))
    assert again.config == model.config
    assert not again.training
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in again.state_dict().items())
    assert again.state_dict().keys() == model.state_dict().keys()


def test_config_json_tells_config_digest_and_more(folder):
    described = json.loads((folder / CONFIG).read_text())
    fields = {"width": 5, "slots": 2, "name": "tiny", "sizes": [8, 8], "rate": 0.5}
    assert described["config"] == {"kind": "TinyConfig", **fields}
    assert described["sha256"] == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    assert described["step"] == 7


def test_a_folder_saved_over_loads_at_every_moment(folder, monkeypatch):
    """A kill between any two writes: before each one, what is on disk loads, as it was or as it will be."""
    old, new, seen = load(folder), TinyConfig(width=5, rate=0.5).build(), []
    write = whole.write

    def watched(path, content):
        seen.append(load(folder))
        return write(path, content)

    monkeypatch.setattr(whole, "write", watched)
    save(folder, new)
    seen.append(load(folder))
    is_new = [torch.equal(model.out.weight, new.out.weight) for model in seen]
    assert is_new == [False, False, True, True]
    assert all(torch.equal(model.out.weight, old.out.weight) for model in seen[:2])


def saved_over(folder, monkeypatch, times: int) -> list[SlotModule]:
    """What a training saves each time between the two files that `load` reads; the newest last."""
    saved: list[SlotModule] = []
    read = weights.pieces.read

    def read_late(path):
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(weights.pieces, "read", read)
            if len(saved) < times:
                saved.append(TinyConfig(width=5, rate=0.5).build())
                save(folder, saved[-1])
            return read(path)

    monkeypatch.setattr(weights.pieces, "read", read_late)
    return saved


def test_a_folder_that_is_saved_over_while_it_is_read_is_read_again(folder, monkeypatch):
    saved = saved_over(folder, monkeypatch, 2)
    assert torch.equal(load(folder).out.weight, saved[1].out.weight)
    assert len(saved) == 2


def test_a_folder_that_is_saved_over_without_end_is_named(folder, monkeypatch):
    saved = saved_over(folder, monkeypatch, 100)
    with pytest.raises(WeightsError, match=rf"was saved over {weights.TRIES} times while it was read"):
        load(folder)
    assert len(saved) == weights.TRIES


def test_a_run_is_named_by_its_folder_or_its_weights(folder):
    assert resolve(folder) == resolve(str(folder)) == resolve(folder / WEIGHTS) == folder


def test_a_preset_without_weights_loads_by_its_bare_name():
    model = load("colour")
    assert not list(model.parameters())
    assert not model.training


@pytest.mark.parametrize("name", ["colour", "monet-lite@objects-room"])
def test_a_folder_hides_a_name_only_where_it_holds_a_model(tmp_path, monkeypatch, name):
    """`colour/` may be anything; what was saved under a name is meant by it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    assert load(name).latent_size != 5
    save(name, TinyConfig(width=5).build())
    assert load(name).latent_size == 5
    (tmp_path / name / WEIGHTS).unlink()
    with pytest.raises(WeightsError, match=rf"{name} holds no {WEIGHTS}"):
        load(name)


def test_everything_published_loads():
    for name in published():
        assert load(name).slots >= 1


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("nowhere/at/all", "no folder, no published name"),
        ("monet", r"must be trained: `objrep-gym train monet --data objects-room --out"),
        ("monet@nowhere", r"`objrep-gym train monet --data nowhere --out runs/monet@nowhere` makes them"),
        ("monet-lite@object-room", "has no published weights: did you mean monet-lite@objects-room"),
        ("monet@../../etc", "is no published name"),
        ("Monet@Objects", "is no published name"),
        ("~nobody-of-this-name/x", "'~nobody-of-this-name/x' is neither a name nor a path .*home directory"),
        ("x" * 5000, "'x{79}…' is neither a name nor a path .*too long"),
    ],
)
def test_a_reference_to_nothing_says_what_there_is(ref, message):
    with pytest.raises(WeightsError, match=message) as caught:
        load(ref)
    assert "colour" in str(caught.value)


def test_an_unfinished_folder_says_what_is_missing(tmp_path, folder):
    with pytest.raises(WeightsError, match=rf"holds no {WEIGHTS} and no {CONFIG}.*objrep-gym train"):
        load(tmp_path)
    (folder / CONFIG).unlink()
    with pytest.raises(WeightsError, match=rf"holds no {CONFIG}"):
        load(folder)
    (tmp_path / "model.pt").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"model\.pt is a file, not a run directory"):
        load(tmp_path / "model.pt")


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was opened",)


def hostile_pickle(path):
    path.write_bytes(pickle.dumps({"out.weight": Bomb()}))


def hostile_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))


def hostile_torch(path):
    torch.save({"out.weight": torch.zeros(3)}, path)


def header(path, text: bytes, claim: int | None = None, data: bytes = b""):
    path.write_bytes(struct.pack("<Q", len(text) if claim is None else claim) + text + data)


FOREIGN = {
    "pickle": (hostile_pickle, "is a pickle; such files can run code"),
    "zip": (hostile_zip, "is a zip archive"),
    "torch.save": (hostile_torch, "is a zip archive, as torch.save writes"),
    "empty": (lambda path: path.write_bytes(b""), "is truncated or forged"),
    "text": (lambda path: path.write_bytes(b"<!DOCTYPE html>" * 9), "header claims"),
    "10 GB header": (lambda path: header(path, b"{}", claim=10**10), "header claims 10,000,000,000 bytes, the file has 10"),
    "2^63 header": (lambda path: header(path, b"{}", claim=2**63), "header claims"),
    "header of the file's length": (lambda path: header(path, b"[" * 100_000), "its header cannot be read"),
    "list": (lambda path: header(path, b"[1, 2]"), "its header cannot be read"),
    "no offsets": (lambda path: header(path, b'{"a": {"dtype": "F32", "shape": [1]}}'), "its header cannot be read"),
    "tensors beyond the end": (
        lambda path: header(path, b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 400]}}', data=b"1234"),
        "its tensors end at byte",
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_named_and_not_opened(folder, kind):
    make, message = FOREIGN[kind]
    make(folder / WEIGHTS)
    with pytest.raises(WeightsError, match=rf"{WEIGHTS} .*{message}"):
        load(folder)


@pytest.mark.parametrize("keep", [4, 60, -1])
def test_a_truncated_file_is_named(folder, keep):
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:keep])
    with pytest.raises(WeightsError, match=rf"{WEIGHTS} is truncated"):
        load(folder)


def test_an_altered_file_is_named(folder):
    change(folder, lambda described: described.update(score=float("nan")))
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-5] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(WeightsError, match=rf"{WEIGHTS} was altered: its sha256"):
        load(folder)


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path):
    (folder / WEIGHTS).rename(tmp_path / "elsewhere")
    (folder / WEIGHTS).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WeightsError, match=rf"{WEIGHTS} leads out of its folder, to .*elsewhere"):
        load(folder)
    (folder / WEIGHTS).unlink()
    (tmp_path / "elsewhere").rename(folder / WEIGHTS)
    (folder / CONFIG).rename(folder.parent / CONFIG)
    (folder / CONFIG).symlink_to("../" + CONFIG)
    with pytest.raises(WeightsError, match=rf"{CONFIG} leads out of its folder"):
        load(folder)


def test_a_linked_run_directory_is_fine(folder, tmp_path):
    (tmp_path / "latest").symlink_to(folder)
    assert load(tmp_path / "latest").latent_size == 5


TENSORS = {
    "missing": (lambda t: t.pop("out.bias"), r"lacks tensor out\.bias: 1 of 10 do"),
    "unknown": (lambda t: t.update(more=torch.zeros(1)), "has the unknown tensor more"),
    "renamed": (lambda t: t.update(bias=t.pop("out.bias")), r"lacks tensor out\.bias"),
    "shape": (
        lambda t: t.update({"out.bias": torch.zeros(4)}),
        r"out\.bias has shape \(4,\), config\.json asks for \(3",
    ),
    "dtype": (lambda t: t.update({"out.bias": torch.zeros(3, dtype=torch.int64)}), r"out\.bias holds I64"),
    "bytes": (lambda t: t.update({"out.bias": torch.zeros(3, dtype=torch.uint8)}), r"out\.bias holds U8"),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_other_tensors_are_named(folder, kind):
    edit, message = TENSORS[kind]
    tensors = load_file(folder / WEIGHTS)
    edit(tensors)
    forge(folder, tensors)
    with pytest.raises(WeightsError, match=f"{WEIGHTS}.*{message}"):
        load(folder)


CONFIGS = {
    "unknown key": ({"depth": 3}, r"config\.depth is unknown: TinyConfig has width, slots, name, sizes, rate"),
    "unknown kind": ({"kind": "os.system"}, r"config\.kind is 'os\.system', none of .*TinyConfig"),
    "no kind": ({"kind": None}, "must be an object"),
    "text for a number": ({"width": "5"}, r"config\.width must be int, got '5'"),
    "a fraction for a count": ({"width": 5.5}, r"config\.width must be int, got 5\.5"),
    "true for a count": ({"width": True}, r"config\.width must be int, got True"),
    "a number for text": ({"name": 5}, r"config\.name must be str, got 5"),
    "a short list": ({"sizes": [8]}, r"config\.sizes must be a list of 2, got \[8\]"),
    "a list of text": ({"sizes": [8, "8"]}, r"config\.sizes\[1\] must be int, got '8'"),
    "none of either": ({"rate": "fast"}, r"config\.rate must be float, got 'fast'.*null"),
    "out of range": ({"slots": 0}, "its config builds no model .*slots 0"),
    "enormous": ({"width": 10**9}, "out.weight has shape"),
    "beyond all memory": ({"width": 10**30}, "its config builds no model"),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_another_config_is_named_by_file_and_field(folder, kind):
    fields, message = CONFIGS[kind]
    change(folder, lambda described: described["config"].update(fields))
    with pytest.raises(WeightsError, match=message) as caught:
        load(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"config": {}}', '{"sha256": 5}', "[" * 100_000, "\ufeff{}"])
def test_a_config_file_that_is_none_is_named(folder, text):
    (folder / CONFIG).write_text(text)
    with pytest.raises(WeightsError, match=CONFIG):
        load(folder)


def test_bytes_that_are_no_text_are_named(folder):
    (folder / CONFIG).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WeightsError, match=CONFIG):
        load(folder)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "tiny"])
def test_every_preset_builds_without_memory(name):
    """What `load` compares a file's header with, before it believes a config."""
    model = weights.on_meta(MODELS[name])
    assert all(parameter.is_meta for parameter in model.parameters())
