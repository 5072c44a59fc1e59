"""MONet: an attention that parts the scene, and one VAE that models every part. Its own attention is a U-Net that takes one
part after another; those of MONet-RN50 and its kin (`models/attention.py`) find all of them at once.

Burgess et al. 2019, as Berriel 2022 (chapter 4) ran it: attention 13,925,825 parameters, component VAE 369,572. Everything
that is a mask stays in log space and float32 (eq. 4.4–4.6). Cheaper than the paper and equal to rounding: the last
attention step, whose result nobody reads, is not run; all K parts are encoded and decoded as one batch; `encode` never
decodes; the decoder never builds its tiling. `bench/plain.py` holds the paper's own form, which tests compare with.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from objrep_gym.models.attention import FAINTEST, Clusters, Normalisation, SlotMaps, TrunkFeatures
from objrep_gym.models.base import SlotModule
from objrep_gym.models.blocks import ConvEncoder, Initialiser, SpatialBroadcastDecoder, UNet, initialise
from objrep_gym.models.clustering import START, Embedding
from objrep_gym.models.gaussians import (
    kl_to_standard,
    mask_divergence,
    mixture_nll,
    reparameterise,
    slot_log_sigmas,
    widened,
)
from objrep_gym.models.resnet import ResNet, SkipUpsampling, Upsampling, check_sides
from objrep_gym.types import Clock, Decoded, Losses, Scenes, Slots

Attention = Literal["recurrent", "rn50", "rn50-skip", "rn50-variable"]


@dataclass(frozen=True)
class MONetConfig:
    """MONet with the thesis's numbers; six blocks, eleven slots and 128×128 pixels are its CLEVR."""

    size: tuple[int, int] = (64, 64)
    """Height and width in pixels; multiples of 2^(blocks − 1) and of 16."""
    slots: int = 7
    """K. A trained model encodes with more or fewer when its `slots` is set, unless its attention is `rn50` or `rn50-skip`,
    whose last layer has K maps."""
    latent: int = 16
    """D, latents per slot."""
    attention: Attention = "recurrent"
    """MONet's U-Net, pass after pass; MONet-RN50's or MONet-RN50*'s (`rn50-skip`) segmentation network; or pixels of the
    latter's clustered into as many slots as asked for (`rn50-variable`)."""
    blocks: int = 5
    """U-Net blocks each way: five, six for CLEVR (Berriel 2022, §4.1.1). Of the recurrent attention."""
    depths: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Bottlenecks of each stage of the ResNet trunk, 50 layers in all (He et al. 2016). Of the other attentions."""
    normalise: Normalisation = "softmax"
    """How K maps become masks, of `rn50` and `rn50-skip`: softmax over slots, or the thesis's sigmoid, over their sum."""
    channels: int = 64
    """Of the U-Net's first block, or of the trunk's first layer; every other width of the attention is a multiple of it."""
    component: int = 64
    """Channels of the component VAE's last convolutions; its decoder and its first convolutions have half of them."""
    beta: float = 0.5
    """Weight of the KL of the latents."""
    gamma: float = 0.5
    """Weight of the KL from attention masks to decoded masks."""
    sigma_bg: float = 0.09
    """Standard deviation of a pixel in the first slot, of intensities in [0, 1]."""
    sigma_fg: float = 0.11
    """Standard deviation of a pixel in all other slots."""
    init: Initialiser = "kaiming"
    """Heuristic of the truncated normal (Berriel 2022, §4.3); the thesis trained with `kaiming` after its Table 5.1."""

    def build(self) -> "MONet":
        return MONet(self)

    def tiny(self) -> "MONetConfig":
        side = 2**self.blocks  # leaves the U-Net a bottom of 2×2, a trunk as much or more
        small = replace(self, size=(side, side), slots=3, latent=6, channels=8, component=8)
        return replace(small, depths=(1, 1, 1, 1))


class RecurrentAttention(nn.Module):
    """K masks from K − 1 passes of one U-Net over the image and what is not yet explained of it (eq. 4.1–4.6)."""

    def __init__(self, network: UNet):
        super().__init__()
        self.network = network

    def forward(self, image: Float[Tensor, "B C H W"], slots: int) -> Float[Tensor, "B K H W"]:
        """log m_k in float32 at least; their exponentials sum to one over slots."""
        log_scope = torch.zeros_like(image[:, :1])
        log_masks = []
        kernels = self.network.kernels()
        for _ in range(slots - 1):
            logits = widened(self.network.draw(torch.cat((image, log_scope), 1), kernels))
            log_masks.append(log_scope + logsigmoid(logits))
            # eq. 4.6 writes this as −α + log σ(α); the difference loses digits where α is very negative
            log_scope = log_scope + logsigmoid(-logits)
        return torch.cat((*log_masks, log_scope), 1)


def recurrent(config: MONetConfig) -> RecurrentAttention:
    """MONet's own attention."""
    wide = config.channels
    widths = [wide * m for m in (1, 2, 4, 8)][: config.blocks] + [wide * 8] * (config.blocks - 4)
    attention = RecurrentAttention(UNet(4, 1, widths, config.size, hidden=2 * wide))
    initialise(attention, config.init)
    return attention


def rn50(config: MONetConfig) -> SlotMaps:
    """MONet-RN50's: a decoder of (512, 256, 128, 64) channels at full width."""
    trunk = make_trunk(config)
    upsampling = Upsampling(trunk.channels, [config.channels * m for m in (8, 4, 2, 1)])
    attention = SlotMaps(trunk, upsampling, config.slots, config.normalise)
    initialise(attention, config.init)
    return attention


