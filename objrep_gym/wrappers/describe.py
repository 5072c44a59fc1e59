"""What slots hold, in words: linear probes that lie beside an encoder's weights name kind, shape, colour, size and place.

    describe = Describer("monet-lite@objects-room")
    slots, info = env.reset(seed=0)  # of encoder="monet-lite@objects-room"
    print(*describe(slots), sep="\\n")  # "small cyan sphere, bottom left", "floor", "nothing", …

A probe was fitted by `objrep-gym export` to scenes whose factors are known, and judged on others: how far its words can be
trusted stands in the card. They are what a straight line reads out of a slot, so they also say what a slot tells at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor

from objrep_gym import weights
from objrep_gym.data import whole
from objrep_gym.metrics.probes import Line
from objrep_gym.scenes.palette import colour_name
from objrep_gym.weights import WeightsError
from objrep_gym.weights.files import check_beside, compare, digest, pretty, read_header, read_json, tensors

PROBE, ABOUT = "probe.safetensors", "probe.json"
WHAT, NOTHING, HAND = "what", "nothing", "hand"
NUMBERS = ("across", "down", "size", "hue", "saturation")


@dataclass(frozen=True)
class Head:
    """One line of a probe, and what it says in words: a class by its name; a number by the first of `names` whose edge it
    does not reach, `edges` being one fewer."""

    line: Line
    names: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where a class or a stretch between edges has no name."""
        classes = self.line.classes
        if classes is None and len(self.names) != (len(self.edges) + 1 if self.names or self.edges else 0):
            raise ValueError(f"{len(self.names)} names do not fit {len(self.edges)} edges, which are one fewer")
        if classes is not None and not all(0 <= number < len(self.names) for number in classes):
            raise ValueError(
                f"{len(self.names)} names do not fit the classes {classes.tolist()}: each is the place of a name"
            )

    def words(self, values: Num[np.ndarray, "..."]) -> np.ndarray:
        """A word for each value."""
        numbers = values if self.line.kind == "classes" else np.searchsorted(self.edges, values, side="right")
        return np.array(self.names)[np.asarray(numbers, int)]


