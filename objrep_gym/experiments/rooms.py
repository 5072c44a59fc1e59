"""Rooms to show: held out from every training, drawn without anything heavy."""

from objrep_gym.scenes.room import Room
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import scene_streams

SHOWN = (("train", "published", 3), ("identical-color", "published", 2), ("train", "plain", 1), ("reach", "plain", 2))
"""What a figure shows of rooms: variant, look, how many."""


def of_rooms(data: str) -> bool:
    """Whether a line of text names rooms as data."""
    return data.partition(":")[0] == "objects-room"


def held_out(variant: str, look: str, count: int, seed: int) -> View:
    """The first rooms of the test split, with their masks."""
    room = Room(variant, look)
    try:
        return room.render(room.sample(scene_streams(seed, "test", 0, count), count), ("image", "mask"))
    finally:
        room.close()
