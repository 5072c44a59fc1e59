"""GENESIS-v2: clustering, GECO and the prior by hand, the whole against a plain form, and what its slots promise."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from objrep_gym.metrics.cost import parameters
from objrep_gym.models import MODELS
from objrep_gym.models.gaussians import kl_between, kl_to_standard, mixture_nll
from objrep_gym.models.genesis_v2 import GREATEST, LEAST, Geco, GenesisV2, GenesisV2Config, StochasticStickBreaking
from objrep_gym.types import Clock, Scenes
from tests.models.test_slot_attention import plain_doubled

CLOCK = Clock(torch.tensor(0), 1)
PRESETS = ("genesis-v2", "genesis-v2-clevr", "genesis-v2-small")
Weights = dict[str, Tensor]

every_preset = pytest.mark.parametrize("name", PRESETS)


def tiny(name: str = "genesis-v2", dtype: torch.dtype = torch.float64) -> GenesisV2:
    torch.manual_seed(0)
    model = MODELS[name].tiny().build().to(dtype)
    with torch.no_grad():  # biases and gains of their own, so that none can be forgotten
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def pictures(model: GenesisV2, count: int = 2) -> Tensor:
    return torch.rand(count, *model.size, generator=torch.Generator().manual_seed(1), dtype=model.clusters.log_width.dtype)


# Clustering


def test_clusters_by_hand():
    """Four pixels in one dimension at 0, 1, 3 and 4; width 1. The first seed is pixel 2, where the score is largest, the
    second pixel 0, since what pixel 3 has left of its scope is 1 − e⁻¹ = .632, and .632 · .9 = .569 < .6."""
    clusters = StochasticStickBreaking(3)
    with torch.no_grad():
        clusters.log_width.zero_()
    embedding, scores = torch.tensor([[[[0.0, 1, 3, 4]]]]), torch.tensor([[[0.6, 0.1, 1.0, 0.9]]])
    masks = clusters(embedding, scores, 3)[0, :, 0]
    first = [math.exp(-9), math.exp(-4), 1, math.exp(-1)]
    left = [1 - m for m in first]
    second = [left[0], left[1] * math.exp(-1), 0, left[3] * math.exp(-16)]
    rest = [a - b for a, b in zip(left, second, strict=True)]
    torch.testing.assert_close(masks, torch.tensor([first, second, rest]))


def test_the_width_begins_at_one_over_k_log_2():
    assert StochasticStickBreaking(7).log_width.exp().item() == pytest.approx(1 / (7 * math.log(2)))


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_there_are_as_many_steps_as_slots_but_one(slots: int, monkeypatch: pytest.MonkeyPatch):
    taken = []
    honest = Tensor.argmax
    monkeypatch.setattr(
        Tensor, "argmax", lambda self, *args, **keywords: taken.append(1) or honest(self, *args, **keywords)
    )
    masks = StochasticStickBreaking(3)(torch.randn(2, 3, 4, 4), torch.rand(2, 4, 4), slots)
    assert len(taken) == slots - 1
    torch.testing.assert_close(masks.sum(1), torch.ones(2, 4, 4))


def test_a_cluster_pulls_on_its_seed_and_on_its_width():
    clusters, embedding = StochasticStickBreaking(3), torch.randn(1, 2, 3, 3, requires_grad=True)
    masks = clusters(embedding, torch.rand(1, 3, 3), 3)
    masks[:, 1].square().sum().backward()
    assert embedding.grad is not None
    assert embedding.grad.abs().amax(1).gt(0).all()
    assert clusters.log_width.grad is not None
    assert clusters.log_width.grad != 0


def test_untrained_it_clusters_by_place():
    """Every cluster is near its seed and no cluster is a single pixel."""
    torch.manual_seed(0)
    model = GenesisV2Config().build().eval()
    with torch.no_grad():
        masks = model.encode(torch.rand(2, 3, 64, 64)).masks
    assert masks is not None
    share = masks.mean((2, 3))
    assert (share[:, :-1].amax(1) > 0.05).all()
    y = torch.arange(64.0)[:, None]
    for mask in masks[:, 0]:
        centre = (mask * y).sum() / mask.sum()
        assert ((mask * (y - centre).square()).sum() / mask.sum()).sqrt() < 16


# GECO


def geco() -> Geco:
    return Geco(goal=100.0, rate=1e-3, speedup=10.0, momentum=0.75)


def test_geco_by_hand():
    """Error 300 is 200 above the goal: × e^(−0.001 · 200). Error 20 then: average .75 · 300 + .25 · 20 = 230, × e^−.13.
    Four times 0: averages 172.5, 129.375, 97.03, 72.77; the last two are below the goal, ten times as fast upwards."""
    weigh = geco().train()
    expected = [1.0]
    for average in (300, 230, 172.5, 129.375, 97.03125, 72.7734375):
        left = 100 - average
        expected.append(expected[-1] * math.exp((1e-2 if left > 0 else 1e-3) * left))
    found = [weigh(torch.tensor(error)).item() for error in (300.0, 20.0, 0.0, 0.0, 0.0, 0.0)]
    assert found == pytest.approx(expected[:-1], rel=1e-5)
    assert weigh.multiplier.item() == pytest.approx(expected[-1], rel=1e-5)
    assert weigh.error.item() == pytest.approx(72.7734375)


@pytest.mark.parametrize(("error", "bound"), [(1e9, LEAST), (-1e9, GREATEST)])
def test_the_multiplier_is_bounded(error: float, bound: float):
    weigh = geco().train()
    weigh(torch.tensor(error))
    assert weigh.multiplier.item() == pytest.approx(bound)


def test_geco_rests_unless_it_trains():
    weigh = geco().eval()
    assert weigh(torch.tensor(300.0)).item() == 1
    assert weigh.multiplier == 1
    assert weigh.error.isnan()


def test_geco_is_part_of_what_a_restart_finds():
    model = tiny(dtype=torch.float32).train()
    model.losses(Scenes(pictures(model)), CLOCK)
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    assert kept["geco.multiplier"] < 1
    assert kept["geco.error"] > 0
    other = model.config.build()
    other.load_state_dict(kept, strict=True)
    assert other.geco.multiplier == model.geco.multiplier
    assert other.geco.error == model.geco.error


def test_geco_brings_an_error_to_its_goal():
    """A toy that trades error for KL: error = 50 + 100 · multiplier settles at the goal of 100, where that is a half."""
    weigh = geco().train()
    multiplier = 1.0
    for _ in range(2000):
        multiplier = weigh(torch.tensor(50 + 100 * multiplier)).item()
    assert multiplier == pytest.approx(0.5, abs=0.05)


# Densities


def test_the_kl_is_that_of_torch_and_of_the_standard_normal():
    torch.manual_seed(0)
    mean, log_sigma, other_mean, other_log_sigma = torch.randn(4, 3, 5, 6, dtype=torch.float64)
    normal, other = (torch.distributions.Normal(m, s.exp()) for m, s in ((mean, log_sigma), (other_mean, other_log_sigma)))
    true = torch.distributions.kl_divergence(normal, other).sum(-1)
    torch.testing.assert_close(kl_between(mean, log_sigma, other_mean, other_log_sigma), true)
    nothing = torch.zeros_like(mean)
    torch.testing.assert_close(kl_between(mean, log_sigma, nothing, nothing), kl_to_standard(mean, log_sigma))
    assert not kl_between(mean, log_sigma, mean, log_sigma).any()


def test_the_mixture_is_that_of_all_models():
    model = tiny()
    image, means = torch.rand(2, 3, 8, 8).double(), torch.rand(2, 4, 3, 8, 8).double()
    log_masks = torch.randn(2, 4, 8, 8).double().log_softmax(1)
    sigmas = torch.full((4,), 0.1, dtype=torch.float64).log()
    model.size = (3, 8, 8)
    torch.testing.assert_close(model.mixture(image, log_masks, means), mixture_nll(image, log_masks, means, sigmas))


def test_samples_follow_the_prior():
    """Standardised by what the prior says of each slot given those before it, samples are standard normal."""
    model = tiny(dtype=torch.float32)
    torch.manual_seed(0)
    latents = model.sample(4000)
    assert latents.shape == (4000, 3, 8)
    with torch.no_grad():
        mean, log_sigma = model.prior(latents)
    assert mean[:, 1:].std(0).min() > 0.01  # slots do depend on those before them
    standard = (latents - mean) / log_sigma.exp()
    assert standard.mean(0).abs().max() < 0.07
    assert (standard.std(0) - 1).abs().max() < 0.05


# The whole, in a plain form


def plain_block(x: Tensor, w: Weights, name: str) -> Tensor:
    x = functional.conv2d(x, w[f"{name}.0.weight"], padding=1)
    return plain_norm(x, w, f"{name}.1")


def plain_norm(x: Tensor, w: Weights, name: str) -> Tensor:
    """Eight groups of channels of (1, C, H, W), then ReLU."""
    groups = [(g - g.mean()) / (g - g.mean()).square().mean().add(1e-5).sqrt() for g in x.split(x.shape[1] // 8, dim=1)]
    scale, shift = (w[f"{name}.{part}"].view(1, -1, 1, 1) for part in ("weight", "bias"))
    return functional.relu(torch.cat(groups, 1) * scale + shift)


def plain_unet(config: GenesisV2Config, w: Weights, x: Tensor) -> Tensor:
    skips = []
    for i in range(config.blocks):
        x = plain_block(x if i == 0 else x[:, :, ::2, ::2], w, f"unet.down.{i}")
        skips.append(x)
    flat = x.flatten()
    for i in (1, 3, 5):
        flat = functional.relu(w[f"unet.bridge.{i}.weight"] @ flat + w[f"unet.bridge.{i}.bias"])
    x = flat.view_as(x)
    for i in range(config.blocks):
        x = x if i == 0 else x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        x = plain_block(torch.cat((x, skips[-1 - i]), 1), w, f"unet.up.{i}")
    return x


def plain_clusters(w: Weights, pixels: Tensor, scores: Tensor, slots: int) -> Tensor:
    """Masks (K, N) of pixels (E, N), one number after another."""
    scope, masks = torch.ones(pixels.shape[1], dtype=pixels.dtype), []
    for _ in range(slots - 1):
        seed = int((scope * scores).argmax())
        near = torch.stack(
            [torch.exp(-(p - pixels[:, seed]).square().sum() / w["clusters.log_width"].exp()) for p in pixels.T]
        )
        masks.append(scope * near)
        scope = scope * (1 - near)
    return torch.stack((*masks, scope))


def plain_posterior(config: GenesisV2Config, w: Weights, image: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Means, standard deviations (K, D) and masks (K, h, w) of one image (C, H, W)."""
    small = functional.interpolate(image[None], scale_factor=1 / config.stride, mode="area")
    seen = plain_unet(config, w, small)
    height, width = seen.shape[2:]
    embedding = functional.conv2d(seen, w["unet.head.weight"], w["unet.head.bias"])[0]
    embedding[0] += torch.linspace(-1, 1, height, dtype=image.dtype)[:, None]
    embedding[1] += torch.linspace(-1, 1, width, dtype=image.dtype)[None]
    masks = plain_clusters(w, embedding.flatten(1), scores.flatten(), config.slots)
    features = plain_block(seen, w, "features")[0].flatten(1)
    means, sigmas = [], []
    for mask in masks:
        read = (features * mask).sum(1) / (mask.sum() + 1e-5)
        read = (read - read.mean()) / (read.var(correction=0) + 1e-5).sqrt()
        read = read * w["posterior.0.weight"] + w["posterior.0.bias"]
        hidden = functional.relu(w["posterior.1.weight"] @ read + w["posterior.1.bias"])
        out = w["posterior.3.weight"] @ hidden + w["posterior.3.bias"]
        means.append(out[: config.latent])
        sigmas.append((1 + (out[config.latent :] + 0.5).exp()).log())
    return torch.stack(means), torch.stack(sigmas), masks.view(-1, height, width)


