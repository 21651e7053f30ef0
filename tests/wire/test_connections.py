"""Connections to a real server, as clients keep them."""

import http.client
import time
from urllib.parse import urlsplit

import pytest

from tests.house import House

#: Seconds between two polls of `kfp.Client.wait_for_run_completion`, and the time of an answer.
POLL = 5.2


@pytest.mark.slow
def test_a_client_that_polls_now_and_then_keeps_its_connection(server: House) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    connection.connect()
    first = connection.sock
    for _ in range(2):
        connection.request("GET", "/apis/v2beta1/healthz")
        assert connection.getresponse().read()
        time.sleep(POLL)  # the server would have closed it by itself: there is no event
    connection.request("GET", "/apis/v2beta1/healthz")
    assert connection.getresponse().status == http.client.OK
    assert connection.sock is first
    connection.close()
