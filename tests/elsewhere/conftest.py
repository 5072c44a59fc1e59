"""A family of environments is made where its packages are installed; where not, its tests are skipped, by name."""

import pytest

from tests.elsewhere.families import FAMILIES, Family


@pytest.fixture
def family(request: pytest.FixtureRequest) -> Family:
    """One of `FAMILIES`, by the name that a test is parametrised with."""
    found = FAMILIES[request.param]
    reason = found.refuse()
    if reason is not None:
        pytest.skip(reason)
    return found
