"""Codes and factors whose scores are known."""

import numpy as np


def grid(*sizes: int, times: int = 1) -> np.ndarray:
    """Every combination of factors with so many values, int (N, F), each `times` over."""
    axes = np.meshgrid(*map(np.arange, sizes), indexing="ij")
    return np.tile(np.stack([axis.ravel() for axis in axes], axis=1), (times, 1))


def drawn(count: int = 3000, factors: int = 4, seed: int = 1) -> np.ndarray:
    """Continuous factors, independent and even in [0, 1]."""
    return np.random.default_rng(seed).random((count, factors))


def turned(codes: np.ndarray) -> np.ndarray:
    """Four codes of unit variance, each an even mixture of all, by a rotation: nothing is lost, nothing stands apart."""
    rotation = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    return (codes - codes.mean(0)) / codes.std(0) @ rotation


def doubled(codes: np.ndarray) -> np.ndarray:
    """Every code twice."""
    return np.concatenate([codes, codes], axis=1)


def with_dead(codes: np.ndarray, count: int = 2) -> np.ndarray:
    """Codes that never change beside them."""
    return np.concatenate([codes, np.full((len(codes), count), 0.5)], axis=1)


def scaled(factors: np.ndarray) -> np.ndarray:
    """Ideal codes: each factor by itself, with mean 0 and variance 1."""
    return (factors - factors.mean(0)) / factors.std(0)


def rotations(size: int, count: int) -> list[np.ndarray]:
    """Random rotations, even over all."""
    rng = np.random.default_rng(0)
    return [np.linalg.qr(rng.normal(size=(size, size)))[0] for _ in range(count)]
