"""What the figures of the MVAE document draw (Nash et al. 2017): models that have learned, asked for pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from torch import Tensor

from objrep_gym.experiments.model_figure import Shown
from objrep_gym.figures.curves import Curve, curves, exponential
from objrep_gym.figures.exchange import Exchange, exchange
from objrep_gym.figures.grid import sheet
from objrep_gym.figures.information import heat
from objrep_gym.figures.page import Picture
from objrep_gym.figures.style import both
from objrep_gym.figures.traversal import effects, traversal
from objrep_gym.journal import NAME, read
from objrep_gym.models.base import SlotModule
from objrep_gym.models.mvae import MVAE
from objrep_gym.types import recolour, to_uint8

VALUES = np.linspace(-2.25, 2.25, 9)  # the document's range
LATENTS = 7  # traversed latents that a figure shows
WARM = 0.04  # of the longest run, before curves begin: what comes before would set the scale


def training(shown: Mapping[str, Shown]) -> list[Picture]:
    """Figure 2: curves of the loss, then reconstructions and KL maps of every MVAE there is."""
    journals = {name: journal(one.folder) for name, one in shown.items()}
    longest = max(line["step"] for lines in journals.values() for line in lines) if any(journals.values()) else 0
    found = {name: learning(lines, WARM * longest) for name, lines in journals.items()}
    lines = {name: curve for name, curve in found.items() if curve is not None}
    pictures = []
    if lines:
        picture = both(lambda: curves(lines, "steps", "loss, nats", size=(6.4, 3.0)))
        told = "Exponential moving averages of the loss as it was trained: the KL at its price, which may rise."
        pictures.append(Picture(picture, "The loss falls with steps", told))
    return [*pictures, *(attention(name, one) for name, one in shown.items() if isinstance(one.model, MVAE))]


def journal(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's journal; none where it is not beside the weights."""
    return list(read(folder / NAME)) if (folder / NAME).exists() else []


