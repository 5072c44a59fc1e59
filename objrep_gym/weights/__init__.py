"""Where a trained model lives and how it is addressed: a folder with `weights.safetensors` and `config.json`, no pickle.

A reference is one string: a run directory or any path; a published name, `monet-lite@objects-room`; `https://…/folder`;
`hf:org/name`; `wandb:entity/project/name:v3`; or the bare name of a preset that has no weights, `colour`.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from objrep_gym.configs import from_json, to_json
from objrep_gym.data import pieces
from objrep_gym.models import MODELS
from objrep_gym.models.base import Config, SlotModule
from objrep_gym.weights.elsewhere import PLACES, brought, from_hub, place
from objrep_gym.weights.files import (
    CARD,
    CONFIG,
    WEIGHTS,
    WeightsError,
    attempt,
    check_digest,
    compare,
    digest,
    held,
    inside,
    pretty,
    read_header,
    read_json,
    replacing,
    tensors,
)
from objrep_gym.weights.rounding import Dtype, restored, rounded

__all__ = ["CARD", "CONFIG", "NAME", "WEIGHTS", "WeightsError", "attempt", "from_hub", "held", "load", "published", "save"]
PRETRAINED = Path(__file__).parent.parent / "pretrained"
LISTED = PRETRAINED / "weights.toml"
NAME = re.compile(r"[a-z0-9][a-z0-9-]*@[a-z0-9][a-z0-9-]*")
TRIES = 5  # to read a folder that is saved over meanwhile


def save(
    folder: Path | str,
    model: SlotModule,
    config: Config | None = None,
    dtype: Dtype = "float32",
    **about: Any,
) -> Path:
    """Write the model's weights, and the config that builds it, to `folder`; returns the folder.

    `dtype` bf16 or fp16 halves the file, int8 quarters it; `load` gives float32 again. `about` are further entries of
    config.json (a score, what it was trained on). A kill at any moment leaves a folder that loads: as before or as after.
    """
    from safetensors.torch import save as to_bytes

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = to_bytes(rounded(model.state_dict(), dtype))
    described = {"config": to_json(model.config if config is None else config), "sha256": digest(content), **about}
    with replacing(folder, content, described):
        return folder


def load(ref: str | Path, device: str | torch.device = "cpu") -> SlotModule:
    """The model that `ref` names, in `eval()` on `device`, every tensor by name and shape. A folder that a training saves
    over meanwhile is read again. Raises WeightsError."""
    found = resolve(ref)
    if not isinstance(found, Path):
        return found.build().eval().to(device)
    told = read_config(found)
    for _ in range(TRIES):
        try:
            return read_model(found, *told).eval().to(device)
        except (WeightsError, FileNotFoundError):  # its pieces make way for a whole file
            before, told = told, read_config(found)
            if pretty(told[1]) == pretty(before[1]):  # as text: no score is NaN twice
                raise
    raise WeightsError(f"{found} was saved over {TRIES} times while it was read: load it again when its training is done")


def read_model(found: Path, config: Config, described: Mapping[str, Any]) -> SlotModule:
    """The model of a folder and of what its config.json says. Raises WeightsError where the weights are others."""
    path = inside(found, WEIGHTS)
    header = read_header(path)
    # what ships is trusted as the package's code is: torch spends a second on loading what a meta device needs
    ships = found.parent == PRETRAINED
    model = attempt(lambda: config.build() if ships else on_meta(config), found / CONFIG, "its config builds no model")
    compare(path, header, model.state_dict())
    content = pieces.read(path)
    check_digest(path, content, described.get("sha256"), described.get("replaces"))
    return filled(model if ships else config.build(), content, path)


def resolve(ref: str | Path) -> Path | Config:
    """The folder that a reference names, fetched if it lies elsewhere; for a preset without weights its config."""
    text = str(ref)
    if text.startswith(PLACES):
        return brought(text)
    path = as_path(text)
    if path.exists() and not hides_name(text, path):
        return existing(path)
    if "@" in text:
        return from_name(text)
    if text in MODELS:
        return weightless(text)
    raise WeightsError(f"{text!r} is no folder, no published name and no preset without weights. {advice()}")


def as_path(text: str) -> Path:
    """A reference as the path that it may be. Raises WeightsError where none can be looked up by it."""
    try:
        path = Path(text).expanduser()
        path.exists()
    except (RuntimeError, OSError) as error:
        why, shown = getattr(error, "strerror", error), text if len(text) <= 80 else f"{text[:79]}…"
        raise WeightsError(f"{shown!r} is neither a name nor a path that can be looked up: {why}. {advice()}") from error
    return path


def hides_name(text: str, path: Path) -> bool:
    """Whether a path has the name of a preset or of published weights by chance: it holds neither weights nor a config."""
    return not any(held(path / name) for name in (WEIGHTS, CONFIG)) and (text in MODELS or text in published())


def published() -> list[str]:
    """Names that `load` takes without training anything: shipped with the package, or listed in weights.toml."""
    shipped = {folder.name for folder in PRETRAINED.glob("[a-z0-9]*@*") if held(folder / WEIGHTS)}
    return sorted(shipped | set(listed()))


def existing(path: Path) -> Path:
    """A run directory, or that of a weights file named itself."""
    folder = path.parent if path.name == WEIGHTS else path
    if not folder.is_dir():
        raise WeightsError(f"{path} is a file, not a run directory: name the folder that holds {WEIGHTS} and {CONFIG}")
    missing = [name for name in (WEIGHTS, CONFIG) if not held(folder / name)]
    if missing:
        raise WeightsError(
            f"{folder} holds no {' and no '.join(missing)}: was its training stopped before the first save? "
            f"`objrep-gym train MODEL --data DATA --out {folder}` makes or continues it"
        )
    return folder


def from_name(name: str) -> Path:
    """The folder of a published name, downloaded once where it does not ship with the package."""
    if not NAME.fullmatch(name):
        raise WeightsError(f"{name!r} is no published name; those look like monet-lite@objects-room. {advice()}")
    if held(PRETRAINED / name / WEIGHTS):
        return PRETRAINED / name
    if name in listed():
        return brought(place(name, listed()[name], LISTED))
    if (PRETRAINED / name / CARD).exists():
        raise WeightsError(
            f"{name} is not trained yet. {PRETRAINED / name / CARD} tells the command that makes it. {advice()}"
        )
    model, data = name.split("@")
    like = difflib.get_close_matches(name, published(), 1, cutoff=0.9)
    meant = f": did you mean {like[0]}?" if like else "."
    raise WeightsError(
        f"{name} has no published weights{meant} `objrep-gym train {model} --data {data} --out runs/{name}` makes them; "
        f"then load runs/{name}. {advice()}"
    )


def weightless(name: str) -> Config:
    """The config of a preset that has no parameters; those that have some must be trained."""
    config = MODELS[name]
    if any(True for _ in on_meta(config).parameters()):
        raise WeightsError(
            f"{name} is a preset whose weights must be trained: `objrep-gym train {name} --data objects-room --out "
            f"runs/{name}`, then load runs/{name}. {advice()}"
        )
    return config


def listed() -> dict[str, dict[str, Any]]:
    """Entries of weights.toml by published name."""
    found = attempt(
        lambda: tomllib.loads(LISTED.read_text(encoding="utf-8")) if LISTED.exists() else {}, LISTED, "it is no TOML"
    )
    wrong = [name for name, entry in found.items() if not isinstance(entry, dict)]
    if wrong:
        raise WeightsError(f'{LISTED}: {wrong[0]} is no entry: write ["model@data"] and below it url and sha256')
    return found


def advice() -> str:
    """What can be loaded."""
    bare = [name for name in MODELS if not any(True for _ in on_meta(MODELS[name]).parameters())]
    return f"Published: {', '.join(published()) or 'none'}; without weights: {', '.join(bare) or 'none'}"


def read_config(folder: Path) -> tuple[Config, dict[str, Any]]:
    """The config that a folder's config.json describes, and the whole of the file."""
    path = inside(folder, CONFIG)
    described = read_json(path)
    try:
        if not isinstance(described, dict) or not isinstance(described.get("sha256"), str):
            raise ValueError('it must be an object with "config" and "sha256"')
        config = from_json(described.get("config"), {type(preset) for preset in MODELS.values()})
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: {error}") from error
    return config, described


def filled(model: SlotModule, content: bytes, path: Path) -> SlotModule:
    """The model with the tensors of a safetensors file."""
    model.load_state_dict(restored(tensors(content, path)), strict=True)
    return model


def on_meta(config: Config) -> SlotModule:
    """The model without memory for its weights: shapes alone, so that a forged config cannot fill the machine."""
    with torch.device("meta"):
        return config.build()
