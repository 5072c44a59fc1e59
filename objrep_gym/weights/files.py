"""The two files of a trained model, read without trust: a safetensors file says the truth about its tensors or is refused,
and nothing in it is run."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from objrep_gym.data import pieces, whole
from objrep_gym.weights.rounding import SCALE

WEIGHTS, CONFIG, CARD = "weights.safetensors", "config.json", "card.md"
HEADER_LIMIT = 16 * 2**20  # bytes: ten times the header of a model with ten thousand tensors
DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}
T = TypeVar("T")


class WeightsError(ValueError):
    """A reference or a file that no model can be loaded from; names the file and the reason."""


@dataclass(frozen=True)
class Entry:
    """One tensor in a safetensors header."""

    dtype: str
    shape: tuple[int, ...]


def held(path: Path) -> list[Path]:
    """The files that hold `path`, itself or its pieces; none where there are none. Raises WeightsError on some of them."""
    return attempt(lambda: pieces.pieces(path), path, "its pieces do not make a file")


@contextmanager
def replacing(folder: Path, content: bytes, described: Mapping[str, Any]) -> Iterator[None]:
    """Writes the weights and what describes them to `folder`; files that lie beside are written within the block. A kill at
    any moment leaves a folder whose weights load, as they were before or as they are after."""
    before = {"replaces": digest(pieces.read(folder / WEIGHTS))} if held(folder / WEIGHTS) else {}
    whole.write(folder / CONFIG, pretty({**described, **before}))
    whole.write(folder / WEIGHTS, content)
    for stale in pieces.cuttings(folder / WEIGHTS):
        stale.unlink()
    yield
    whole.write(folder / CONFIG, pretty(described))


def inside(folder: Path, name: str) -> Path:
    """`folder/name`; raises WeightsError if a link leads out of the folder. The hub's cache keeps its files two levels
    up, under `blobs`, and may."""
    path, root = folder / name, folder.resolve()
    real = path.resolve()
    if real.is_relative_to(root) or (root.parent.name == "snapshots" and real.parent == root.parent.parent / "blobs"):
        return path
    raise WeightsError(f"{path} leads out of its folder, to {real}: a run directory holds its own files")


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


def compare(path: Path, header: Mapping[str, Entry], wanted: Mapping[str, Tensor], described: str = CONFIG) -> None:
    """Raise WeightsError unless the file has exactly the tensors that `described` asks for, by name, shape and kind of
    number; eight bits have their scales beside them."""
    scales = {name.removesuffix(SCALE) for name in header if name.endswith(SCALE)}
    named = {name for name in header if not name.endswith(SCALE)} | (scales - wanted.keys())
    for word, names in (("lacks", wanted.keys() - named), ("has the unknown", named - wanted.keys())):
        if names:
            first = ", ".join(sorted(names)[:3])
            raise WeightsError(f"{path} {word} tensor {first}: {len(names)} of {len(wanted)} do not fit {described}")
    for name, like in sorted(wanted.items()):
        entry = header[name]
        if entry.shape != tuple(like.shape):
            raise WeightsError(f"{path}: {name} has shape {entry.shape}, {described} asks for {tuple(like.shape)}")
        if (entry.dtype == "I8" and like.is_floating_point()) or name in scales:
            found, rows = header.get(f"{name}{SCALE}"), entry.shape[:1]
            if entry.dtype != "I8" or found != Entry("F32", rows):
                raise WeightsError(f"{path}: {name} holds {entry.dtype} and needs a scale for each of its rows, F32 {rows}")
            continue
        stored = DTYPES.get(entry.dtype)
        if stored is None or (stored != like.dtype and not (stored.is_floating_point and like.is_floating_point())):
            raise WeightsError(f"{path}: {name} holds {entry.dtype}, {described} asks for {like.dtype}")


def tensors(content: bytes, path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, which is named in errors."""
    from safetensors.torch import load as from_bytes

    return attempt(lambda: from_bytes(content), path, "its tensors cannot be read")


def check_beside(folder: Path, described: Any, names: Iterable[str]) -> None:
    """Raise WeightsError where one of the files `names` lies in the folder, but not with the digest that `beside` of its
    config.json, `described`, has for it."""
    beside = described.get("beside") if isinstance(described, dict) else None
    known = beside if isinstance(beside, dict) else {}
    for path in filter(Path.exists, (folder / name for name in names)):
        check_digest(path, path.read_bytes(), known.get(path.name, "nothing of it"))


def check_digest(path: Path, content: bytes, told: Any, replaced: Any = None) -> None:
    """Raise WeightsError where what a file holds has neither the digest that the config.json beside it tells, nor that of
    what it replaces."""
    if (found := digest(content)) not in (told, replaced):
        raise WeightsError(
            f"{path} was altered: its sha256 is {found}, {CONFIG} beside it says {told}. "
            "Copy both files again from where they come"
        )


def read_json(path: Path) -> Any:
    """What a JSON file holds. Raises WeightsError naming it where it cannot be read, or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # JSON and UTF-8 errors are ValueErrors
        raise WeightsError(f"{path}: {error}") from error


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


def pretty(described: Mapping[str, Any]) -> str:
    return json.dumps(described, indent=2) + "\n"