def plain_prior(w: Weights, latents: Tensor) -> list[torch.distributions.Normal]:
    """Of each slot of one scene (K, D), given those before it."""
    nothing = torch.zeros_like(latents[0])
    hidden = cell = latents.new_zeros(4 * len(latents[0]))
    found = [torch.distributions.Normal(nothing, nothing + 1)]
    for latent in latents[:-1]:
        gates = w["prior.cell.weight_ih"] @ latent + w["prior.cell.bias_ih"]
        gates = gates + w["prior.cell.weight_hh"] @ hidden + w["prior.cell.bias_hh"]
        i, f, g, o = gates.chunk(4)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        hidden = torch.sigmoid(o) * torch.tanh(cell)
        mean, raw = (w["prior.head.weight"] @ hidden + w["prior.head.bias"]).chunk(2)
        found.append(torch.distributions.Normal(mean, 1 / (1 + (-raw - 4).exp())))
    return found


def plain_part(config: GenesisV2Config, w: Weights, latent: Tensor) -> Tensor:
    """RGB in [0, 1] and mask logit (4, H, W) of one slot."""
    fold = 2**config.rises * config.block
    height, width = config.size[0] // fold, config.size[1] // fold
    y = torch.linspace(-1, 1, height, dtype=latent.dtype)[:, None].expand(height, width)
    x = torch.linspace(-1, 1, width, dtype=latent.dtype)[None].expand(height, width)
    x = torch.cat((latent[:, None, None].expand(-1, height, width), y[None], x[None]))[None]
    for i in range(config.rises):
        x = functional.conv_transpose2d(x, w[f"decoder.layers.{3 * i}.weight"], stride=2, padding=2, output_padding=1)
        x = plain_norm(x, w, f"decoder.layers.{3 * i + 1}")
    last = f"decoder.layers.{3 * config.rises}"
    x = functional.conv2d(x, w[f"{last}.weight"], w[f"{last}.bias"])
    b = config.block
    drawn = x[0].view(4, b, b, *x.shape[2:]).permute(0, 3, 1, 4, 2).reshape(4, *config.size)
    return torch.cat((torch.sigmoid(drawn[:3]), drawn[3:]))


