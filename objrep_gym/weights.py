"""Where a trained model lives and how it is addressed: a folder with `weights.safetensors` and `config.json`, no pickle.

A reference is one string: a run directory or any path; a published name, `monet-lite@objects-room`; `hf:org/name`;
`wandb:entity/project/name:v3`; or the bare name of a preset that has no weights, `colour`.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch

from objrep_gym import journal
from objrep_gym.configs import from_json, to_json
from objrep_gym.data import pieces, whole
from objrep_gym.models import MODELS
from objrep_gym.models.base import Config, SlotModule

WEIGHTS, CONFIG, CARD = "weights.safetensors", "config.json", "card.md"
PRETRAINED = Path(__file__).parent / "pretrained"
LISTED = Path(__file__).parent / "weights.toml"
NAME = re.compile(r"[a-z0-9][a-z0-9-]*@[a-z0-9][a-z0-9-]*")
HEADER_LIMIT = 16 * 2**20  # bytes: ten times the header of a model with ten thousand tensors
T = TypeVar("T")
DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}


class WeightsError(ValueError):
    """A reference or a file that no model can be loaded from; names the file and the reason."""


def save(
    folder: Path | str,
    model: SlotModule,
    config: Config | None = None,
    dtype: Literal["float32", "bf16", "fp16"] = "float32",
    **about: Any,
) -> Path:
    """Write the model's weights, and the config that builds it, to `folder`; returns the folder.

    `dtype` bf16 or fp16 halves the file; `load` gives float32 again. `about` are further entries of config.json
    (a score, what it was trained on). A kill at any moment leaves a folder that loads: as before or as after.
    """
    from safetensors.torch import save as to_bytes

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[dtype]
    tensors = {
        name: (value.to(kept) if value.is_floating_point() else value).detach().cpu().contiguous().clone()
        for name, value in model.state_dict().items()
    }
    content = to_bytes(tensors)
    described = {"config": to_json(model.config if config is None else config), "sha256": digest(content), **about}
    before = {"replaces": digest(pieces.read(folder / WEIGHTS))} if held(folder / WEIGHTS) else {}
    whole.write(folder / CONFIG, pretty({**described, **before}))
    whole.write(folder / WEIGHTS, content)
    for stale in pieces.cuttings(folder / WEIGHTS):
        stale.unlink()
    whole.write(folder / CONFIG, pretty(described))
    return folder


def load(ref: str | Path, device: str | torch.device = "cpu") -> SlotModule:
    """The model that `ref` names, in `eval()` on `device`, every tensor by name and shape. Raises WeightsError."""
    found = resolve(ref)
    if not isinstance(found, Path):
        return found.build().eval().to(device)
    config, described = read_config(found)
    path = inside(found, WEIGHTS)
    header = read_header(path)
    skeleton = attempt(lambda: on_meta(config), found / CONFIG, "its config builds no model")
    compare(path, header, skeleton)
    content = pieces.read(path)
    if digest(content) not in (described.get("sha256"), described.get("replaces")):
        raise WeightsError(
            f"{path} was altered: its sha256 is {digest(content)}, {CONFIG} beside it says {described.get('sha256')}. "
            "Copy both files again from where they come"
        )
    return filled(config, content, path).eval().to(device)


def resolve(ref: str | Path) -> Path | Config:
    """The folder that a reference names, fetched if it lies elsewhere; for a preset without weights its config."""
    text = str(ref)
    if text.startswith("hf:"):
        return from_hub(text)
    if text.startswith("wandb:"):
        return attempt(lambda: journal.download(text.removeprefix("wandb:")), text, "wandb could not fetch it")
    path = Path(text).expanduser()
    if path.exists():
        return existing(path)
    if "@" in text:
        return from_name(text)
    if text in MODELS:
        return weightless(text)
    raise WeightsError(f"{text!r} is no folder, no published name and no preset without weights. {advice()}")


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


def held(path: Path) -> list[Path]:
    """The files that hold `path`, itself or its pieces; none where there are none. Raises WeightsError on some of them."""
    return attempt(lambda: pieces.pieces(path), path, "its pieces do not make a file")


def from_name(name: str) -> Path:
    """The folder of a published name, downloaded once where it does not ship with the package."""
    if not NAME.fullmatch(name):
        raise WeightsError(f"{name!r} is no published name; those look like monet-lite@objects-room. {advice()}")
    if held(PRETRAINED / name / WEIGHTS):
        return PRETRAINED / name
    if name in listed():
        return attempt(lambda: fetched(name, listed()[name]), name, "it could not be fetched")
    model, data = name.split("@")
    raise WeightsError(
        f"{name} has no published weights. `objrep-gym train {model} --data {data} --out runs/{name}` makes them; "
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


def from_hub(ref: str, others: Sequence[str] = ()) -> Path:
    """A folder with the two files of a Hugging Face repository, `hf:org/name`, and `others` where it has them."""
    repository = ref.removeprefix("hf:")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise WeightsError(f"{ref!r} is no hub reference: write hf:org/name")
    from huggingface_hub import snapshot_download

    return Path(
        attempt(
            lambda: snapshot_download(repository, allow_patterns=[f"{WEIGHTS}*", CONFIG, CARD, *others]),
            ref,
            "the hub did not give it",
        )
    )


def fetched(name: str, entry: dict[str, Any]) -> Path:
    """The cached folder of a listed name: `url` is where its files lie, `sha256` has the digest of each."""
    from objrep_gym.data.fetch import cache, fetch

    for file in (WEIGHTS, CONFIG):
        fetch(f"{entry['url'].rstrip('/')}/{file}", entry["sha256"][file], cache() / "weights" / name / file)
    return cache() / "weights" / name


def listed() -> dict[str, dict[str, Any]]:
    """Entries of weights.toml by published name."""
    return tomllib.loads(LISTED.read_text(encoding="utf-8")) if LISTED.exists() else {}


def advice() -> str:
    """What can be loaded."""
    bare = [name for name in MODELS if not any(True for _ in on_meta(MODELS[name]).parameters())]
    return f"Published: {', '.join(published()) or 'none'}; without weights: {', '.join(bare) or 'none'}"


def inside(folder: Path, name: str) -> Path:
    """`folder/name`; raises WeightsError if a link leads out of the folder. The hub's cache keeps its files two levels
    up, under `blobs`, and may."""
    path, root = folder / name, folder.resolve()
    real = path.resolve()
    if real.is_relative_to(root) or (root.parent.name == "snapshots" and real.parent == root.parent.parent / "blobs"):
        return path
    raise WeightsError(f"{path} leads out of its folder, to {real}: a run directory holds its own files")


def read_config(folder: Path) -> tuple[Config, dict[str, Any]]:
    """The config that a folder's config.json describes, and the whole of the file."""
    path = inside(folder, CONFIG)
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(described, dict) or not isinstance(described.get("sha256"), str):
            raise ValueError('it must be an object with "config" and "sha256"')
        config = from_json(described.get("config"), {type(preset) for preset in MODELS.values()})
    except (ValueError, RecursionError) as error:  # JSON and UTF-8 errors are ValueErrors
        raise WeightsError(f"{path}: {error}") from error
    return config, described


