"""ParallelVAE: the document's own arithmetic, its silent points, frozen members, and learning that is priced by KL."""

import io
import math
from dataclasses import replace

import pytest
import torch

from objrep_gym.experiments.schedules import apart, everything, individual, tandem, together
from objrep_gym.models.parallel_vae import ParallelVAE, ParallelVAEConfig
from objrep_gym.models.prices import priced, risen, unassuming
from objrep_gym.training import Stage, fit
from objrep_gym.types import Clock, Scenes

TINY = ParallelVAEConfig().tiny()
CLOCK = Clock(torch.tensor(500), 1)


def scenes(count=4, config=TINY, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Scenes(torch.rand(count, config.channels, *config.size, generator=generator))


def endless(seed=0):
    for number in range(1000):
        yield scenes(seed=seed + number)


def weights(model: ParallelVAE, member: int):
    """A member's weights and batch statistics."""
    return {name: value.clone() for name, value in model.vaes[member].state_dict().items()}


def logits(*masks: float, pixels: int = 6):
    return torch.tensor(masks).log().view(1, -1, 1, 1).expand(1, -1, 2, pixels // 2)


def test_being_unassuming_is_worked_by_hand():
    assert unassuming(logits(0.5, 0.5), "after").item() == pytest.approx(0, abs=1e-5)
    assert unassuming(logits(*[0.2] * 5), "after").item() == pytest.approx(0, abs=1e-5)
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    expected = -6 * math.log(entropy / math.log(2))
    assert unassuming(logits(0.9, 0.1), "after").item() == pytest.approx(expected, rel=1e-5)
    assert unassuming(logits(0.9, 0.1), "before").item() == pytest.approx(expected, rel=1e-5)


def test_entropies_are_averaged_after_their_logarithm_or_before():
    both = torch.cat([logits(0.5, 0.5), logits(0.9, 0.1)], 3)
    half, entropy = math.log(2), -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    after, before = -6 * math.log(entropy / half), -12 * math.log((half + entropy) / 2 / half)
    assert unassuming(both, "after").item() == pytest.approx(after, rel=1e-5)
    assert unassuming(both, "before").item() == pytest.approx(before, rel=1e-5)


@pytest.mark.parametrize("gap", [0.0, 10.0, 60.0, 1e4])
def test_no_confidence_is_so_great_that_its_price_or_gradient_is_infinite(gap):
    confidences = torch.tensor([gap, 0.0]).view(1, 2, 1, 1).requires_grad_()
    price = unassuming(confidences.log_softmax(1), "after").sum()
    price.backward()
    assert price.isfinite()
    assert confidences.grad is not None
    assert confidences.grad.isfinite().all()
    if gap in (10.0, 60.0):
        assert confidences.grad[0, 0].item() == pytest.approx(1, abs=0.15), "about a nat for each of the gap"


def test_the_loss_is_that_of_the_document(monkeypatch):
    model, read = TINY.build(), scenes(2)
    parts = torch.rand(2, 2, *model.size)
    masks = torch.rand(2, 2, *model.size[1:]).softmax(1)
    monkeypatch.setattr(model, "draw", lambda latents: (parts, masks.log()))
    model.learned.fill_(TINY.free + TINY.warm)
    losses = model.losses(read, CLOCK)
    squares = sum(((parts[:, k] - read.image) ** 2 * masks[:, k, None]).sum((1, 2, 3)) for k in range(2)).mean()
    assert losses.terms["squares"].item() == pytest.approx(squares.item(), rel=1e-5)
    kl = model.encode(read.image).nats.sum(1).mean()
    assert losses.terms["kl"].item() == pytest.approx(0.5 * kl.item(), rel=1e-4)
    entropy = -(masks * masks.log()).sum(1) / math.log(2)
    assert losses.terms["confidence"].item() == pytest.approx(-0.009 * entropy.log().sum((1, 2)).mean().item(), rel=1e-4)
    assert sum(losses.watch.values()).item() == pytest.approx(kl.item(), rel=1e-4)


def test_nats_cost_next_to_nothing_at_first_and_then_ever_more():
    assert risen(torch.tensor([1.0, 100, 150, 200, 999]), 100, 100).tolist() == pytest.approx([0.02, 0.02, 0.5, 1, 1])
    assert risen(torch.tensor([1.0, 2]), 0, 0).tolist() == [1, 1]
    model, read = replace(TINY, free=2, warm=4).build(), scenes(2)
    told = []
    for _ in range(8):
        losses = model.losses(read, CLOCK)
        told.append(losses.terms["kl"].item() / sum(losses.watch.values()).item())
    assert told == pytest.approx([0.5 * part for part in (0.02, 0.02, 0.25, 0.5, 0.75, 1, 1, 1)], rel=1e-4)


def test_members_that_have_not_begun_have_no_share():
    torch.manual_seed(0)
    model = replace(TINY, vaes=3).build()
    fresh = model.eval().decode(torch.zeros(1, 3, model.latent_size)).masks
    assert fresh.amin() > 0, "of none that have begun, all take part"
    for now in fit(model, endless(), Stage(1, 1e-3, ("vaes.0.*",)), every={"report": 1}):
        assert now.losses["confidence"] == 0, "one is alone"
    alone = model.eval().decode(torch.zeros(1, 3, model.latent_size)).masks
    assert torch.equal(alone[:, 0], torch.ones_like(alone[:, 0]))
    for now in fit(model, endless(), Stage(1, 1e-3, ("vaes.2.*",)), every={"report": 1}):
        assert now.losses["confidence"] > 0
    masks = model.eval().decode(torch.zeros(1, 3, model.latent_size)).masks
    assert torch.equal(masks[:, 1], torch.zeros_like(masks[:, 1]))
    assert masks[:, (0, 2)].amin() > 0
    assert torch.allclose(masks.sum(1), torch.ones_like(masks[:, 0]))


def test_being_unassuming_knows_how_many_take_part():
    two, three = logits(0.9, 0.1), torch.cat([logits(0.9, 0.1), torch.full((1, 1, 2, 3), -1e4)], 1)
    assert unassuming(three, "after", torch.tensor(2)).item() == pytest.approx(unassuming(two, "after").item(), rel=1e-5)
    assert unassuming(three[:, (0, 2)], "after", torch.tensor(1)).item() == 0


def test_one_vae_alone_is_sure_and_pays_nothing_for_it():
    model = replace(TINY, vaes=1).build().eval()
    assert "confidence" not in model.losses(scenes(), CLOCK).terms
    decoded = model.decode(model.encode(scenes().image).latents)
    assert torch.equal(decoded.masks, torch.ones_like(decoded.masks))
    assert torch.allclose(decoded.image, decoded.parts[:, 0])


@pytest.mark.parametrize(
    "change",
    [
        {"decoder": "broadcast"},
        {"decoder": "broadcast", "coarse": 2, "slope": 0.3},
        {"normalise": False, "channels": 3},
        {"cells": 2, "vaes": 3},
        {"size": (32, 32), "widths": (8, 8, 8)},
    ],
    ids=str,
)
def test_members_of_any_architecture_draw_whole_pictures(change):
    config = replace(TINY, **change)
    model = config.build().eval()
    slots = model.encode(scenes(config=config).image)
    assert slots.latents.shape == (4, config.vaes, config.codes)
    decoded = model.decode(slots.latents)
    assert decoded.parts.shape == (4, config.vaes, config.channels, *config.size)
    assert decoded.image.shape == (4, config.channels, *config.size)
    assert config.codes == (2 * 4 * 8 if "cells" in change else 6)


def test_a_map_says_what_is_where():
    model = replace(TINY, cells=2, widths=(8, 8, 8), size=(64, 64), normalise=False).build().eval()
    image = torch.zeros(1, 1, 64, 64)
    other = image.clone()
    other[..., :6, :6] = 1
    maps = [model.encode(one).latents[0, 0].detach().unflatten(0, (2, 8, 8)) for one in (image, other)]
    changed = (maps[0] != maps[1]).any(0).nonzero()
    assert changed.max() <= 2, "only cells near the corner"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": 2}, "channels 2 must be 1"),
        ({"size": (18, 32)}, r"multiples of 4, got 18×32"),
        ({"decoder": "broadcast", "coarse": 3}, "multiples of 12, got 16×32"),
        ({"decoder": "broadcast", "cells": 2}, "choose the deconvolutional decoder"),
    ],
)
def test_configs_that_make_no_model_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change).build()


