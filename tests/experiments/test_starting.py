"""Starting from weights: published trunks by name, our own models by part, and runs that another run is the start of."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from objrep_gym import weights
from objrep_gym.configs import from_json, to_json
from objrep_gym.data.objects_room import ObjectsRoom
from objrep_gym.data.tabletop import Table
from objrep_gym.experiments.card import command
from objrep_gym.experiments.kinds import RUN, Run, Start, perform, read_run
from objrep_gym.experiments.saved import STATE
from objrep_gym.experiments.starting import TRUNK, begin_with, digest, find
from objrep_gym.experiments.trained import Effort, address, identity, scaled, trained
from objrep_gym.models import MODELS
from objrep_gym.models.monet import MONetConfig
from objrep_gym.models.resnet import ResNet
from objrep_gym.models.segmenter import SegmenterConfig
from objrep_gym.scenes.world import About
from objrep_gym.training import Stage
from objrep_gym.weights import WeightsError
from tests.data.fake import Squares
from tests.models import published_resnet

MODEL = MONetConfig(attention="rn50-skip").tiny()
TEACHER = SegmenterConfig().tiny()


@pytest.fixture(autouse=True)
def squares(monkeypatch):
    monkeypatch.setattr(ObjectsRoom, "open", lambda described: Squares((32, 32)))


class Holder(nn.Module):
    """A model with a trunk and something else."""

    def __init__(self, trunk: ResNet):
        super().__init__()
        self.attention = nn.ModuleDict({"trunk": trunk})
        self.other = nn.Linear(2, 2)


def holder() -> Holder:
    torch.manual_seed(1)
    return Holder(ResNet(4, (1, 1, 1, 1)))


def trunk(**more: torch.Tensor) -> dict[str, torch.Tensor]:
    """A narrow trunk as others name it, with a classifier."""
    torch.manual_seed(2)
    return {**ResNet(4, (1, 1, 1, 1)).state_dict(), "fc.weight": torch.zeros(3, 128), "fc.bias": torch.zeros(3), **more}


def saved(path: Path, tensors: dict[str, torch.Tensor], wrap: str = "") -> str:
    if path.suffix == ".safetensors":
        save_file({name: value.clone() for name, value in tensors.items()}, path)
    else:
        torch.save({wrap: tensors, "epoch": 3} if wrap else tensors, path)
    return str(path)


@pytest.mark.parametrize("prefix", ["", "module.", "backbone.body."])
@pytest.mark.parametrize(("name", "wrap"), [("a.safetensors", ""), ("a.pt", ""), ("a.pth", "state_dict")])
def test_a_published_trunk_finds_its_place_under_any_prefix(tmp_path, prefix, name, wrap):
    tensors, model = trunk(), holder()
    before = model.other.weight.clone()
    ref = saved(tmp_path / name, {prefix + key: value for key, value in tensors.items()}, wrap)
    begin_with(model, TRUNK, find(ref))
    own = model.attention["trunk"].state_dict()
    assert all(torch.equal(own[key], tensors[key]) for key in own)
    assert torch.equal(model.other.weight, before)


def test_torchvisions_whole_resnet_50_loads(tmp_path):
    tensors = {name: torch.full((), 0.25).expand(shape) for name, shape in published_resnet.shapes().items()}
    model = Holder(ResNet())
    begin_with(model, TRUNK, find(saved(tmp_path / "resnet50.pth", tensors)))
    assert all((value == 0.25).all() for value in model.attention["trunk"].parameters())


def test_the_oldest_files_count_no_batches(tmp_path):
    tensors = {name: value for name, value in trunk().items() if "num_batches" not in name}
    begin_with(model := holder(), TRUNK, find(saved(tmp_path / "a.pt", tensors)))
    assert torch.equal(model.attention["trunk"].state_dict()["layer4.0.bn3.bias"], tensors["layer4.0.bn3.bias"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.pop("layer2.0.conv2.weight"), r"lacks attention\.trunk\.layer2\.0\.conv2\.weight: 1 of 102 tensors"),
        (lambda t: t.update({"layer5.0.x": torch.zeros(1)}), r"more than the model takes: trunk\.layer5\.0\.x: 1 of 102"),
        (lambda t: t.update({"conv1.weight": torch.zeros(8, 3, 7, 7)}), r"shape \(8, 3, 7, 7\).* \(4, 3, 7, 7\).*width"),
        (lambda t: t.pop("layer1.0.conv1.weight"), r"holds no ResNets, by their layer1\.0\.conv1\.weight"),
        (lambda t: t.update({"b.layer1.0.conv1.weight": torch.zeros(1)}), r"holds 2 ResNets"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, told):
    tensors = trunk()
    change(tensors)
    with pytest.raises(WeightsError, match=told):
        begin_with(holder(), TRUNK, find(saved(tmp_path / "a.pt", tensors)))


def test_a_pattern_without_a_tensor_is_named(tmp_path):
    found = find(saved(tmp_path / "a.pt", trunk()))
    with pytest.raises(WeightsError, match=r"takes \['stem\.\*'\]: \['stem\.\*'\] match no tensor of the Holder"):
        begin_with(holder(), ("stem.*",), found)


@pytest.mark.parametrize("content", [b"\x80\x04cos\nsystem\n(S'touch owned'\ntR.", b"no tensors at all"])
def test_a_hostile_file_runs_nothing(tmp_path, content):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.pt: no tensors can be read without running code"):
        find(str(tmp_path / "a.pt"))
    assert not Path("owned").exists()


def test_a_file_of_something_else_is_named(tmp_path):
    torch.save([1, 2], tmp_path / "a.pt")
    with pytest.raises(WeightsError, match="holds a list that is no state dict"):
        find(str(tmp_path / "a.pt"))
    with pytest.raises(WeightsError, match="no weights that a training could begin with"):
        find("colour")


def test_a_trunk_of_the_hub_is_read_by_the_name_that_it_has_there(tmp_path, monkeypatch):
    saved(tmp_path / "model.safetensors", trunk())
    (tmp_path / "config.json").write_text('{"architecture": "resnet50"}')
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda repository, allow_patterns: str(tmp_path))
    found = find("hf:timm/resnet50.a1_in1k")
    assert found.sha256 == digest(tmp_path / "model.safetensors")
    assert "trunk.conv1.weight" in found.tensors
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"holds neither weights\.safetensors nor model\.safetensors nor"):
        find("hf:timm/resnet50.a1_in1k")


def teacher(folder: Path) -> Path:
    torch.manual_seed(3)
    return weights.save(folder, TEACHER.build())


def test_a_run_begins_from_a_segmenters_trunk_and_says_which(tmp_path):
    ref = str(teacher(tmp_path / "teacher"))
    run = Run(MODEL, stages=(Stage(2, lr=0.0),), batch=2, start=Start(ref, TRUNK))
    done = perform(run, tmp_path / "run", progress=False)
    own, given = weights.load(done.folder).state_dict(), weights.load(ref).state_dict()
    names = [name for name, _ in TEACHER.build().trunk.named_parameters()]
    assert all(torch.equal(own[f"attention.trunk.{name}"], given[f"trunk.{name}"]) for name in names)
    assert not torch.equal(own["attention.upsampling.layers.0.0.weight"], given["upsampling.layers.0.0.weight"])
    told = json.loads((done.folder / RUN).read_text())["start"]
    assert told == {"weights": ref, "sha256": digest(tmp_path / "teacher" / weights.WEIGHTS)}
    assert read_run(done.folder) == run


def test_trunk_and_decoder_may_be_taken_together(tmp_path):
    ref = str(teacher(tmp_path / "teacher"))
    model = MODEL.build()
    begin_with(model, ("*trunk.*", "*upsampling.*"), find(ref))
    given = weights.load(ref).state_dict()
    assert torch.equal(model.state_dict()["attention.upsampling.layers.3.0.weight"], given["upsampling.layers.3.0.weight"])


def test_once_begun_and_once_trained_the_start_is_not_read_again(tmp_path):
    ref = teacher(tmp_path / "teacher")
    run = Run(MODEL, stages=(Stage(3),), batch=2, save=1, start=Start(str(ref), TRUNK))
    assert perform(run, tmp_path / "run", minutes=0.0, progress=False).step < 3
    assert (tmp_path / "run" / STATE).exists()
    (ref / weights.WEIGHTS).unlink()
    done = perform(run, tmp_path / "run", progress=False)
    assert done.finished
    assert weights.load(done.folder).config == MODEL


def test_two_starts_are_two_runs(tmp_path):
    plain = Run(MODEL)
    assert len({identity(replace(plain, start=start)) for start in (None, Start("a"), Start("b"), Start("a", TRUNK))}) == 4
    nested = replace(plain, start=Start(Run(TEACHER, data=("tabletop",)), TRUNK))
    kinds = {Run, Stage, Start, MONetConfig, SegmenterConfig}
    assert from_json(json.loads(json.dumps(to_json(nested))), kinds) == nested


class Labelled(Squares):
    """Squares whose factors are those of a table, all the first of their values."""

    def __init__(self, size):
        super().__init__(size)
        self.about = About(("table", "object_0"), ("shape", "x", "material"), (3, 0, 2), background=1)

    def sample(self, rng, n, fixed=None):
        return np.zeros((n, 2, 3), np.float32)


def test_a_run_that_another_starts_from_is_trained_first(tmp_path, monkeypatch):
    monkeypatch.setattr(Table, "open", lambda described: Labelled((32, 32)))
    first = Run(TEACHER, data=("tabletop",), stages=(Stage(2),), batch=2)
    run = Run(MODEL, stages=(Stage(2),), batch=2, start=Start(first, TRUNK))
    with pytest.raises(ValueError, match=r"starts from another one: experiments\.trained\.trained performs both"):
        perform(run, tmp_path / "alone", progress=False)
    effort = Effort(root=tmp_path / "trained", progress=False)
    done = trained(run, effort)
    assert done.finished
    told = json.loads((done.folder / RUN).read_text())["start"]["weights"]
    assert told == str(tmp_path / "trained" / address(first))
    assert (Path(told) / weights.WEIGHTS).exists()


def test_a_start_shrinks_with_its_run():
    first = Run(MODELS["segmenter-rn50"], data=("tabletop",), stages=(Stage(1000),))
    small = scaled(Run(MODELS["monet-rn50-star"], start=Start(first, TRUNK)), 0.001)
    assert small.start is not None
    assert isinstance(small.start.weights, Run)
    assert small.start.weights.model == TEACHER
    assert small.start.weights.stages[0].steps == 1
    begin_with(small.model.build(), TRUNK, replace_found(small.start.weights))


def replace_found(run: Run):
    """A model of the run, as what another one is given."""
    from objrep_gym.experiments.starting import Found

    return Found("teacher", "", run.model.build().state_dict(), trunk_alone=False)


def test_a_card_says_both_commands():
    first = Run(MODELS["segmenter-rn50"], data=("tabletop",), stages=(Stage(10),))
    run = Run(MODELS["monet-rn50-star"], stages=(Stage(20),), start=Start(first, TRUNK))
    before, after = command(run, "runs/a").splitlines()
    assert before == "objrep-gym train segmenter-rn50 --data tabletop --steps 10 --out runs/a-trunk"
    assert after == "objrep-gym train monet-rn50-star --data objects-room --steps 20 --trunk runs/a-trunk --out runs/a"
