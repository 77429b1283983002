from __future__ import annotations

import json
import os
import socket
import threading
import urllib.error
import urllib.request

import psutil
import pytest
from prometheus_client import CollectorRegistry, Counter

from exporters.http import Probe, ProbeServer

WELL = Probe(ok=True, checks={"event_loop": "turned 0.1 s ago"})
ILL = Probe(ok=False, checks={"model": "not loaded"})


def serve(*, health: Probe = WELL, ready: Probe = WELL, host: str = "127.0.0.1", port: int = 0) -> ProbeServer:
    registry = CollectorRegistry()
    Counter("tocsin_test", "A count.", registry=registry).inc(3)
    return ProbeServer(host, port, registry, health=lambda: health, ready=lambda: ready)


def get(url: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  our own server
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get_content_type(), error.read().decode()


def listening() -> set[tuple[str, int]]:
    return {
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process().net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


def test_metrics_are_shown_as_prometheus_reads_them() -> None:
    with serve() as server:
        status, kind, body = get(f"{server.url}/metrics")
    assert (status, kind) == (200, "text/plain")
    assert "tocsin_test_total 3.0" in body


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_tells_what_it_looked_at(path: str) -> None:
    with serve() as server:
        status, kind, body = get(f"{server.url}{path}?verbose=1")
    assert (status, kind) == (200, "application/json")
    assert json.loads(body) == {"ok": True, "checks": {"event_loop": "turned 0.1 s ago"}}


def test_a_worker_may_be_well_and_not_ready() -> None:
    with serve(ready=ILL) as server:
        assert get(f"{server.url}/healthz")[0] == 200
        status, _, body = get(f"{server.url}/readyz")
    assert status == 503
    assert json.loads(body) == {"ok": False, "checks": {"model": "not loaded"}}


def test_an_unhealthy_worker_says_so() -> None:
    with serve(health=ILL) as server:
        assert get(f"{server.url}/healthz")[0] == 503


def test_any_other_page_names_those_that_there_are() -> None:
    with serve() as server:
        assert get(f"{server.url}/") == (404, "text/plain", "/metrics, /healthz, /readyz\n")


def test_it_listens_where_it_was_told_and_nowhere_else() -> None:
    before = listening()
    with serve() as server:
        assert listening() - before == {("127.0.0.1", server.port)}
        assert server.url == f"http://127.0.0.1:{server.port}"
    assert listening() == before


def test_it_listens_on_an_ipv6_address() -> None:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with serve(host="::1") as server:
        assert server.url == f"http://[::1]:{server.port}"
        assert get(f"{server.url}/healthz")[0] == 200


def test_an_address_in_use_is_told_with_the_setting_to_mend() -> None:
    with serve() as server, pytest.raises(OSError, match=r"set metrics\.port to a free one, or 0") as caught:
        serve(port=server.port)
    assert f"cannot listen on 127.0.0.1:{server.port}" in str(caught.value)
    assert os.strerror(caught.value.errno or 0) in str(caught.value)


def test_its_port_is_free_again_once_it_is_closed() -> None:
    with serve() as server:
        get(f"{server.url}/healthz")
    with serve(port=server.port) as again:
        assert get(f"{again.url}/healthz")[0] == 200


def test_a_client_that_says_nothing_keeps_nobody_else_waiting() -> None:
    with serve() as server, socket.create_connection(("127.0.0.1", server.port)):
        assert get(f"{server.url}/healthz")[0] == 200


def test_a_slow_probe_keeps_no_other_waiting() -> None:
    go = threading.Event()

    def slow() -> Probe:
        go.wait(10)
        return WELL

    with ProbeServer("127.0.0.1", 0, CollectorRegistry(), health=lambda: WELL, ready=slow) as server:
        waiting = threading.Thread(target=get, args=(f"{server.url}/readyz",))
        waiting.start()
        assert get(f"{server.url}/healthz")[0] == 200
        go.set()
        waiting.join()
