"""What a training begins with in the place of weights that its seed draws: tensors of another model, or a published trunk.

A reference is what `weights.load` takes (a Segmenter's run, a MONet's), or a ResNet's state dict as torchvision and timm
publish them: a `.safetensors` or `.pt` file, or a repository of the hub. Such a file has the trunk alone, under any prefix,
and its classifier is dropped. The config of the model that is trained says nothing of all this, so what was trained loads
without it; `run.json` keeps the digest of what was read.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor, nn

from objrep_gym import weights
from objrep_gym.data import pieces
from objrep_gym.weights import WEIGHTS, WeightsError, attempt

TRUNK = ("*trunk.*",)
ANCHOR = "layer1.0.conv1.weight"  # by which a ResNet is known, whatever stands before it
CLASSIFIER = ("fc.", "head.fc.")
PUBLISHED = ("model.safetensors", "pytorch_model.bin")  # what the hub's repositories of others hold
WRAPPED = ("state_dict", "model", "model_state", "state_dict_ema")  # keys under which checkpoints keep their tensors


@dataclass(frozen=True)
class Found:
    """Tensors by name, and where they came from: the reference, and the sha256 of the file that was read."""

    weights: str
    sha256: str
    tensors: Mapping[str, Tensor]
    trunk_alone: bool
    """A published trunk: every tensor of it must find its place."""

    @property
    def told(self) -> dict[str, str]:
        """What stands in run.json."""
        return {"weights": self.weights, "sha256": self.sha256}


def find(ref: str) -> Found:
    """The tensors that a reference names. Raises WeightsError, naming file and reason."""
    path = published(ref) if ref.startswith("hf:") else Path(ref).expanduser()
    if path.is_file() and path.name != WEIGHTS:
        return Found(ref, digest(path), trunk_of(state_dict(path), path), trunk_alone=True)
    model, where = weights.load(ref), weights.resolve(ref)
    if not isinstance(where, Path):
        raise WeightsError(f"{ref!r} has no weights that a training could begin with")
    return Found(ref, weights.digest(pieces.read(where / WEIGHTS)), model.state_dict(), trunk_alone=False)


def begin_with(model: nn.Module, takes: Sequence[str], found: Found) -> None:
    """Copy the tensors whose names match `takes` into `model`. Raises WeightsError on patterns that match nothing, and on
    tensors that are missing, too many or of another shape, with their names."""
    own = model.state_dict()
    taken = [name for name in own if any(fnmatchcase(name, pattern) for pattern in takes)]
    idle = [pattern for pattern in takes if not any(fnmatchcase(name, pattern) for name in own)]
    if idle or not taken:
        raise WeightsError(f"takes {list(takes)}: {idle} match no tensor of the {type(model).__name__} to be trained")
    pairs = {name: counterpart(name, found.tensors) for name in taken}
    if found.trunk_alone:  # the oldest published files do not count their batches, and nothing reads the count
        pairs = {name: other for name, other in pairs.items() if other or not name.endswith("num_batches_tracked")}
    missing = [name for name, other in pairs.items() if other is None]
    unused = found.tensors.keys() - set(pairs.values()) if found.trunk_alone else set()
    for word, names in (("lacks", missing), ("has more than the model takes:", sorted(unused))):
        if names:
            raise WeightsError(f"{found.weights} {word} {', '.join(names[:3])}: {len(names)} of {len(taken)} tensors")
    for name, other in pairs.items():
        given, wanted = found.tensors[str(other)], own[name]
        if given.shape != wanted.shape:
            raise WeightsError(
                f"{found.weights}: {other} has shape {tuple(given.shape)}, the model's {name} {tuple(wanted.shape)}. "
                "A trunk fits one of the same width and depths"
            )
        wanted.copy_(given)


def counterpart(name: str, tensors: Mapping[str, Tensor]) -> str | None:
    """The tensor of the same name, else the one whose name is the end of it or ends in it: what a Segmenter calls
    `trunk.conv1.weight` is a MONet's `attention.trunk.conv1.weight`. Raises WeightsError where two are."""
    if name in tensors:
        return name
    alike = [other for other in tensors if name.endswith(f".{other}") or other.endswith(f".{name}")]
    if len(alike) > 1:
        raise WeightsError(f"{name} might be any of {', '.join(alike)}: take fewer tensors by their patterns")
    return alike[0] if alike else None


def trunk_of(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The ResNet in a state dict, as `trunk.…`: what stands under the prefix of its first block, but the classifier."""
    prefixes = {name.removesuffix(ANCHOR) for name in tensors if re.fullmatch(rf"(.*\.)?{re.escape(ANCHOR)}", name)}
    if len(prefixes) != 1:
        raise WeightsError(
            f"{path} holds {len(prefixes) or 'no'} ResNets, by their {ANCHOR}; it has {', '.join(list(tensors)[:5])} …"
        )
    (prefix,) = prefixes
    inside = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    return {f"trunk.{name}": value for name, value in inside.items() if not name.startswith(CLASSIFIER)}


def state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, without running anything in it."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return attempt(lambda: load_file(path), path, "its tensors cannot be read")
    loaded = attempt(
        lambda: torch.load(path, map_location="cpu", weights_only=True), path, "no tensors can be read without running code"
    )
    for key in WRAPPED:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if not isinstance(loaded, Mapping) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise WeightsError(f"{path} holds a {type(loaded).__name__} that is no state dict: no tensors by name")
    return {str(name): value for name, value in loaded.items()}


def published(ref: str) -> Path:
    """Of a hub repository: the folder where it is one of ours, else the file of its state dict."""
    folder = weights.from_hub(ref, PUBLISHED)
    files = [folder / name for name in PUBLISHED if (folder / name).exists()]
    if (folder / WEIGHTS).exists():
        return folder
    if not files:
        raise WeightsError(f"{ref} holds neither {WEIGHTS} nor {' nor '.join(PUBLISHED)}")
    return files[0]


def digest(path: Path) -> str:
    """sha256 of a file, read piece by piece: a trunk has a hundred megabytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