def test_another_number_of_slots_has_no_members():
    model = TINY.build()
    with pytest.raises(ValueError, match="latents of 3 slots, and slot k of 2 is drawn by VAE k"):
        model.decode(torch.zeros(1, 3, model.latent_size))


def test_frozen_members_contribute_and_do_not_drift():
    torch.manual_seed(0)
    model = TINY.build()
    for _ in fit(model, endless(), Stage(1, 1e-2, ("vaes.0.*",))):
        pass
    before, learning = weights(model, 0), weights(model, 1)
    (now,) = [now for now in fit(model, endless(), Stage(3, 1e-2, ("vaes.1.*",))) if now.step == 3]
    assert model.learned.tolist() == [1, 3]
    after = weights(model, 0)
    assert all(torch.equal(before[name], after[name]) for name in before), "batch statistics too"
    assert any(not torch.equal(learning[name], value) for name, value in weights(model, 1).items())
    assert now.losses["kl_0"] > 0
    torch.manual_seed(1)
    with torch.no_grad():
        model.eval()
        sure = model.losses(scenes(), CLOCK).terms["confidence"]
        model.vaes[0].decoder[-1].bias[-1] += 20  # the frozen member's confidence
        torch.manual_seed(1)
        assert model.losses(scenes(), CLOCK).terms["confidence"] > sure + 0.009 * 15 * 16 * 32


