"""Encoders and decoders; each file a paper. `MODELS` is at once the registry, the command line and the test matrix."""

from objrep_gym.models.base import Config
from objrep_gym.models.colour import ColourConfig
from objrep_gym.models.monet import MONetConfig
from objrep_gym.models.monet_lite import MONetLiteConfig

MODELS: dict[str, Config] = {
    "monet": MONetConfig(),
    "monet-clevr": MONetConfig(size=(128, 128), slots=11, blocks=6),
    "monet-lite": MONetLiteConfig(),
    "colour": ColourConfig(),
    "colour-rgb": ColourConfig(space="rgb"),
}