def rn50_skip(config: MONetConfig) -> SlotMaps:
    """MONet-RN50*'s: a decoder of (512, 128, 64, 16) channels at full width, with skips."""
    trunk = make_trunk(config)
    widths = [*(config.channels * m for m in (8, 2, 1)), config.channels // 4]
    attention = SlotMaps(trunk, SkipUpsampling(trunk.channels, widths), config.slots, config.normalise)
    initialise(attention, config.init)
    return attention


def rn50_variable(config: MONetConfig) -> Clusters:
    """MONet-RN50*'s network up to half of the resolution, whose pixels are clustered."""
    trunk = make_trunk(config)
    upsampling = SkipUpsampling(trunk.channels, [config.channels * m for m in (8, 2, 1)])
    features = TrunkFeatures(trunk, upsampling)
    initialise(features, config.init)  # the embedding has a start of its own
    return Clusters(Embedding(len(START), features, upsampling.outputs, config.size))


def make_trunk(config: MONetConfig) -> ResNet:
    """The ResNet at the config's width and depths. Raises ValueError on a size that does not suit it."""
    check_sides(config.size)
    return ResNet(config.channels, config.depths)


ATTENTIONS: dict[str, Callable[[MONetConfig], nn.Module]] = {
    "recurrent": recurrent,
    "rn50": rn50,
    "rn50-skip": rn50_skip,
    "rn50-variable": rn50_variable,
}


class MONet(SlotModule):
    """Slots in the order in which attention took them; all share one VAE, so that permuted latents give permuted parts."""

    takes_masks = True
    log_sigmas: Tensor

    def __init__(self, config: MONetConfig):
        super().__init__(config, (3, *config.size), config.slots, config.latent)
        if config.attention not in ATTENTIONS:
            raise ValueError(f"attention {config.attention!r} is none of {', '.join(ATTENTIONS)}")
        self.attention = ATTENTIONS[config.attention](config)
        self.takes_slots = not isinstance(self.attention, SlotMaps)
        wide, narrow = config.component, config.component // 2
        convs = (narrow, narrow, wide, wide)
        self.encoder = ConvEncoder(4, 2 * config.latent, convs, config.size, hidden=4 * wide)
        self.decoder = SpatialBroadcastDecoder(config.latent, 4, (narrow,) * 4, config.size)
        log_sigmas = slot_log_sigmas(config.slots, config.sigma_bg, config.sigma_fg)
        self.register_buffer("log_sigmas", log_sigmas, persistent=False)
        self.beta, self.gamma = config.beta, config.gamma
        initialise(self.encoder, config.init)
        initialise(self.decoder, config.init)

    def posterior(
        self, image: Float[Tensor, "B C H W"], log_masks: Float[Tensor, "B K H W"]
    ) -> tuple[Float[Tensor, "B K D"], Float[Tensor, "B K D"]]:
        """Mean and log standard deviation of each slot's latents, from the image beside the slot's log mask."""
        images = image.unsqueeze(1).expand(-1, log_masks.shape[1], -1, -1, -1)
        seen = torch.cat((images, log_masks.unsqueeze(2)), 2)
        mean, log_sigma = widened(self.encoder(seen.flatten(0, 1))).unflatten(0, seen.shape[:2]).chunk(2, -1)
        return mean, log_sigma

    def parts(self, latents: Float[Tensor, "B K D"]) -> tuple[Float[Tensor, "B K C H W"], Float[Tensor, "B K H W"]]:
        """Means of each slot's pixels, and log m̃_k: the decoded masks' logits, normalised over slots."""
        drawn = widened(self.decoder(latents.flatten(0, 1))).unflatten(0, latents.shape[:2])
        return drawn[:, :, :3], drawn[:, :, 3].log_softmax(1)

    def encode(self, image: Float[Tensor, "B C H W"]) -> Slots:
        self.check_size(image)
        return self.described(image, self.attention(image, self.slots))

    def encode_parts(self, image: Float[Tensor, "B C H W"], masks: Float[Tensor, "B P H W"]) -> Slots:
        """A mask is FAINTEST at least: the encoder sees its logarithm, and no attention gives minus infinity."""
        self.check_size(image)
        return self.described(image, masks.clamp_min(FAINTEST).log())

    def described(self, image: Float[Tensor, "B C H W"], log_masks: Float[Tensor, "B K H W"]) -> Slots:
        """Slots of parts by their log masks."""
        mean, log_sigma = self.posterior(image, log_masks)
        return Slots(mean, kl_to_standard(mean, log_sigma), log_masks.exp())

    def decode(self, latents: Float[Tensor, "B K D"]) -> Decoded:
        """Any number of slots. Means are clipped to [0, 1], where pixels live, before they are mixed."""
        means, log_masks = self.parts(latents)
        means, masks = means.clamp(0, 1), log_masks.exp()
        return Decoded((means * masks.unsqueeze(2)).sum(1), means, masks)

    def losses(self, scenes: Scenes, clock: Clock) -> Losses:
        """The three terms of eq. 4.7; `watch` has the squared error per pixel and channel, mixed by decoded masks."""
        image = scenes.image
        log_masks = self.attention(image, self.slots)
        mean, log_sigma = self.posterior(image, log_masks)
        means, decoded = self.parts(reparameterise(mean, log_sigma))
        terms = {
            "nll": mixture_nll(image, log_masks, means, self.log_sigmas).mean(),
            "kl": self.beta * kl_to_standard(mean, log_sigma).sum(1).mean(),
            "mask": self.gamma * mask_divergence(log_masks, decoded).mean(),
        }
        with torch.no_grad():
            mse = ((means * decoded.exp().unsqueeze(2)).sum(1) - image).square().mean()
        return Losses(terms, {"mse": mse})
