"""Evaluation: every episode counted once, none favoured for being short."""

import numpy as np
import pytest

from objrep_gym.agents.evaluate import evaluate
from tests.agents.fakes import Touch, straight


def never(observations: np.ndarray) -> np.ndarray:
    """To and fro, so that an episode mostly lasts to its limit."""
    return np.full(len(observations), 0)


@pytest.mark.parametrize("episodes", [1, 5, 32])
def test_as_many_episodes_as_were_asked_for(episodes):
    told = []
    found = evaluate(straight, Touch(4), episodes, seed=0, watch=told.append)
    assert len(found) == len(found.successes) == len(found.lengths) == episodes
    assert told[-1] == episodes


def test_a_hand_that_knows_the_way_succeeds():
    found = evaluate(straight, Touch(8, others=0), 64, seed=1)
    assert found.successes.all()
    assert found.success().mean == 1
    assert found.success().low > 0.9
    assert (found.returns == 1).all()


def test_the_same_seed_gives_the_same_episodes():
    first, again, other = (evaluate(straight, Touch(4, others=2), 40, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.lengths, again.lengths)
    assert not np.array_equal(first.lengths, other.lengths)


def test_short_episodes_are_not_favoured():
    """Half of the environments end at once and half at the limit: half of the episodes counted are long."""
    env = Touch(4, others=0, limit=30)
    draw = env.draw

    def near_or_far(i: int) -> None:
        draw(i)
        env.place[i, 0], env.place[i, 1] = (0, 0), (0.3, 0) if i < 2 else (-0.9, 0.9)

    env.draw = near_or_far
    found = evaluate(never, env, 20, seed=0)
    assert (found.lengths == 1).sum() == (found.lengths == 30).sum() == 10


def test_an_environment_that_says_nothing_of_success_succeeds_by_its_return():
    env = Touch(4, others=0)
    wait = env.step_wait

    def silent():
        observations, rewards, dones, infos = wait()
        return observations, rewards, dones, [{k: v for k, v in info.items() if k != "is_success"} for info in infos]

    env.step_wait = silent
    assert evaluate(straight, env, 8, seed=0).successes.all()


def test_no_episode_is_refused():
    with pytest.raises(ValueError, match="1 or more"):
        evaluate(straight, Touch(2), 0, seed=0)


def test_the_record_is_flat_and_bounded():
    record = evaluate(straight, Touch(4, others=3), 40, seed=0).record()
    assert record["success_low"] < record["success"] < record["success_high"]
    assert record["episodes"] == 40
    assert all(isinstance(value, (int, float)) for value in record.values())
