"""The modules as the papers write them, eager and in float32, to compare with in speed and in value.

Nothing that is computed here is shared with `models`: `PlainMONet` is a second reading of Berriel 2022, chapter 4, and
`PlainFactorVAE` of Kim & Mnih 2018, with none of the first ones' economies. Their state dicts are those of the models, so
that the same weights can be put through both.
"""

import math
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from objrep_gym.models.base import SlotModule
from objrep_gym.models.factor_vae import FactorVAEConfig
from objrep_gym.models.monet import MONetConfig
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots


class PlainBlock(nn.Sequential):
    """3×3 convolution without bias, instance norm with scale and bias, ReLU."""

    def __init__(self, inputs: int, outputs: int):
        conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        super().__init__(conv, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU())


class PlainUNet(nn.Module):
    """Five blocks down and five up between 64×64 and 4×4 pixels, six between 128×128 and 4×4."""

    def __init__(self, side: int):
        super().__init__()
        blocks = int(math.log2(side)) - 1
        widths = [64, 128, 256, 512, 512, 512][:blocks]
        self.down = nn.ModuleList(PlainBlock(4 if i == 0 else widths[i - 1], widths[i]) for i in range(blocks))
        flat = widths[-1] * 16
        layers = (nn.Linear(flat, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, flat), nn.ReLU())
        self.bridge = nn.Sequential(nn.Flatten(), *layers)
        self.up = nn.ModuleList()
        incoming = widths[-1]
        for i in reversed(range(blocks)):
            outgoing = widths[max(i - 1, 0)]
            self.up.append(PlainBlock(incoming + widths[i], outgoing))
            incoming = outgoing
        self.head = nn.Conv2d(64, 1, 1)

    def forward(self, x: Float[Tensor, "B 4 H W"]) -> Float[Tensor, "B 1 H W"]:
        skips = []
        for i, block in enumerate(self.down):
            x = block(x)
            skips.append(x)
            if i + 1 < len(self.down):
                x = functional.interpolate(x, scale_factor=0.5, mode="nearest")
        x = self.bridge(x).view(x.shape)
        for i, block in enumerate(self.up):
            x = block(torch.cat([x, skips[-1 - i]], dim=1))
            if i + 1 < len(self.up):
                x = functional.interpolate(x, scale_factor=2, mode="nearest")
        return self.head(x)


