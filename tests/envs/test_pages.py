"""Pages: every id has one, and says of which it is a variation."""

import gymnasium as gym
import pytest

import objrep_gym
from objrep_gym.envs.pages import base_of, bases, headline, ids, page, varied

every_id = pytest.mark.parametrize("name", ids())


def test_ids_are_ours_and_bases_are_those_without_keywords():
    assert {*bases()} < {*ids()}
    assert {"ObjRep/Scenes-v0", "ObjRep/Reach-v0", "ObjRep/OddOneOut-v0", "ObjRep/Collect-v0"} <= {*bases()}
    assert not [name for name in bases() if any(ending in name for ending in ("Dense", *objrep_gym.AXES))]
    assert len({gym.spec(name).kwargs["game"] for name in ids()}) == len(bases())


@every_id
def test_an_id_is_its_base_varied_by_its_keywords(name):
    spec = gym.spec(name)
    base, own = base_of(spec), varied(spec)
    assert base.kwargs | own == spec.kwargs
    assert name.startswith(base.id.removesuffix("-v0"))
    for keyword, value in own.items():
        assert f"{keyword}={value!r}" in headline(spec)
    assert bool(own) == (base.id != name)


def test_no_two_ids_say_the_same_of_themselves():
    lines = [headline(gym.spec(name)) for name in ids()]
    assert len({*lines}) == len(lines)
    assert all(lines)
    assert headline(gym.spec("ObjRep/ReachDense-v0")) == "Reach with reward='dense'"
    assert headline(gym.spec("ObjRep/Reach-v0")).startswith("the hand must touch the blue cube")


@every_id
def test_a_page_says_what_one_sees_and_does_and_what_it_is_called(name):
    text = page(gym.spec(name))
    assert text.startswith(f"{name}: ")
    for part in ("\naction ", "\nsees ", "\nvaries ", "\nids "):
        assert part in text, part


@pytest.mark.parametrize("name", bases())
def test_an_environment_carries_its_page(name):
    env = gym.make(name)
    assert env.unwrapped.__doc__ == page(gym.spec(name))
    assert gym.make_vec(name, num_envs=1).unwrapped.__doc__ == env.unwrapped.__doc__


@pytest.mark.parametrize("name", bases())
def test_every_environment_takes_a_size_and_an_engine(name):
    """So that whatever is drawn for people, or measured, needs no exception."""
    env = gym.make(name, size=(20, 20), engine="raycast", look="published")
    env.reset(seed=0)
    assert type(env.unwrapped.game.world.engine).__name__ == "RayCaster"
    assert env.unwrapped.game.world.size == (20, 20)
    env.close()
