"""The engines that tests draw by. One whose extra is not installed is skipped, and the report says so and what helps."""

import pytest

from objrep_gym.scenes.engines import ENGINES, EXTRAS, installed


def where_installed(engine: str, *beside: object):
    """A parameter set of an engine and what goes beside it."""
    reason = f"engine {engine!r} is not installed: pip install 'objrep-gym[{EXTRAS.get(engine, ('', ''))[1]}]'"
    return pytest.param(engine, *beside, marks=pytest.mark.skipif(engine not in installed(), reason=reason))


EVERY = [where_installed(engine) for engine in ENGINES]
EVERY_OTHER = EVERY[1:]  # those that are held against OpenGL
every_engine = pytest.mark.parametrize("engine", EVERY)
every_other = pytest.mark.parametrize("engine", EVERY_OTHER)
