"""Networks are thin here, unless a test asks for `width` or `full_width`."""

import pytest


@pytest.fixture
def full_width() -> None:
    """Leave the networks as they are."""


@pytest.fixture(autouse=True)
def thin_by_default(request: pytest.FixtureRequest) -> None:
    if not {"width", "full_width"} & set(request.fixturenames):
        request.getfixturevalue("thin_networks")