@dataclass(frozen=True)
class Entry:
    """One tensor in a safetensors header."""

    dtype: str
    shape: tuple[int, ...]


def read_header(path: Path) -> dict[str, Entry]:
    """Names, types and shapes in a safetensors file, read without its tensors: a header may lie about its length."""
    files = [inside(piece.parent, piece.name) for piece in held(path)]
    size = sum(file.stat().st_size for file in files)
    first = pieces.start(files, 8)
    length = int.from_bytes(first, "little")
    if size < 8 or length > min(HEADER_LIMIT, size - 8):
        raise WeightsError(f"{path} {foreign(first)}: its header claims {length:,} bytes, the file has {size:,}")
    text = pieces.start(files, 8 + length)[8:]
    try:
        header = json.loads(text)
        entries = {k: Entry(str(v["dtype"]), tuple(map(int, v["shape"]))) for k, v in header.items() if k != "__metadata__"}
        ends = max((int(v["data_offsets"][1]) for k, v in header.items() if k != "__metadata__"), default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{path} is no safetensors file: its header cannot be read ({type(error).__name__})") from error
    if ends != size - 8 - length:
        raise WeightsError(f"{path} is truncated or padded: its tensors end at byte {8 + length + ends:,} of {size:,}")
    return entries


def foreign(start: bytes) -> str:
    """What a file is whose first bytes do not give the length of a header."""
    if start.startswith(b"PK"):
        return "is a zip archive, as torch.save writes; such files can run code, and are not opened"
    if start[:1] == b"\x80" and start[1:2] <= b"\x05":
        return "is a pickle; such files can run code, and are not opened"
    return "is truncated or forged"


def compare(path: Path, header: dict[str, Entry], model: SlotModule) -> None:
    """Raise WeightsError unless the file has exactly the model's tensors, by name, shape and kind of number."""
    wanted = model.state_dict()
    for word, names in (("lacks", wanted.keys() - header.keys()), ("has the unknown", header.keys() - wanted.keys())):
        if names:
            first = ", ".join(sorted(names)[:3])
            raise WeightsError(f"{path} {word} tensor {first}: {len(names)} of {len(wanted)} do not fit {CONFIG}")
    for name, entry in header.items():
        like = wanted[name]
        if entry.shape != tuple(like.shape):
            raise WeightsError(f"{path}: {name} has shape {entry.shape}, {CONFIG} asks for {tuple(like.shape)}")
        stored = DTYPES.get(entry.dtype)
        if stored is None or (stored != like.dtype and not (stored.is_floating_point and like.is_floating_point())):
            raise WeightsError(f"{path}: {name} holds {entry.dtype}, {CONFIG} asks for {like.dtype}")


def filled(config: Config, content: bytes, path: Path) -> SlotModule:
    """A model with the tensors of a safetensors file."""
    from safetensors.torch import load as from_bytes

    tensors = attempt(lambda: from_bytes(content), path, "its tensors cannot be read")
    model = config.build()
    model.load_state_dict(tensors, strict=True)
    return model


def on_meta(config: Config) -> SlotModule:
    """The model without memory for its weights: shapes alone, so that a forged config cannot fill the machine."""
    with torch.device("meta"):
        return config.build()


def attempt(action: Callable[[], T], what: Path | str, why: str) -> T:
    """What `action` returns; any error of it becomes a WeightsError that names `what` and why."""
    try:
        return action()
    except WeightsError:
        raise
    except Exception as error:
        raise WeightsError(f"{what}: {why} ({type(error).__name__}: {error})") from error


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pretty(described: dict[str, Any]) -> str:
    return json.dumps(described, indent=2) + "\n"
