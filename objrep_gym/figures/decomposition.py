"""A scene taken apart: the image, its reconstruction, the masks, the part of each slot, and the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from objrep_gym.figures.grid import sheet
from objrep_gym.figures.style import slot_colours

GREYS = np.array([(g, g + 6, g + 14) for g in (150, 178, 196, 206, 216, 226)])


@dataclass(frozen=True)
class Parts:
    """N scenes as a model sees them. Only `image` and `masks` are needed; the rest leaves out its columns where None."""

    image: np.ndarray
    """uint8 (N, H, W, 3)."""
    masks: np.ndarray
    """float (N, K, H, W), summing to one over slots."""
    reconstruction: np.ndarray | None = None
    """uint8 (N, H, W, 3)."""
    parts: np.ndarray | None = None
    """uint8 (N, K, H, W, 3), what each slot decodes to."""
    truth: np.ndarray | None = None
    """int (N, H, W), ids of entities."""
    background: int = 0
    """Ids below are not objects: they are drawn in greys."""
    decoded: np.ndarray | None = None
    """float (N, K, H, W), the masks that the slots decode to, summing to one over slots."""


def decomposition(scenes: Parts, inches: float = 0.95, rows: Sequence[str] = ()) -> Figure:
    """One row per scene: image | reconstruction | segments | slot 0 … K−1 | ground truth; with a name before each or none.

    Slots are drawn as what they decode to (the image itself where there are no parts) where their mask lies, fading to
    nothing elsewhere; segments carry the slots' colours, by the largest mask. Raises ValueError where shapes disagree.
    """
    n, height, width, _ = scenes.image.shape
    if scenes.masks.shape[0] != n or scenes.masks.shape[2:] != (height, width):
        raise ValueError(f"masks {scenes.masks.shape} do not fit images {scenes.image.shape}: bring both to one size")
    titles, columns = ["image"], [scenes.image]
    if scenes.reconstruction is not None:
        titles, columns = [*titles, "reconstruction"], [*columns, scenes.reconstruction]
    titles, columns = [*titles, "segments"], [*columns, segments(scenes.masks)]
    if scenes.truth is not None:
        titles, columns = [*titles, "truth"], [*columns, truth(scenes.truth, scenes.background)]
    images = np.concatenate([np.stack([opaque(column) for column in columns], 1), slot_images(scenes)], 1)
    return framed(images, titles, inches, rows)


def compared(models: Mapping[str, Parts], inches: float = 0.95, rows: Sequence[str] = ()) -> Figure:
    """One row per scene, with a name before each or none: the image, and for each model by its name the image under the
    colours of its slots, and what the slots decode to. Raises ValueError on a model without a reconstruction, or of other
    scenes than the first."""
    seen, first = [], next(iter(models.values()))
    for name, parts in models.items():
        if parts.reconstruction is None or not np.array_equal(parts.image, first.image):
            raise ValueError(f"{name!r} has no reconstruction, or is of other scenes than {next(iter(models))!r}")
        seen += [overlaid(parts.image, parts.masks), parts.reconstruction]
    titles = ["image", *(f"{name}\n{what}" for name in models for what in ("segments", "drawn again"))]
    return sheet(np.stack([first.image, *seen], 1), rows, titles, inches)


def decomposition_both_ways(scenes: Parts, inches: float = 0.95) -> Figure:
    """Two rows per scene, as in Berriel 2022, figure 5.3: above, image | segments | each slot's part as it decodes, and
    below, reconstruction | truth | the same parts behind the masks that the slots decode to (their attention masks where
    they decode to none). A slot that only the mask gave its shape shows it above.

    Raises ValueError on scenes without parts, reconstruction or truth.
    """
    if scenes.parts is None or scenes.reconstruction is None or scenes.truth is None:
        raise ValueError("both ways of a decomposition need parts, reconstruction and truth")
    masked = slot_images(replace(scenes, masks=scenes.masks if scenes.decoded is None else scenes.decoded))
    above = np.concatenate([opaque(np.stack([scenes.image, segments(scenes.masks)], 1)), opaque(scenes.parts)], 1)
    true = truth(scenes.truth, scenes.background)
    below = np.concatenate([opaque(np.stack([scenes.reconstruction, true], 1)), masked], 1)
    titles = ["image\nreconstruction", "segments\ntruth"]
    return framed(np.stack([above, below], 1).reshape(-1, *above.shape[1:]), titles, inches)


def framed(images: np.ndarray, titles: Sequence[str], inches: float, rows: Sequence[str] = ()) -> Figure:
    """Rows of images (R, C, H, W, 4), the first columns under their titles, the others slots in frames of their colours."""
    slots = images.shape[1] - len(titles)
    frames = np.concatenate([np.zeros((len(titles), 3)), slot_colours(slots)]).astype(np.uint8)
    return sheet(images, rows, [*titles, *(f"slot {k}" for k in range(slots))], inches, frames)


def opaque(image: np.ndarray) -> np.ndarray:
    """uint8 (…, 3) as (…, 4)."""
    return np.concatenate([image, np.full_like(image[..., :1], 255)], axis=-1)


def slot_images(scenes: Parts) -> np.ndarray:
    """uint8 (N, K, H, W, 4): the part of each slot, as opaque as its mask."""
    n, slots, height, width = scenes.masks.shape
    inner = (
        scenes.parts if scenes.parts is not None else np.broadcast_to(scenes.image[:, None], (n, slots, height, width, 3))
    )
    opacity = np.clip(scenes.masks * 255, 0, 255).astype(np.uint8)
    return np.concatenate([inner, opacity[..., None]], axis=-1)


def segments(masks: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3): every pixel in the colour of the slot that has most of it, paler the less that is."""
    top, sure = masks.argmax(1), masks.max(1)[..., None]
    colours = slot_colours(masks.shape[1])[top]
    return (colours * sure + 255 * (1 - sure)).astype(np.uint8)


def truth(ids: np.ndarray, background: int) -> np.ndarray:
    """uint8 (N, H, W, 3): objects in the colours of slots, in the order of their ids; background entities in greys."""
    colours = np.concatenate([GREYS[np.arange(background) % len(GREYS)], slot_colours(max(256 - background, 1))])
    return colours[ids].astype(np.uint8)


def overlaid(image: np.ndarray, masks: np.ndarray, strength: float = 0.55) -> np.ndarray:
    """uint8 (N, H, W, 3): images under the colours of their slots, with a line where one slot meets another."""
    top = masks.argmax(1)
    tinted = image * (1 - strength) + slot_colours(masks.shape[1])[top] * strength
    edge = np.zeros(top.shape, bool)
    edge[:, 1:] |= top[:, 1:] != top[:, :-1]
    edge[:, :, 1:] |= top[:, :, 1:] != top[:, :, :-1]
    tinted[edge] = tinted[edge] * 0.35 + 255 * 0.65
    return tinted.astype(np.uint8)