@dataclass(frozen=True)
class Probe:
    """Heads by what they tell: `what` a slot holds, and of things `shape`, `colour`, `size`, `across`, …; and `about`, what
    it was fitted to and how well it does."""

    heads: Mapping[str, Head]
    things: tuple[str, ...]
    """What of `what` is a thing, of which more is told."""
    about: Mapping[str, Any] = field(default_factory=dict)

    def values(self, slots: Num[np.ndarray, "... D"]) -> dict[str, np.ndarray]:
        """The numbers of every head, of all slots."""
        return {name: head.line.tell(slots) for name, head in self.heads.items()}

    def words(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Words for numbers that are known, told or true: of every property that has some."""
        spoken = [name for name, head in self.heads.items() if head.names and name in values]
        found = {name: self.heads[name].words(values[name]) for name in spoken}
        if "hue" in values and "colour" not in found:
            full = np.ones_like(values["hue"])
            found["colour"] = colour_name(values["hue"], values.get("saturation", full))
        if {"across", "down"} <= found.keys():
            found["place"] = placed(found.pop("across"), found.pop("down"))
        return found


def placed(across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """`top left`, `middle`, `bottom`: where a word says nothing the other stands alone."""
    both = np.char.strip(np.char.add(np.char.add(np.where(down == "middle", "", down), " "), across))
    return np.where((across == "middle") & (down != "middle"), down, both)


@dataclass(frozen=True)
class Told:
    """What one slot holds. Words are empty, and numbers NaN, where there is no thing or nothing is known."""

    what: str
    """`object`, `hand`, `floor`, `nothing`, …"""
    sure: float
    """Probability of `what`, as the probe has it."""
    shape: str = ""
    material: str = ""
    colour: str = ""
    size: str = ""
    place: str = ""
    across: float = float("nan")
    """From the picture's middle to the right, 1 is half its height; of flat worlds from its left side, 1 is that side."""
    down: float = float("nan")
    """The same downwards: where the thing stands on the floor."""

    def __str__(self) -> str:
        """`small cyan sphere, bottom left`."""
        thing = self.what if self.what == HAND else self.shape or self.what
        named = " ".join(filter(None, (self.size, self.colour, self.material, thing)))
        return ", ".join(filter(None, (named, self.place)))


class Describer:
    """Names what slots of an encoder hold. `ref` is the encoder's reference. Raises WeightsError where no probe lies beside
    its weights, or that of other weights."""

    def __init__(self, ref: str | Path):
        self.probe = load_probe(ref)

    def __call__(self, slots: Num[np.ndarray, "... K D"] | Tensor) -> list[Any]:
        """A `Told` for each of K slots (K, D), in a list for each row of (N, K, D): as the encoder gave them, neither on a
        running scale nor beside other numbers."""
        told = self.table(slots)
        return nested({name: list(column.reshape(-1)) for name, column in told.items()}, told[WHAT].shape)

    def table(self, slots: Num[np.ndarray, "... K D"] | Tensor) -> dict[str, np.ndarray]:
        """The same as arrays (…, K), one for each field of `Told`. Raises ValueError on slots of another size, and on those
        that are not finite."""
        slots = slots.detach().cpu().numpy() if isinstance(slots, Tensor) else np.asarray(slots)
        size = self.probe.heads[WHAT].line.weight.shape[1]
        if slots.ndim < 2 or slots.shape[-1] != size:
            raise ValueError(
                f"slots {slots.shape} are not (K, {size}), as this encoder gives them: describe them before they change"
            )
        if not np.isfinite(slots).all():
            raise ValueError("some slots are NaN or infinite, and say nothing: the encoder that gave them is broken")
        values = self.probe.values(slots.astype(np.float64))
        words = self.probe.words(values)
        thing = np.isin(words[WHAT], self.probe.things)
        told: dict[str, np.ndarray] = {WHAT: words[WHAT], "sure": sureness(self.probe.heads[WHAT].line(slots))}
        told |= {
            name: np.where(thing, words.get(name, ""), "") for name in ("shape", "material", "colour", "size", "place")
        }
        return told | {name: np.where(thing, values.get(name, np.nan), np.nan) for name in ("across", "down")}


def nested(columns: Mapping[str, Sequence[Any]], shape: tuple[int, ...]) -> list[Any]:
    """Flat columns as lists in lists of the given shape."""
    flat: list[Any] = [
        Told(**{name: value.item() for name, value in zip(columns, row, strict=True)})
        for row in zip(*columns.values(), strict=True)
    ]
    for length in shape[:0:-1]:
        flat = [flat[start : start + length] for start in range(0, len(flat), length)]
    return flat


def sureness(logits: Float[np.ndarray, "... C"]) -> Float[np.ndarray, "..."]:
    """The softmax of the likeliest class."""
    return 1 / np.exp(logits - logits.max(-1, keepdims=True)).sum(-1)


def save_probe(folder: Path, probe: Probe, sha256: str) -> dict[str, str]:
    """Writes probe.safetensors and probe.json beside the weights with digest `sha256`; returns the digests of both."""
    from safetensors.torch import save

    kept = {
        f"{name}.{part}": torch.from_numpy(getattr(head.line, part)).float().contiguous()
        for name, head in probe.heads.items()
        for part in ("weight", "bias")
    }
    content = save(kept)
    heads = {
        name: {
            "kind": head.line.kind,
            "classes": None if head.line.classes is None else head.line.classes.tolist(),
            "names": list(head.names),
            "edges": list(head.edges),
        }
        for name, head in probe.heads.items()
    }
    told = pretty(
        {"weights": sha256, "sha256": digest(content), "things": list(probe.things), "heads": heads, **probe.about}
    )
    whole.write(folder / PROBE, content)
    whole.write(folder / ABOUT, told)
    return {PROBE: digest(content), ABOUT: digest(told.encode())}


def load_probe(ref: str | Path) -> Probe:
    """The probe beside an encoder's weights. Raises WeightsError where there is none, or one that is damaged or of other
    weights."""
    folder = weights.resolve(ref)
    if not isinstance(folder, Path) or not (folder / ABOUT).exists():
        probed = [name for name in weights.published() if (weights.PRETRAINED / name / ABOUT).exists()]
        raise WeightsError(
            f"{ref} has no {ABOUT} beside weights, so nobody knows what its slots say. {', '.join(probed)} have one; to a "
            "run of your own, of an encoder of several slots and scenes that are drawn here, `objrep-gym export RUN --out "
            "weights/NAME@DATA` fits one"
        )
    described = weights.read_config(folder)[1]
    if "beside" in described:
        check_beside(folder, described, (ABOUT, PROBE))
    try:
        return read_probe(folder, described["sha256"])
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{folder / ABOUT}: {error if str(error) else type(error).__name__}") from error


def read_probe(folder: Path, sha256: str) -> Probe:
    """The probe in a folder whose weights have the digest `sha256`."""
    told, path = read_json(folder / ABOUT), folder / PROBE
    if told["weights"] != sha256:
        raise ValueError(f"it was fitted to weights with the sha256 {told['weights']}, not to those beside it")
    if told["sha256"] != (found := digest(path.read_bytes())):
        raise ValueError(f"{PROBE} beside it was altered: its sha256 is {found}")
    lines = read_lines(path, told["heads"])
    heads = {
        name: Head(line, tuple(told["heads"][name]["names"]), tuple(told["heads"][name]["edges"]))
        for name, line in lines.items()
    }
    if heads[WHAT].line.kind != "classes":
        raise ValueError(f"{WHAT} is {heads[WHAT].line.kind!r}, but what a slot holds is told by classes")
    about = {k: v for k, v in told.items() if k not in ("heads", "things", "weights", "sha256")}
    return Probe(heads, tuple(told["things"]), about)


def read_lines(path: Path, heads: Mapping[str, Any]) -> dict[str, Line]:
    """The lines that a probe.json describes, of the shapes that it asks for."""
    rows = {
        name: len(h["classes"]) if h["kind"] == "classes" else {"line": 1, "circle": 2}[h["kind"]]
        for name, h in heads.items()
    }
    header = read_header(path)
    size = header[f"{WHAT}.weight"].shape[-1]
    wanted = {f"{name}.weight": torch.empty(count, size) for name, count in rows.items()}
    wanted |= {f"{name}.bias": torch.empty(count) for name, count in rows.items()}
    compare(path, header, wanted, ABOUT)
    found = {name: value.double().numpy() for name, value in tensors(path.read_bytes(), path).items()}
    classes = {name: None if h["kind"] != "classes" else np.array(h["classes"], np.int64) for name, h in heads.items()}
    return {
        name: Line(h["kind"], found[f"{name}.weight"], found[f"{name}.bias"], classes[name]) for name, h in heads.items()
    }


def records(told: Sequence[Told]) -> list[dict[str, Any]]:
    """The same as JSON has it."""
    return [{name: None if value != value else value for name, value in asdict(one).items()} for one in told]
