"""The loop: what it does to parameters, what it yields, and what it refuses. With a model of two convolutions."""

import math
import os
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from objrep_gym.data.batches import batches
from objrep_gym.processes import agreed
from objrep_gym.seeds import seed_everything
from objrep_gym.training import Stage, fit, freeze, layout
from objrep_gym.types import Losses
from tests.data.fake import Squares
from tests.data.fake_model import TinyConfig

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """No reports between those that are due, however slow the machine is."""
    monkeypatch.setattr("objrep_gym.training.BREATH", 1e9)


def scenes(count, start=0):
    """The first batches of a world, as a list: nothing to close."""
    with batches(Squares(), 4, start=start) as source:
        return list(islice(source, count))


def built(seed=0):
    seed_everything(seed)
    return TinyConfig().build()


def parameters(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_the_loss_falls():
    records = list(fit(built(), scenes(1) * 200, Stage(200, lr=1e-2), every={"report": 20}))
    assert [now.step for now in records] == list(range(20, 201, 20))
    assert records[-1].losses["loss"] < 0.2 * records[0].losses["loss"]


def test_a_record_tells_mean_losses_rate_and_time_left():
    records = list(fit(built(), scenes(10), Stage(10), every={"report": 5}))
    assert records[1].losses["clock"] == pytest.approx((5 + 6 + 7 + 8 + 9) / 5)
    for now in records:
        assert now.losses["loss"] == pytest.approx(now.losses["reconstruction"] + now.losses["size"])
        assert now.rate > 0
        assert now.eta == pytest.approx((10 - now.step) * 4 / now.rate)


def test_what_is_due_is_due_at_its_multiples_and_at_the_end():
    due = {
        now.step: [name for name in ("report", "save") if now.due(name)]
        for now in fit(built(), scenes(11), Stage(11), every={"report": 3, "save": 4})
    }
    assert due == {3: ["report"], 4: ["save"], 6: ["report"], 8: ["save"], 9: ["report"], 11: ["report", "save"]}
    with pytest.raises(KeyError, match="'draw' has no interval; fit was given report"):
        next(fit(built(), scenes(25), Stage(25))).due("draw")


def test_a_slow_loop_reports_every_second(monkeypatch):
    monkeypatch.setattr("objrep_gym.training.BREATH", 0.0)
    assert [now.step for now in fit(built(), scenes(4), Stage(4), every={"report": 100})] == [1, 2, 3, 4]


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("optimiser", ["adam", "rmsprop"])
def test_a_continued_stage_ends_with_the_same_weights(precision, optimiser):
    stage, settings = Stage(12, lr=1e-2, schedule="cosine", warmup=3, optimiser=optimiser), {"precision": precision}
    straight = built()
    list(fit(straight, scenes(12), stage, **settings))
    broken = built()
    state = next(fit(broken, scenes(5), stage, every={"report": 5}, **settings)).state()
    continued = built(seed=9)
    continued.load_state_dict(broken.state_dict())
    list(fit(continued, scenes(7, start=5), stage, start=state, **settings))
    assert torch.equal(parameters(straight), parameters(continued))
    assert torch.equal(straight.trunk[1].running_mean, continued.trunk[1].running_mean)


def test_only_what_matches_learns_and_frozen_modules_rest():
    model = built()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    list(fit(model, scenes(5), Stage(5, lr=1e-2, trains=("out.*",))))
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"out.weight", "out.bias", "seen"}
    assert not model.trunk[1].training
    assert model.out.training
    list(fit(model, scenes(5), Stage(5, lr=1e-2)))
    assert model.trunk[1].training
    assert not torch.equal(model.trunk[1].running_mean, before["trunk.1.running_mean"])


@pytest.mark.parametrize("patterns", [("vaes.*",), ("*", "trunk.9.*"), ()])
def test_patterns_that_match_nothing_are_refused(patterns):
    with pytest.raises(ValueError, match=r"matches no parameter; the model has trunk\.0\.weight"):
        freeze(built(), patterns)


