"""Analogies on boards: what changes is the same in every worked pair, and the options give nothing away."""

import numpy as np
import pytest

from objrep_gym.scenes.board_analogies import COLUMNS, LEAST, analogies, drawn
from objrep_gym.scenes.boards import PLACES, Boards

PROBLEMS = analogies(np.random.default_rng(0), 4000)


def differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """bool (…, 3): in which properties boards (…, 2, 4) differ."""
    apart = one[..., 1, :] != other[..., 1, :]
    return np.stack([apart[..., columns].any(-1) for columns in COLUMNS.values()], axis=-1)


def answers() -> np.ndarray:
    """float32 (N, 2, 4): what is D."""
    return PROBLEMS.options[np.arange(len(PROBLEMS)), PROBLEMS.answer]


def test_every_pair_and_the_answer_show_the_same_change():
    before = np.concatenate([PROBLEMS.before, PROBLEMS.query[:, None]], axis=1)
    after = np.concatenate([PROBLEMS.after, answers()[:, None]], axis=1)
    assert (differ(before, after) == PROBLEMS.changed[:, None]).all()
    assert set(PROBLEMS.changed.sum(1)) == {1, 2}
    shift = (after - before)[:, :, 1, 2:]
    assert (shift == shift[:, :1]).all()
    assert (np.abs(shift[:, 0]).max(1)[PROBLEMS.changed[:, 2]] >= LEAST).all()
    for column in (0, 1):
        for values in (before, after):
            told = values[:, :, 1, column][PROBLEMS.changed[:, column]]
            assert (told == told[:, :1]).all()


def test_what_does_not_change_varies_from_pair_to_pair():
    for column in (0, 2, 3):
        free = PROBLEMS.before[:, :, 1, column][~PROBLEMS.changed[:, min(column, 2)]]
        assert (free != free[:, :1]).any(1).mean() > 0.95


def test_options_are_four_values_of_what_changes_or_two_of_each_of_two():
    query, options = PROBLEMS.query, PROBLEMS.options
    assert (differ(options, query[:, None]) == PROBLEMS.changed[:, None]).all(), (
        "none has the query's value of what changes"
    )
    apart = differ(options[:, :, None], options[:, None])
    others = ~np.eye(4, dtype=bool)
    one = PROBLEMS.changed.sum(1) == 1
    assert (apart[one][:, others].sum(-1) == 1).all()
    assert (np.sort(apart[~one].sum(-1), axis=2) == [0, 1, 1, 2]).all()
    place = options[..., 1, 2:]
    far = np.abs(place[:, :, None] - place[:, None]).max(-1)
    assert far[far > 0].min() >= LEAST
    assert np.abs(place - query[:, None, 1, 2:]).max() <= PLACES // 2


def test_answers_are_spread_and_all_boards_can_be_drawn():
    assert np.bincount(PROBLEMS.answer, minlength=4).min() > 900
    world = Boards((16, 16))
    for part in (PROBLEMS.before, PROBLEMS.after, PROBLEMS.options):
        pictures = drawn(world, part[:50])
        assert pictures.shape == (50, part.shape[1], 16, 16, 3)
        assert part[..., 1, 2:].min() >= 0
        assert part[..., 1, 2:].max() < PLACES


def test_a_solver_that_sees_no_pair_is_right_by_chance():
    query, options = PROBLEMS.query[:, None], PROBLEMS.options
    rules = {
        "nearest to the query": -np.abs(options - query)[:, :, 1].sum(2),
        "farthest from the query": np.abs(options - query)[:, :, 1].sum(2),
        "typical of the options": -np.abs(options[:, :, None] - options[:, None])[..., 1, :].sum((2, 3)),
        "in the middle of the board": -np.abs(options[:, :, 1, 2:] - 15.5).sum(2),
        "the largest": options[:, :, 1, 1],
    }
    for name, score in rules.items():
        tied = score == score.max(1, keepdims=True)
        right = tied[np.arange(len(PROBLEMS)), PROBLEMS.answer] / tied.sum(1)
        assert abs(right.mean() - 0.25) < 0.03, name


def test_a_pair_at_least_is_asked_for():
    with pytest.raises(ValueError, match="pairs is 0"):
        analogies(np.random.default_rng(0), 5, pairs=0)