@every_preset
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 2e-5)])
def test_encode_is_the_papers_inference(name: str, dtype: torch.dtype, tolerance: float):
    model = tiny(name, dtype).eval()
    image, weights = pictures(model), dict(model.state_dict())
    with torch.no_grad():
        slots = model.encode(image)
    assert slots.masks is not None
    for b in range(2):
        mean, sigma, masks = plain_posterior(model.config, weights, image[b], model.scores[0])
        torch.testing.assert_close(slots.latents[b], mean, rtol=tolerance, atol=tolerance)
        priced = [
            torch.distributions.kl_divergence(torch.distributions.Normal(m, s), prior).sum()
            for m, s, prior in zip(mean, sigma, plain_prior(weights, mean), strict=True)
        ]
        torch.testing.assert_close(slots.nats[b], torch.stack(priced), rtol=10 * tolerance, atol=tolerance)
        masks = masks if model.config.stride == 1 else plain_doubled(masks)
        torch.testing.assert_close(slots.masks[b], masks, rtol=tolerance, atol=tolerance)


@every_preset
def test_the_loss_is_the_papers(name: str):
    model = tiny(name).train()
    model.geco.multiplier.fill_(0.25)
    image, weights, config = pictures(model), dict(model.state_dict()), model.config
    torch.manual_seed(3)
    losses = model.losses(Scenes(image), CLOCK)
    torch.manual_seed(3)
    scores = torch.rand(2, *model.scores.shape[1:])
    noise = torch.randn(2, config.slots, config.latent, dtype=torch.float64)
    nll, kl = 0.0, 0.0
    for b in range(2):
        mean, sigma, _ = plain_posterior(config, weights, image[b], scores[b].double())
        latents = mean + noise[b] * sigma
        drawn = torch.stack([plain_part(config, weights, latent) for latent in latents])
        log_masks, density = drawn[:, 3].log_softmax(0), torch.distributions.Normal(drawn[:, :3], config.sigma)
        nll -= torch.logsumexp(log_masks[:, None] + density.log_prob(image[b]), 0).sum().item() / 2
        for m, s, prior in zip(mean, sigma, plain_prior(weights, latents), strict=True):
            posterior = torch.distributions.Normal(m, s)
            kl += torch.distributions.kl_divergence(posterior, prior).sum().item() / 2
    assert losses.terms["nll"].item() == pytest.approx(nll, rel=1e-6)
    assert losses.watch["nats"].item() == pytest.approx(kl, rel=1e-6)
    assert losses.terms["kl"].item() == pytest.approx(0.25 * kl, rel=1e-6)
    goal = config.goal * image[0].numel()
    assert model.geco.multiplier.item() == pytest.approx(0.25 * math.exp(config.rate * (goal - nll)), rel=1e-6)


