"""Encoders and decoders; each file a paper. `MODELS` is at once the registry, the command line and the test matrix."""

from objrep_gym.models.base import Config

MODELS: dict[str, Config] = {}
