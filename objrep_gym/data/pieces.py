"""A large file as several small ones, for places that take none above some size: `weights.safetensors.1-of-4` and so on,
which read as one."""

import re
from pathlib import Path

from objrep_gym.data import whole

MOST = 15_000_000  # bytes of a piece
PIECE = re.compile(r"(?P<name>.+)\.(?P<number>[1-9]\d*)-of-(?P<count>[1-9]\d*)")


def cut(path: Path, most: int = MOST) -> list[Path]:
    """A file of more than `most` bytes becomes pieces beside it, and is gone; a smaller one stays. Returns what holds it
    now. A kill leaves the file, or all pieces."""
    content = path.read_bytes()
    for stale in cuttings(path):
        stale.unlink()
    if len(content) <= most:
        return [path]
    count = -(-len(content) // most)
    for number in range(count):
        whole.write(path.with_name(f"{path.name}.{number + 1}-of-{count}"), content[number * most : (number + 1) * most])
    path.unlink()
    return pieces(path)


def pieces(path: Path) -> list[Path]:
    """What holds a file: itself where it exists, else its pieces in order, none where there are none. Raises ValueError
    where one of them is missing, or two cuttings lie beside each other."""
    if path.exists():
        return [path]
    found = {(int(m["count"]), int(m["number"])): p for p in cuttings(path) if (m := PIECE.fullmatch(p.name))}
    if not found:
        return []
    count = max(found)[0]
    missing = [number for number in range(1, count + 1) if (count, number) not in found]
    if missing or len(found) > count:
        told = f"piece {missing[0]} of {count} is missing" if missing else "pieces of two cuttings lie beside each other"
        raise ValueError(f"{path}: {told}; copy all of its pieces again from where they come")
    return [found[count, number] for number in range(1, count + 1)]


def cuttings(path: Path) -> list[Path]:
    """Every piece of a file that there is, of whatever cutting."""
    beside = sorted(path.parent.glob(f"{path.name}.*-of-*"))
    return [p for p in beside if (m := PIECE.fullmatch(p.name)) and m["name"] == path.name]


def read(path: Path) -> bytes:
    """All of a file, from itself or its pieces. Raises FileNotFoundError where there are none, ValueError as `pieces`."""
    held = pieces(path)
    if not held:
        raise FileNotFoundError(f"{path} is not there, nor are pieces of it")
    return b"".join(piece.read_bytes() for piece in held)


def start(files: list[Path], count: int) -> bytes:
    """The first `count` bytes of what the files hold one after another, fewer where there are fewer."""
    content = b""
    for path in files:
        with path.open("rb") as file:
            content += file.read(count - len(content))
        if len(content) >= count:
            break
    return content