def learning(lines: Sequence[Mapping[str, Any]], since: float, term: str = "loss") -> Curve | None:
    """The loss, or one term of it, by its step, from step `since` on, smoothed; None for a run that ends before."""
    kept = [line for line in lines if line["step"] >= since]
    if len(kept) < 2:
        return None
    steps, losses = (np.array([line[name] for line in kept], float) for name in ("step", term))
    return Curve(steps, exponential(losses, span=max(2, len(kept) // 20)))


@torch.no_grad()
def attention_sheet(model: MVAE, image: Float[Tensor, "B C H W"]) -> Figure:
    """Scenes, what is drawn again of them, and how many nats lie where."""
    maps = heat(model.information(image).numpy(), model.size[1:])
    rows = np.stack([seen(image), again(model, image), maps])
    return sheet(rows, ("scenes", "drawn again", "KL map"))


def attention(name: str, one: Shown) -> Picture:
    """The sheet of one model."""
    model = one.model
    assert isinstance(model, MVAE)
    picture = both(lambda: attention_sheet(model, one.image))
    told = "White is the cell that says most, and black says nothing."
    return Picture(picture, f"Scenes, reconstructions and KL maps of {name}", f"{name}. {told}")


@torch.no_grad()
def exchanges(shown: Mapping[str, Shown]) -> list[Picture]:
    """Figure 3: in pairs of scenes, the object that says most is given to the other scene."""
    return [
        Picture(both(lambda one=one: exchange(exchanged(one))), f"Objects exchanged by {name}", name)
        for name, one in shown.items()
    ]


@torch.no_grad()
def exchanged(one: Shown) -> Exchange:
    """Neighbouring scenes as pairs, and both after the first slots, those of the largest KL, changed places."""
    image = one.image[: len(one.image) // 2 * 2]
    latents = one.model.encode(image).latents.unflatten(0, (-1, 2))
    swapped = latents.clone()
    swapped[:, :, 0] = latents[:, [1, 0], 0]

    def paired(pixels: np.ndarray) -> np.ndarray:
        return pixels.reshape(-1, 2, *pixels.shape[1:])

    drawn, other = (decoded(one.model, values.flatten(0, 1)) for values in (latents, swapped))
    return Exchange(paired(seen(image)), paired(drawn), paired(other))


def within(shown: Mapping[str, Shown]) -> list[Picture]:
    """Figures 4a and 5: latents of one slot from end to end, those that change most; then, of models of several slots, one
    slot after the other (Figure 4b)."""
    pictures = [traversed(name, one) for name, one in shown.items()]
    return [*pictures, *(sequence(name, one) for name, one in shown.items() if one.model.slots > 1)]


@torch.no_grad()
def traversed(name: str, one: Shown) -> Picture:
    """The first scene while one latent of its first slot goes from end to end; the latents whose effect is largest."""
    latents = one.model.encode(one.image[:1]).latents
    images = traverse(one.model, latents[0], 0, VALUES)
    effect = effects(images)
    chosen = np.argsort(-effect)[:LATENTS]
    names = [f"z {latent}" for latent in chosen]
    origin = np.repeat(decoded(one.model, latents), len(chosen), axis=0)
    picture = both(lambda: traversal(images[chosen], VALUES, names, origin))
    told = f"{name}: the {len(chosen)} latents of {len(effect)} that change the picture most, of one slot, others held."
    return Picture(picture, f"Latent traversals of {name}", told)


@torch.no_grad()
def traverse(
    model: SlotModule, latents: Float[Tensor, "K D"], slot: int, values: np.ndarray
) -> UInt8[np.ndarray, "D T H W 3"]:
    """The scene decoded with every latent of `slot` in turn at each of `values` (T,), all others as they are."""
    size, count = latents.shape[1], len(values)
    changed = latents.expand(size, count, *latents.shape).clone()
    for latent in range(size):
        changed[latent, :, slot, latent] = torch.from_numpy(values).to(latents)
    images = decoded(model, changed.flatten(0, 1))
    return images.reshape(size, count, *images.shape[1:])


@torch.no_grad()
def sequence(name: str, one: Shown) -> Picture:
    """Scenes drawn from their first slot alone, from their first two, and so on."""
    scenes = one.image[:5]
    latents = one.model.encode(scenes).latents
    steps = [decoded(one.model, latents[:, : count + 1]) for count in range(latents.shape[1])]
    images = np.stack([seen(scenes), *steps], axis=1)
    titles = ["scene", *(f"{count + 1} of {len(steps)}" for count in range(len(steps)))]
    picture = both(lambda: sheet(images, columns=titles))
    return Picture(picture, f"Slots of {name} added one after another", f"{name}: slots added in the order of their KL.")


def samples(shown: Mapping[str, Shown]) -> list[Picture]:
    """Figure 6: scenes, what is drawn again of them, and what is drawn from the prior."""
    return [
        Picture(
            both(lambda one=one: sampled_sheet(one.model, one.image)),
            f"Scenes, reconstructions and samples of {name}",
            name,
        )
        for name, one in shown.items()
    ]


@torch.no_grad()
def sampled_sheet(model: SlotModule, image: Float[Tensor, "B C H W"]) -> Figure:
    """Scenes, what is drawn again of them, and what is drawn from the prior."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        drawn = decoded(model, model.sample(len(image)))
    rows = np.stack([seen(image), again(model, image), drawn])
    return sheet(rows, ("scenes", "drawn again", "samples"))


def again(model: SlotModule, image: Float[Tensor, "B C H W"]) -> UInt8[np.ndarray, "B H W 3"]:
    """Reconstructions from posterior means."""
    return decoded(model, model.encode(image).latents)


def decoded(model: SlotModule, latents: Float[Tensor, "B K D"]) -> UInt8[np.ndarray, "B H W 3"]:
    """Pictures of latents in three channels, at most a few hundred at once."""
    return np.concatenate([seen(model.decode(some).image) for some in latents.split(200)])


def seen(image: Float[Tensor, "B C H W"]) -> UInt8[np.ndarray, "B H W 3"]:
    """Pictures as figures take them: bytes in three channels, grey ones too."""
    return to_uint8(recolour(image, 3)).numpy()
