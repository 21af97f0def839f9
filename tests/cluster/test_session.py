"""A session ends as quickly as it fails: who is no Ray head is found out within seconds."""

import contextlib
import socket
import threading
import time

import pytest

from cluster.session import session


def answer_with(door, answer):
    """Accept one caller, say something, and keep the line open until it hangs up."""
    caller, _ = door.accept()
    with caller, contextlib.suppress(ConnectionError):
        caller.recv(100)
        caller.sendall(answer)
        caller.recv(100)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-ERR\r\n"])
def test_another_server_is_no_ray_head(answer):
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = threading.Thread(target=answer_with, args=(door, answer))
        server.start()
        address = f"127.0.0.1:{door.getsockname()[1]}"
        with pytest.raises(ConnectionError, match="no Ray head"), session(address):
            pass
        server.join()
    assert time.monotonic() - started < 10


def test_nobody_at_the_address_is_said_with_what_to_do():
    with (
        pytest.raises(ConnectionError, match=r"127\.0\.0\.1:9.*ray start --head"),
        session("127.0.0.1:9"),
    ):
        pass
