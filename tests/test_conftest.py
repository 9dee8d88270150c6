"""How the suite is spread over its workers."""

import pytest


@pytest.mark.xdist_group("together")
def test_a_group_stays_on_one_worker(request: pytest.FixtureRequest) -> None:
    """pytest-xdist spreads tests by the names that its workers give them."""
    spread = request.config.getoption("loadgroup", False)

    assert request.node.nodeid.endswith("@together") is spread