class PlainAttention(nn.Module):
    """K passes of the U-Net, the last of which changes nothing; eq. 4.5 and 4.6 letter by letter."""

    def __init__(self, side: int, slots: int):
        super().__init__()
        self.slots, self.network = slots, PlainUNet(side)

    def forward(self, image: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B 1 H W"]]:
        log_scope = torch.zeros_like(image[:, :1])
        log_masks = []
        for k in range(self.slots):
            alpha = self.network(torch.cat([image, log_scope], dim=1))
            log_sigmoid = functional.logsigmoid(alpha)
            log_masks.append(log_scope if k == self.slots - 1 else log_scope + log_sigmoid)
            log_scope = log_scope - alpha + log_sigmoid
        return log_masks


class PlainEncoder(nn.Module):
    """Four convolutions of stride 2, then 256 and 2 × latent."""

    def __init__(self, side: int, latent: int):
        super().__init__()
        convs = [nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in ((4, 32), (32, 32), (32, 64), (64, 64))]
        mlp = (nn.Flatten(), nn.Linear(64 * (side // 16) ** 2, 256), nn.ReLU(), nn.Linear(256, 2 * latent))
        self.layers = nn.Sequential(*[layer for conv in convs for layer in (conv, nn.ReLU())], *mlp)

    def forward(self, x: Float[Tensor, "B 4 H W"]) -> Float[Tensor, "B L"]:
        return self.layers(x)


class PlainDecoder(nn.Module):
    """The spatial broadcast decoder on a tiling of (H + 8) × (W + 8)."""

    def __init__(self, side: int, latent: int):
        super().__init__()
        self.side = side
        self.first = nn.Conv2d(latent + 2, 32, 3)
        convs = [layer for _ in range(3) for layer in (nn.Conv2d(32, 32, 3), nn.ReLU())]
        self.rest = nn.Sequential(nn.ReLU(), *convs, nn.Conv2d(32, 4, 1))

    def forward(self, latents: Float[Tensor, "B D"]) -> Float[Tensor, "B 4 H W"]:
        line = torch.linspace(-1, 1, self.side + 8, device=latents.device)
        y, x = torch.meshgrid(line, line, indexing="ij")
        places = torch.stack([y, x]).expand(len(latents), -1, -1, -1)
        tiles = latents[:, :, None, None].expand(-1, -1, self.side + 8, self.side + 8)
        return self.rest(self.first(torch.cat([tiles, places], dim=1)))


class PlainMONet(nn.Module):
    """MONet slot by slot: K attention passes, K encoder calls, K decoder calls, even where only latents are wanted."""

    def __init__(self, side: int = 64, slots: int = 7, latent: int = 16, beta: float = 0.5, gamma: float = 0.5):
        super().__init__()
        self.slots, self.beta, self.gamma = slots, beta, gamma
        self.attention = PlainAttention(side, slots)
        self.encoder = PlainEncoder(side, latent)
        self.decoder = PlainDecoder(side, latent)

    def posteriors(self, image: Tensor, log_masks: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Means and log standard deviations, (B, K, D)."""
        outputs = [self.encoder(torch.cat([image, log_mask], dim=1)).chunk(2, dim=1) for log_mask in log_masks]
        means, log_sigmas = zip(*outputs, strict=True)
        return torch.stack(means, dim=1), torch.stack(log_sigmas, dim=1)

    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded:
        drawn = torch.stack([self.decoder(latents[:, k]) for k in range(latents.shape[1])], dim=1)
        masks = drawn[:, :, 3].softmax(dim=1)
        return Decoded((drawn[:, :, :3] * masks[:, :, None]).sum(dim=1), drawn[:, :, :3], masks)

    def encode(self, image: Float[Tensor, "B 3 H W"]) -> Slots:
        """As `forward` would have it: the parts are drawn, although nobody looks."""
        log_masks = self.attention(image)
        mean, log_sigma = self.posteriors(image, log_masks)
        self.decode(mean)
        return Slots(mean, self.kl(mean, log_sigma), torch.cat(log_masks, dim=1).exp())

    def kl(self, mean: Tensor, log_sigma: Tensor) -> Tensor:
        """KL to the standard normal in nats per slot, (B, K), by torch's own distributions."""
        posterior, prior = torch.distributions.Normal(mean, log_sigma.exp()), torch.distributions.Normal(0.0, 1.0)
        return torch.distributions.kl_divergence(posterior, prior).sum(dim=2)

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        image = scenes.image
        log_masks = self.attention(image)
        mean, log_sigma = self.posteriors(image, log_masks)
        noise = torch.randn_like(mean)
        drawn = [self.decoder(mean[:, k] + noise[:, k] * log_sigma[:, k].exp()) for k in range(self.slots)]
        joint = []
        for k in range(self.slots):
            sigma = 0.09 if k == 0 else 0.11
            joint.append(log_masks[k] + torch.distributions.Normal(drawn[k][:, :3], sigma).log_prob(image))
        nll = -torch.stack(joint).logsumexp(dim=0).sum(dim=(1, 2, 3))
        decoded = torch.stack([part[:, 3:] for part in drawn]).log_softmax(dim=0)
        attended = torch.stack(log_masks)
        mask = functional.kl_div(decoded, attended, reduction="sum", log_target=True)
        kl = self.kl(mean, log_sigma).sum(dim=1)
        return Losses({"nll": nll.mean(), "kl": self.beta * kl.mean(), "mask": self.gamma * mask / len(image)})

    def optimisers(self) -> list[torch.optim.Optimizer]:
        """Adam as it comes."""
        return [torch.optim.Adam(self.parameters(), lr=1e-4, foreach=False)]

    def learn(self, scenes: Scenes, optimisers: list[torch.optim.Optimizer]) -> None:
        """One step."""
        optimisers[0].zero_grad()
        self.losses(scenes, Clock(torch.zeros((), dtype=torch.int64, device=scenes.image.device), 1)).total().backward()
        optimisers[0].step()


class PlainFactorVAE(nn.Module):
    """Factor-VAE as a first implementation has it: two optimisers, each with its own backward pass, a discriminator whose
    gradients the VAE's pass computes for nobody, and a second batch that is encoded with a graph."""

    def __init__(self, config: FactorVAEConfig):
        super().__init__()
        self.gamma, self.rate = config.gamma, config.discriminator_lr
        self.encoder, self.decoder, self.discriminator = nn.Module(), nn.Module(), nn.Sequential()
        convs = [nn.Conv2d(i, o, 4, stride=2, padding=1) for i, o in pairwise((config.channels, *config.widths))]
        coarse = (config.widths[-1], config.size[0] // 16, config.size[1] // 16)
        dense = (nn.Linear(math.prod(coarse), config.hidden), nn.ReLU(), nn.Linear(config.hidden, 2 * config.latent))
        self.encoder.layers = nn.Sequential(*[x for conv in convs for x in (conv, nn.ReLU())], nn.Flatten(), *dense)
        back = (*reversed(config.widths), config.channels)
        turned = [nn.ConvTranspose2d(i, o, 4, stride=2, padding=1) for i, o in pairwise(back)]
        dense = (nn.Linear(config.latent, config.hidden), nn.ReLU(), nn.Linear(config.hidden, math.prod(coarse)))
        self.decoder.layers = nn.Sequential(
            *dense, nn.Unflatten(1, coarse), *[x for conv in turned for x in (nn.ReLU(), conv)]
        )
        for i, o in pairwise((config.latent, *(config.units,) * 6)):
            self.discriminator.extend((nn.Linear(i, o), nn.LeakyReLU(0.2)))
        self.discriminator.append(nn.Linear(config.units, 2))

    def sample(self, image: Float[Tensor, "B C H W"]) -> tuple[Tensor, torch.distributions.Normal]:
        """Latents, and the posterior that they were drawn from."""
        mean, log_variance = self.encoder.layers(image).chunk(2, dim=1)  # type: ignore[union-attr, operator]
        sigma = (0.5 * log_variance).exp()
        return mean + torch.randn_like(mean) * sigma, torch.distributions.Normal(mean, sigma)

    def vae_loss(self, image: Float[Tensor, "B C H W"]) -> tuple[Tensor, Tensor]:
        """The VAE's loss (eq. 2 with the density ratio of eq. 3), and its latents."""
        latents, posterior = self.sample(image)
        drawn = self.decoder.layers(latents)  # type: ignore[operator]
        nll = functional.binary_cross_entropy_with_logits(drawn, image, reduction="sum") / len(image)
        kl = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(dim=1).mean()
        own, strange = self.discriminator(latents).unbind(dim=1)
        return nll + kl + self.gamma * (own - strange).mean(), latents

    def discriminator_loss(self, latents: Float[Tensor, "B D"], image: Float[Tensor, "B C H W"]) -> Tensor:
        """The discriminator's, on the first batch's latents and on the second's, permuted."""
        other, _ = self.sample(image)
        permuted = torch.gather(other, 0, torch.rand_like(other).argsort(dim=0)).detach()
        own, strange = self.discriminator(latents.detach()), self.discriminator(permuted)
        zeros = torch.zeros(len(own), dtype=torch.int64, device=image.device)
        ones = torch.ones(len(strange), dtype=torch.int64, device=image.device)
        return 0.5 * (functional.cross_entropy(own, zeros) + functional.cross_entropy(strange, ones))

    def optimisers(self) -> list[torch.optim.Optimizer]:
        vae = [*self.encoder.parameters(), *self.decoder.parameters()]
        judge = torch.optim.Adam(self.discriminator.parameters(), lr=self.rate, betas=(0.5, 0.9), foreach=False)
        return [torch.optim.Adam(vae, lr=1e-4, foreach=False), judge]

    def learn(self, scenes: Scenes, optimisers: list[torch.optim.Optimizer]) -> None:
        """One step of both players (algorithm 2)."""
        vae, judge = optimisers
        image, other = scenes.image.chunk(2)
        loss, latents = self.vae_loss(image)
        adversary = self.discriminator_loss(latents, other)
        vae.zero_grad()
        loss.backward()
        judge.zero_grad()
        adversary.backward()
        vae.step()
        judge.step()


Plain = PlainMONet | PlainFactorVAE


def plain_of(model: SlotModule) -> Plain | None:
    """The plain module with a model's numbers and weights, on its device; None where none takes its weights."""
    plain = plain_form(model.config)
    if plain is None:
        return None
    plain, weights = plain.to(model.device), model.state_dict()
    if {name: value.shape for name, value in plain.state_dict().items()} != {
        name: value.shape for name, value in weights.items()
    }:
        return None
    plain.load_state_dict(weights)
    return plain


def plain_form(config: Any) -> Plain | None:
    """The plain module of a config's numbers, where there is one."""
    if isinstance(config, FactorVAEConfig):
        whole = not any(side % 16 for side in config.size)
        return PlainFactorVAE(config) if whole and config.decoder == "deconvolution" else None
    if not isinstance(config, MONetConfig) or config.size[0] != config.size[1]:
        return None
    if (config.sigma_bg, config.sigma_fg) != (0.09, 0.11):
        return None
    return PlainMONet(config.size[0], config.slots, config.latent, config.beta, config.gamma)
