"""What scenes are worth."""

import numpy as np
import pytest

from objrep_gym.envs.tasks import Touch, Watch
from tests.envs.flat import FlatRoom, flat_game, scene

FAR = (0.8, 0.8)


def judge(**places):
    game = flat_game()
    return tuple(values.tolist()[0] for values in game.task.judge(scene(game, **places)))


@pytest.mark.parametrize(
    ("places", "verdict"),
    [
        ({"object_0": (0.17, 0), "object_1": FAR}, (1.0, True, True)),  # centres nearer than 2 × 0.09
        ({"object_0": (0.19, 0), "object_1": FAR}, (0.0, False, False)),
        ({"object_0": FAR, "object_1": (0, -0.17)}, (0.0, False, True)),
        ({"object_0": (0.1, 0), "object_1": (-0.15, 0)}, (1.0, True, True)),  # both: the deeper touch counts
        ({"object_0": (0.15, 0), "object_1": (-0.1, 0)}, (0.0, False, True)),
        ({"object_0": FAR}, (0.0, False, False)),  # distractors that do not exist touch nothing
    ],
    ids=["goal", "near", "other", "goal-deeper", "other-deeper", "absent"],
)
def test_touching(places, verdict):
    assert judge(hand=(0, 0), **places) == verdict


def test_rows_are_judged_alone():
    game = flat_game()
    rows = [scene(game, hand=(0, 0), object_0=place) for place in ((0.1, 0), FAR)]
    verdict = game.task.judge(np.concatenate(rows))
    assert verdict.success.tolist() == verdict.terminated.tolist() == [True, False]
    assert verdict.reward.dtype == np.float64


def test_watching_asks_nothing():
    verdict = Watch().judge(np.zeros((3, 2, 2), np.float32))
    assert not verdict.success.any()
    assert not verdict.terminated.any()
    assert verdict.reward.tolist() == [0, 0, 0]


def test_a_goal_that_the_world_does_not_have():
    with pytest.raises(ValueError, match="no entity 'object_9'"):
        Touch(FlatRoom().about, goal="object_9")