def test_a_model_without_parameters_is_refused():
    with pytest.raises(ValueError, match="Identity has no parameters"):
        next(fit(torch.nn.Identity(), scenes(1), Stage(1)))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_told_with_its_step_and_terms(value):
    model = built()
    honest = model.losses

    def losses(scenes, clock):
        found = honest(scenes, clock)
        bad = torch.where(clock.step == 6, value, 0.0)
        return Losses({"reconstruction": found.terms["reconstruction"], "kl": bad}, {"watched": clock.step.float()})

    model.losses = losses
    seen = []
    with pytest.raises(FloatingPointError, match=rf"step 7 .*reconstruction \d.*kl {value}.*watched 6"):
        seen.extend(now.step for now in fit(model, scenes(20), Stage(20), every={"report": 5}))
    assert seen == [5]


@pytest.mark.parametrize(("terms", "watch"), [("loss", "kl"), ("kl", "step"), ("kl", "kl")])
def test_names_of_losses_that_would_hide_others_are_refused(terms, watch):
    model = built()
    honest = model.losses
    model.losses = lambda scenes, clock: Losses({terms: honest(scenes, clock).total()}, {watch: clock.step.float()})
    with pytest.raises(ValueError, match="must differ from each other and from loss, step"):
        next(fit(model, scenes(1), Stage(1)))


def test_the_schedules_are_pure_functions_of_the_step():
    level = Stage(100, warmup=10)
    assert [level.rate(step) for step in (0, 4, 9, 10, 99)] == pytest.approx([0.1, 0.5, 1, 1, 1])
    cosine = Stage(110, schedule="cosine", warmup=10)
    assert [cosine.rate(step) for step in (4, 10, 60, 110)] == pytest.approx([0.5, 1, 0.5, 0])
    assert Stage(10, schedule="cosine").rate(0) == 1
    halving = Stage(500, schedule="halving", warmup=10, half_life=100)
    assert [halving.rate(step) for step in (100, 150, 400)] == pytest.approx([1 / 2, 0.5**1.5, 1 / 16])
    assert [halving.rate(step) for step in (4, 9)] == pytest.approx([0.5 * 0.5**0.04, 0.5**0.09])
    assert halving.rate(250) == replace(halving, steps=1000).rate(250)


def test_the_schedule_scales_each_groups_own_rate():
    model = built()
    model.parameter_groups = lambda lr: [
        {"params": list(model.trunk.parameters()), "lr": lr},
        {"params": list(model.out.parameters()), "lr": 0.0},
    ]
    before = model.out.weight.detach().clone(), model.trunk[0].weight.detach().clone()
    list(fit(model, scenes(3), Stage(3, lr=1e-2, warmup=2)))
    assert torch.equal(model.out.weight, before[0])
    assert not torch.equal(model.trunk[0].weight, before[1])


def test_gradients_are_clipped_for_each_group():
    model = built()
    model.parameter_groups = lambda lr: [{"params": list(part.parameters()), "lr": lr} for part in (model.trunk, model.out)]
    now = next(fit(model, scenes(1), Stage(1, lr=1e-3, clip=0.5)))
    norms = [torch.stack([p.grad.norm() for p in part.parameters()]).norm() for part in (model.trunk, model.out)]
    assert now.step == 1
    assert [float(norm) for norm in norms] == pytest.approx([0.5, 0.5], rel=1e-3)


def test_the_size_of_the_training_set_reaches_the_losses():
    class Finite(list):
        examples = 321

    model, found = built(), []
    honest = model.losses
    model.losses = lambda scenes, clock: found.append((clock.examples, clock.steps)) or honest(scenes, clock)
    list(fit(model, Finite(scenes(2)), Stage(2)))
    assert found == [(321, 2)] * 2