@every_preset
def test_decode_mixes_parts_by_decoded_masks(name: str):
    model = tiny(name)
    latents = torch.randn(1, 4, model.latent_size, dtype=torch.float64)
    with torch.no_grad():
        decoded = model.decode(latents)
    drawn = torch.stack([plain_part(model.config, dict(model.state_dict()), latent) for latent in latents[0]])
    masks = drawn[:, 3].softmax(0)
    torch.testing.assert_close(decoded.parts, drawn[None, :, :3], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(decoded.masks, masks[None], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(decoded.image[0], (masks[:, None] * drawn[:, :3]).sum(0), rtol=1e-6, atol=1e-6)


# What its slots promise


@pytest.mark.parametrize(
    ("name", "count"), [("genesis-v2", 2_547_277), ("genesis-v2-clevr", 2_990_157), ("genesis-v2-small", 555_081)]
)
def test_presets_have_as_many_parameters_as_their_pages_say(name: str, count: int):
    assert parameters(MODELS[name].build()) == count


@pytest.mark.parametrize("slots", [1, 2, 5, 12])
def test_any_number_of_slots_after_building(slots: int):
    model = tiny("genesis-v2-small", torch.float32).eval()
    model.slots = slots
    with torch.no_grad():
        found = model.encode(pictures(model))
        decoded = model.decode(found.latents)
    assert found.latents.shape == (2, slots, model.latent_size)
    assert found.nats.shape == (2, slots)
    assert found.masks is not None
    torch.testing.assert_close(found.masks.sum(1), torch.ones_like(found.masks[:, 0]))
    assert decoded.parts is not None
    assert decoded.parts.shape[1] == slots
    assert model.sample(2).shape == (2, slots, model.latent_size)


def test_training_draws_its_seeds_and_encoding_does_not():
    model = tiny(dtype=torch.float32).train()
    image = pictures(model)
    torch.manual_seed(0)
    first, second = (model.losses(Scenes(image), CLOCK).terms["nll"].item() for _ in range(2))
    assert first != second
    state = torch.get_rng_state()
    latents = model.encode(image).latents
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(latents, model.encode(image).latents)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"size": (72, 64)}, r"size \(72, 64\).*multiples of 16"),
        ({"size": (16, 64)}, r"size \(16, 64\).*at least 32"),
        ({"embedding": 1}, "embedding 1 must be at least 2"),
        ({"channels": 24}, "channels 24 must be a multiple of 16"),
        ({"sigma": 0.0}, r"sigma 0\.0 must be above 0"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(change: dict, told: str):
    with pytest.raises(ValueError, match=told):
        replace(GenesisV2Config(), **change).build()