def test_schedules_are_the_document_s_programs():
    alone = [((stage.trains, stage.shows, stage.lr)) for stage in individual(3, 5)]
    assert alone == [((f"vaes.{k}.*",), (k,), 1e-3) for k in range(3)]
    told = [(len(stage.trains), stage.shows, stage.lr, stage.steps) for stage in together(3, 5, 2)]
    assert told == [
        (1, (0,), 1e-3, 5),
        *((1, (1,), 1e-3, 5), (2, (1,), 5e-4, 2)),
        *((1, (2,), 1e-3, 5), (3, (2,), 5e-4, 2)),
    ]
    assert [stage.trains for stage in tandem(2, 2, 5)] == [("vaes.0.*",), ("vaes.1.*",)] * 2
    (stage,) = apart(2, 5)
    assert (stage.trains, stage.shows) == (("vaes.0.*", "vaes.1.*"), (0, 1))
    (stage,) = everything(2, 5)
    assert (stage.trains, stage.shows) == (("vaes.0.*", "vaes.1.*"), ())


def test_the_price_of_learning_is_a_half_at_its_threshold():
    price = priced(torch.tensor([0.0, 5.0, 10.0]), 5.0, 4.0)
    assert price.tolist() == pytest.approx([1, 0.5, 1 / 17])


def moved(config: ParallelVAEConfig, information: tuple[float, float]) -> list[float]:
    """How far each member's weights go in some steps, from a running KL."""
    torch.manual_seed(0)
    model = config.build()
    model.information.copy_(torch.tensor(information))
    before = [[p.clone() for p in vae.parameters()] for vae in model.vaes]
    for _ in fit(model, endless(), Stage(3, 1e-3)):
        pass
    pairs = [zip(old, vae.parameters(), strict=True) for old, vae in zip(before, model.vaes, strict=True)]
    return [sum((a - b).abs().sum().item() for a, b in pair) for pair in pairs]


def test_members_that_say_much_learn_little_although_adam_divides_gradients_by_their_size():
    free, dear = moved(replace(TINY, threshold=5.0), (0.0, 20.0))
    assert dear < 0.02 * free
    free, dear = moved(TINY, (0.0, 20.0))
    assert dear > 0.5 * free


def test_a_priced_member_begins_quietly_and_keeps_some_of_its_rate():
    torch.manual_seed(0)
    loud, quiet = (replace(TINY, threshold=tau).build().encode(scenes().image).nats.sum() for tau in (0.0, 5.0))
    assert quiet < 0.1 * loud
    assert replace(TINY, threshold=5.0, cells=2).build().encode(scenes().image).nats.sum() > 0
    assert priced(torch.tensor([1e4]), 5.0, 4.0).item() == pytest.approx(0.01)


def test_a_price_survives_a_restart():
    def trained(steps: int, start=None, state=None):
        torch.manual_seed(0)
        model = replace(TINY, threshold=1.0).build()
        if start is not None:
            model.load_state_dict(start)
        data = endless(seed=0 if state is None else state["step"])
        for now in fit(model, data, Stage(4, 1e-3), start=state, every={"report": 1}):
            if now.step == steps:
                break
        file = io.BytesIO()
        torch.save({"model": model.state_dict(), "loop": now.state()}, file)
        file.seek(0)
        return torch.load(file, weights_only=True)

    whole, first = trained(4), trained(2)
    rest = trained(4, first["model"], first["loop"])
    assert whole["model"]["information"].min() > 0
    for name, value in whole["model"].items():
        assert torch.equal(value, rest["model"][name]), name