def test_speed_features_of_a_cpu_are_on():
    model, seen = built(), []
    model.trunk[0].register_forward_hook(lambda module, given, out: seen.append((out.dtype, given[0])))
    list(fit(model, scenes(1), replace(Stage(1), optimiser="adam"), precision="bf16"))
    dtype, image = seen[0]
    assert dtype == torch.bfloat16
    assert image.is_contiguous(memory_format=torch.channels_last)
    assert model.trunk[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert model.trunk[0].weight.dtype == torch.float32


def test_layouts_follow_device_and_norms():
    assert layout(built()) == torch.channels_last
    grouped = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.GroupNorm(4, 4))
    assert layout(grouped) == torch.contiguous_format
    assert layout(grouped.to("meta")) == torch.channels_last  # stands for a GPU


GRAPH = """
import torch
from objrep_gym.models import MODELS
from objrep_gym.types import Clock, Scenes

for name in ("monet", "monet-lite", "factor-vae", "gaussian-kl-network"):
    model = MODELS[name].tiny().build()
    scenes, clock, totals = Scenes(torch.rand(2, *model.size)), Clock(torch.tensor(3), 10), []
    for run in (model, torch.compile(model, backend="eager", fullgraph=True)):
        torch.manual_seed(1)
        totals.append(run(scenes, clock).total())
    torch.testing.assert_close(*totals)
"""


def test_what_a_gpu_compiles_is_one_graph():
    """`fullgraph` raises where Python has to step in, which would cut CUDA graphs; checks of types do, so none are on."""
    done = subprocess.run([sys.executable, "-c", GRAPH], capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_nothing_is_read_from_the_device_between_reports(monkeypatch):
    reads = []
    honest = torch.Tensor.item
    monkeypatch.setattr(torch.Tensor, "item", lambda tensor: reads.append(time.monotonic()) or honest(tensor))
    counts = [len(reads) for _ in fit(built(), scenes(20), Stage(20), every={"report": 10})]
    assert counts == [counts[0], 2 * counts[0]]
    assert counts[0] <= 2


def test_seed_everything_seeds_torch():
    seed_everything(5)
    first = torch.rand(3)
    seed_everything(5)
    assert torch.equal(first, torch.rand(3))


def test_alone_a_process_agrees_with_itself():
    assert (agreed(True), agreed(False)) == (True, False)


PAIR = """
import os, time
import torch
from objrep_gym.data.batches import batches
from objrep_gym.processes import agreed, leads
from objrep_gym.seeds import seed_everything
from objrep_gym.training import Stage, fit
from tests.data.fake import Squares
from tests.data.fake_model import TinyConfig

seed_everything(0)
model = TinyConfig().build()
model.trunk[1] = torch.nn.Identity()  # statistics of a batch are each process's own
rank = int(os.environ["RANK"])
with batches(Squares(), 4, seed=rank) as source:
    for now in fit(model, source, Stage(6, lr=1e-2), every={"report": 3}):
        stop = agreed(rank == 1 and now.step == 3)
        if stop:
            break
weights = torch.cat([p.detach().flatten() for p in model.parameters()])
both = [torch.empty_like(weights) for _ in range(2)]
torch.distributed.all_gather(both, weights)
assert torch.equal(*both)
noise = [torch.empty(1) for _ in range(2)]
torch.distributed.all_gather(noise, torch.rand(1))
assert noise[0] != noise[1]
assert now.step == 3 and stop and leads() == (rank == 0)
time.sleep(1)  # gloo's thread still holds tensors of the last exchange, and needs the interpreter to let go of them
torch.distributed.destroy_process_group()
"""


def test_two_processes_share_a_step_and_stop_together(tmp_path):
    """By torchrun on two CPU processes, which also stands for several GPUs."""
    (tmp_path / "pair.py").write_text(PAIR)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    pair = [*torchrun, str(tmp_path / "pair.py")]
    done = subprocess.run(pair, env=environment, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
