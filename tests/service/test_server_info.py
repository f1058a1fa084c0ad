"""The limits in `GetServerInfo` of a server and of the fake client."""

import pytest

import nutgraf
from nutgraf.testing import FakeClient
from support.server import TIMEOUT, running_server


def test_the_fake_has_the_limits_of_a_server_with_its_default_settings():
    with running_server() as running, nutgraf.Client(running.address, timeout=TIMEOUT) as client:
        real = client.server_info()
    fake = FakeClient().server_info()
    assert fake.limits == real.limits
    # The field has single precision.
    assert fake.support_threshold == pytest.approx(real.support_threshold)
    assert fake.check_support_threshold == pytest.approx(real.check_support_threshold)
    assert fake.summaries_unchecked == real.summaries_unchecked
