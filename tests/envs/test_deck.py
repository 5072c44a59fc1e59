"""Scenes drawn ahead."""

import numpy as np

from objrep_gym.envs.deck import AHEAD, Deck


class Draw:
    """Scenes that are one number, the first of their generator; counts its calls."""

    def __init__(self):
        self.sizes = []

    def __call__(self, generators):
        self.sizes.append(len(generators))
        return np.array([[[generator.random()]] for generator in generators], dtype=np.float32)


def numbers(seed: int, count: int) -> list[float]:
    deck = Deck(Draw(), 1)
    rng = [np.random.default_rng(seed)]
    return [float(deck.take(rng, [0])[0, 0, 0]) for _ in range(count)]


def test_a_row_depends_on_its_own_generator_alone():
    deck, rng = Deck(Draw(), 3), [np.random.default_rng(seed) for seed in (5, 6, 7)]
    found = {row: [] for row in range(3)}
    order = np.random.default_rng(0).integers(3, size=200).tolist()
    for row in order:
        found[row].append(float(deck.take(rng, [row])[0, 0, 0]))
    for row, seed in enumerate((5, 6, 7)):
        assert found[row] == numbers(seed, len(found[row]))
        assert len(set(found[row])) == len(found[row])


def test_one_call_draws_for_many_episodes():
    deck, rng = Deck(draw := Draw(), 4), [np.random.default_rng(seed) for seed in range(4)]
    for _ in range(AHEAD):
        assert deck.take(rng, range(4)).shape == (4, 1, 1)
    assert draw.sizes == [4 * AHEAD]


def test_cleared_rows_follow_a_new_generator():
    deck = Deck(Draw(), 2)
    deck.take([np.random.default_rng(0), np.random.default_rng(1)], [0, 1])
    deck.clear([1])
    taken = deck.take([np.random.default_rng(99), np.random.default_rng(7)], [1])
    assert float(taken[0, 0, 0]) == numbers(7, 1)[0]
