"""Encoders and decoders; each file a paper. `MODELS` is at once the registry, the command line and the test matrix."""

from dataclasses import fields
from typing import Any

from objrep_gym.models.base import Config
from objrep_gym.models.chyvae import CHyVAEConfig
from objrep_gym.models.colour import ColourConfig
from objrep_gym.models.counter import CounterConfig
from objrep_gym.models.ellipse_vae import EllipseVAEConfig
from objrep_gym.models.factor_vae import FactorVAEConfig
from objrep_gym.models.gaussian_vae import GaussianVAEConfig
from objrep_gym.models.genesis_v2 import GenesisV2Config
from objrep_gym.models.monet import MONetConfig
from objrep_gym.models.monet_lite import MONetLiteConfig
from objrep_gym.models.mvae import MatchedVAEConfig, MVAEConfig
from objrep_gym.models.parallel_vae import ParallelVAEConfig
from objrep_gym.models.segmenter import SegmenterConfig
from objrep_gym.models.slot_attention import SlotAttentionConfig
from objrep_gym.models.vae import AnnealedVAEConfig, BetaTCVAEConfig, DIPVAEConfig, VAEConfig

TABLES: dict[str, Any] = {"size": (64, 64), "channels": 3}
BROADCAST: dict[str, Any] = {
    "decoder": "broadcast",
    "latent": 128,
    "hidden": 256,
    "widths": (32, 32, 64, 64),
    "slope": 0.3,
}

MODELS: dict[str, Config] = {
    "monet": MONetConfig(),
    "monet-clevr": MONetConfig(size=(128, 128), slots=11, blocks=6),
    "monet-rn50": MONetConfig(attention="rn50"),
    "monet-rn50-clevr": MONetConfig(size=(128, 128), slots=11, attention="rn50"),
    "monet-rn50-star": MONetConfig(attention="rn50-skip"),
    "monet-rn50-star-clevr": MONetConfig(size=(128, 128), slots=11, attention="rn50-skip"),
    "monet-rn50-variable": MONetConfig(attention="rn50-variable"),
    "monet-small": MONetConfig(channels=16, component=32),
    "monet-rn50-star-small": MONetConfig(attention="rn50-skip", channels=16, depths=(2, 2, 2, 2), component=32),
    "monet-rn50-variable-small": MONetConfig(attention="rn50-variable", channels=16, depths=(2, 2, 2, 2), component=32),
    "monet-lite": MONetLiteConfig(),
    "monet-lite-looks": MONetLiteConfig(hue=2),
    "segmenter-rn50": SegmenterConfig(),
    "segmenter-rn50-small": SegmenterConfig(channels=16, depths=(2, 2, 2, 2)),
    "genesis-v2": GenesisV2Config(),
    "genesis-v2-clevr": GenesisV2Config(size=(128, 128), slots=11, blocks=6, rate=2.5e-6),
    "genesis-v2-small": GenesisV2Config(stride=2, channels=32, latent=32, rises=2, block=4),
    "slot-attention": SlotAttentionConfig(),
    "slot-attention-clevr": SlotAttentionConfig(size=(128, 128), slots=11, channels=64, rises=(2, 2, 2, 2, 1)),
    "slot-attention-small": SlotAttentionConfig(strides=(2, 1, 1, 1), block=4),
    "mvae": MVAEConfig(),
    "mvae-fine": MVAEConfig(grid=8),
    "mvae-count": MVAEConfig(grid=8, beta=4.0, rise=0.5),
    "mvae-sum": MVAEConfig(pooling="sum"),
    "mvae-fine-sum": MVAEConfig(grid=8, pooling="sum"),
    "mvae-clutter": MVAEConfig(objects=10),
    "mvae-clutter-fine": MVAEConfig(objects=10, grid=8),
    "vae-sprites": MatchedVAEConfig(),
    "vae": VAEConfig(),
    "vae-sbd": VAEConfig(decoder="broadcast"),
    "vae-rooms": VAEConfig(channels=3, latent=64, hidden=256),
    "beta-vae": VAEConfig(beta=4.0),
    "beta-vae-sbd": VAEConfig(beta=4.0, decoder="broadcast"),
    "annealed-vae": AnnealedVAEConfig(),
    "factor-vae": FactorVAEConfig(),
    "beta-tcvae": BetaTCVAEConfig(),
    "dip-vae-i": DIPVAEConfig(),
    "dip-vae-ii": DIPVAEConfig(form="ii", diagonal=10.0),
    "gaussian-tc": GaussianVAEConfig(),
    "gaussian-kl": GaussianVAEConfig(towards="prior"),
    "gaussian-tc-network": GaussianVAEConfig(moments="network"),
    "gaussian-kl-network": GaussianVAEConfig(moments="network", towards="prior"),
    "chyvae": CHyVAEConfig(),
    "vae-ellipses": EllipseVAEConfig(beta=1.0),
    "beta-vae-ellipses": EllipseVAEConfig(),
    "vae-sbd-ellipses": EllipseVAEConfig(beta=1.0, widths=(64, 64, 64, 64), decoder="broadcast"),
    "beta-vae-sbd-ellipses": EllipseVAEConfig(widths=(64, 64, 64, 64), decoder="broadcast"),
    "parallel-vae": ParallelVAEConfig(),
    "parallel-vae-4": ParallelVAEConfig(vaes=4),
    "parallel-vae-5": ParallelVAEConfig(vaes=5),
    "parallel-vae-tables": ParallelVAEConfig(**TABLES, hidden=64, widths=(24, 24)),
    "parallel-vae-sbd": ParallelVAEConfig(**TABLES, **BROADCAST),
    "parallel-vae-sbd-grey": ParallelVAEConfig(**{**TABLES, "channels": 1}, **BROADCAST),
    "parallel-vae-map": ParallelVAEConfig(size=(64, 64), cells=8, widths=(32, 64, 64), beta=0.02, gamma=0.0, claim=0.05),
    "parallel-vae-priced": ParallelVAEConfig(threshold=4.0, free=0, warm=0),
    "counter": CounterConfig(),
    "counter-clutter": CounterConfig(most=8),
    "counter-rooms": CounterConfig(background=6),
    "colour": ColourConfig(),
    "colour-rgb": ColourConfig(space="rgb"),
    "one-slot": ColourConfig(slots=1, restarts=1, iterations=1),
}


def preset_of(config: Config) -> str:
    """The name of the preset that a config is, or is nearest to among those of its kind."""
    alike = {name: len(changes(config, known)) for name, known in MODELS.items() if type(known) is type(config)}
    return min(alike, key=alike.__getitem__)


def changes(value: Any, known: Any) -> dict[str, Any]:
    """Fields of one dataclass that differ from another's."""
    return {f.name: getattr(value, f.name) for f in fields(value) if getattr(value, f.name) != getattr(known, f.name)}
