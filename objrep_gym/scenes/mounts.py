"""Mounts: whence a room is looked at. Each says where the cameras of scenes stand, from their factors alone."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from objrep_gym.scenes.things import AZIMUTH, ELEVATION, HEADING, PLACE
from objrep_gym.scenes.view import Cameras
from objrep_gym.scenes.world import Random

FIELD_OF_VIEW = float(np.radians(60))
GLANCES = 8  # views from a ring that are tried until one object is in sight
EYE = "eye"
"""The name of the entity that an `Eye` sits in."""


@runtime_checkable
class Mount(Protocol):
    """What holds the camera."""

    def views(self, rng: Random, n: int) -> np.ndarray:
        """Azimuth and elevation of the views that may be taken of each scene, (n, T, 2) radians; NaN for a camera that
        hangs on other factors."""
        ...

    def cameras(self, scenes: np.ndarray) -> Cameras:
        """Where each of the scenes (N, E, F) is looked at from."""
        ...

    def kept_free(self, scenes: np.ndarray) -> np.ndarray:
        """Places on the floor (N, P, 2) that things keep away from, lest they stand before the camera."""
        ...


@dataclass(frozen=True)
class Ring:
    """Where cameras stand: on a circle around the centre, facing it. Metres; radians, `elevation` above the horizon. The
    view is that of row 0, its azimuth and elevation."""

    radius: float = 2.5
    height: float = 1.0
    azimuth: tuple[float, float] = (0.0, 2 * np.pi)
    elevation: tuple[float, float] = (float(np.radians(-25)), float(np.radians(22)))

    def views(self, rng: Random, n: int) -> np.ndarray:
        """GLANCES for each scene, which all share one azimuth: objects keep off the camera, so it must be known before they
        are placed."""
        numbers = rng.random((n, 1 + GLANCES))
        azimuth = self.azimuth[0] + (self.azimuth[1] - self.azimuth[0]) * numbers[:, :1]
        elevation = self.elevation[0] + (self.elevation[1] - self.elevation[0]) * numbers[:, 1:]
        return np.stack([np.broadcast_to(azimuth, elevation.shape), elevation], axis=-1)

    def cameras(self, scenes: np.ndarray) -> Cameras:
        return self.at(scenes[:, 0, AZIMUTH].astype(float), scenes[:, 0, ELEVATION].astype(float))

    def at(self, azimuth: np.ndarray, elevation: np.ndarray) -> Cameras:
        """Cameras at an azimuth (N), each looking across the middle at an elevation (N); radians."""
        outward = level(azimuth)
        position = self.radius * outward + self.height * UP
        return tilted(position, -outward, elevation, FIELD_OF_VIEW)

    def kept_free(self, scenes: np.ndarray) -> np.ndarray:
        return self.cameras(scenes).position[:, None, :2]


@dataclass(frozen=True)
class Eye:
    """The camera is the eye of the last entity, the one that is named EYE: it stands where that stands, `height` metres
    above the floor, and looks whither it is headed, at an `elevation` above the horizon, with an opening of `fov`, both in
    radians."""

    height: float
    elevation: float
    fov: float = FIELD_OF_VIEW

    def views(self, rng: Random, n: int) -> np.ndarray:
        return np.full((n, 1, 2), np.nan)

    def cameras(self, scenes: np.ndarray) -> Cameras:
        self_ = scenes[:, -1].astype(float)
        position = np.concatenate([self_[:, PLACE], np.full((len(scenes), 1), self.height)], axis=1)
        return tilted(position, level(self_[:, HEADING]), np.full(len(scenes), self.elevation), self.fov)

    def kept_free(self, scenes: np.ndarray) -> np.ndarray:
        return np.empty((len(scenes), 0, 2))


UP = np.array([0.0, 0.0, 1.0])


def level(angle: np.ndarray) -> np.ndarray:
    """Unit vectors (N, 3) along the floor, at an angle (N) in radians from the x axis."""
    return np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=-1)


def tilted(position: np.ndarray, ahead: np.ndarray, elevation: np.ndarray, fov: float) -> Cameras:
    """Cameras (N) that look along `ahead` (N, 3), a level direction, raised by an elevation (N) in radians."""
    rise, along = np.sin(elevation)[:, None], np.cos(elevation)[:, None]
    return Cameras(position, rise * UP + along * ahead, along * UP - rise * ahead, fov)
