"""Weights that lie elsewhere: at a URL, on the Hugging Face hub, as a wandb artifact. Fetched once, checked, and there
whole or not at all.

config.json holds the sha256 of every file beside it, so the sha256 of config.json, written behind a reference as
`#sha256=…`, pins all of them.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from objrep_gym import journal
from objrep_gym.data.fetch import SCHEMES, cache, fetch
from objrep_gym.weights.files import CARD, CONFIG, WEIGHTS, WeightsError, attempt, check_beside, digest, held, read_json

PLACES = ("hf:", "wandb:", *SCHEMES)
PIN = re.compile(r"#sha256=([0-9a-fA-F]{64})")
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
BESIDE = (CARD, "decomposition.png", "probe.safetensors", "probe.json")
"""Files that config.json may name in its `beside`, each with its sha256."""


def brought(ref: str) -> Path:
    """The folder of a reference that begins with one of PLACES, perhaps with a pin. Raises WeightsError where it gives
    nothing, or something else than was promised."""
    where, mark, pin = ref.partition("#")
    if mark and not PIN.fullmatch(mark + pin):
        raise WeightsError(f"{ref!r}: behind a # stands sha256= and 64 hexadecimal digits, those of {CONFIG}")
    pin = pin.removeprefix("sha256=").lower()
    if where.startswith("hf:"):
        folder = from_hub(where)
    elif where.startswith("wandb:"):
        folder = attempt(lambda: journal.download(where.removeprefix("wandb:")), where, "wandb could not fetch it")
    else:
        folder = attempt(lambda: from_url(where, pin), where, "it could not be fetched")
    missing = [name for name in (WEIGHTS, CONFIG) if not held(folder / name)]
    if missing:
        raise WeightsError(f"{where} holds no {' and no '.join(missing)}: `objrep-gym export` writes both")
    if pin and pin != (found := digest((folder / CONFIG).read_bytes())):
        raise WeightsError(f"{where} was altered: the sha256 of its {CONFIG} is {found}, not {pin} as was asked for")
    if pin:
        check_beside(folder, read_json(folder / CONFIG), BESIDE)
    return folder


def from_hub(ref: str, others: Sequence[str] = ()) -> Path:
    """A folder with the files of a Hugging Face repository, `hf:org/name` or `hf:org/name@revision`, and `others` where it
    has them."""
    repository = ref.removeprefix("hf:")
    if not REPOSITORY.fullmatch(repository):
        raise WeightsError(f"{ref!r} is no hub reference: write hf:org/name, or hf:org/name@revision")
    from huggingface_hub import snapshot_download

    name, _, revision = repository.partition("@")
    wanted = [f"{WEIGHTS}*", CONFIG, *BESIDE, *others]
    which: dict[str, Any] = {"revision": revision} if revision else {}
    return Path(attempt(lambda: snapshot_download(name, allow_patterns=wanted, **which), ref, "the hub did not give it"))


def from_url(url: str, pin: str) -> Path:
    """The cached folder of what lies at `url`, which names a folder with config.json and weights.safetensors. Processes
    that want the same one wait for each other. Raises FetchError or WeightsError."""
    from filelock import FileLock

    url = url.rstrip("/")
    named = re.sub(r"[^\w.@-]", "_", urlsplit(url).path.rstrip("/").rpartition("/")[2]) or "weights"
    folder = cache() / "weights" / f"{named}-{digest(f'{url}#{pin}'.encode())[:8]}"
    if not installed(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            if not installed(folder):
                install(url, pin, folder)
    return folder


def installed(folder: Path) -> bool:
    """Whether a cached folder holds what was fetched: weights may have been deleted to make room."""
    return (folder / CONFIG).exists() and bool(held(folder / WEIGHTS))


def install(url: str, pin: str, folder: Path) -> None:
    """Everything that the config.json at `url` names, in `folder`, and nothing of another version. config.json gets its
    name last: a folder without it is none, and the next call goes on."""
    fresh = folder / f"{CONFIG}.new"
    fresh.unlink(missing_ok=True)  # without a pin it may have changed since
    fetch(within(url, CONFIG), pin or None, fresh)
    files = promised(fresh)
    for stale in {CONFIG, *BESIDE} - files.keys():
        (folder / stale).unlink(missing_ok=True)
    for name, sha256 in files.items():
        fetch(within(url, name), sha256, folder / name)
    fresh.replace(folder / CONFIG)


def within(url: str, name: str) -> str:
    """The address of a file in the folder at `url`, whose query goes with it."""
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{name}").geturl()


def promised(path: Path) -> dict[str, str]:
    """Names and digests of the files that a config.json says lie beside it."""
    described = read_json(path)
    beside = described.get("beside", {}) if isinstance(described, dict) else None
    files = {WEIGHTS: described.get("sha256"), **beside} if isinstance(beside, dict) else {}
    wrong = [name for name in files if name not in (WEIGHTS, *BESIDE)]
    if wrong or not files or not all(isinstance(found, str) for found in files.values()):
        told = f"names {wrong[0]!r} beside it" if wrong else "does not say the sha256 of its files"
        raise WeightsError(f"{path}: this {CONFIG} {told}: `objrep-gym export` writes one that can be fetched")
    return files


def place(name: str, entry: dict[str, Any], path: Path) -> str:
    """The reference that an entry of weights.toml stands for. Raises WeightsError on one that is none."""
    url, pin = entry.get("url"), entry.get("sha256")
    if not isinstance(url, str) or not isinstance(pin, str) or not PIN.fullmatch(f"#sha256={pin}"):
        raise WeightsError(f"{path}, {name}: an entry has url (https:, hf: or wandb:) and sha256, that of its {CONFIG}")
    if not url.startswith(PLACES):
        raise WeightsError(f"{path}, {name}: url {url!r} begins with none of {', '.join(PLACES)}")
    return f"{url}#sha256={pin}"
