"""A session begins or says in one line why not, and who is no Ray head is found out soon."""

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
import ray

from cluster.session import session

NICENESS = "RAY_worker_niceness"
SLOW = "The current node timed out during startup. This could happen because\nof load."


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
    assert time.monotonic() - started < 60


def test_nobody_at_the_address_is_said_with_what_to_do():
    with (
        pytest.raises(ConnectionError, match=r"127\.0\.0\.1:9.*ray start --head"),
        session("127.0.0.1:9"),
    ):
        pass


@pytest.fixture
def starts(monkeypatch):
    """What each start of Ray does, by its turn: raises an error, or nothing; and their folders."""
    turns, folders = [], []

    def init(*, _temp_dir, **_):
        folders.append(_temp_dir)
        error = turns.pop(0)
        if error:
            raise error

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    return turns, folders


def test_ray_that_starts_too_slowly_is_tried_once_more(starts, caplog):
    turns, folders = starts
    turns[:] = [Exception(SLOW), None]
    with caplog.at_level(logging.INFO), session():
        assert len(set(folders)) == 2
    (said,) = caplog.messages
    assert said.startswith("Ray did not start on this machine (The current node timed out")
    assert said.endswith("because of load): trying once more")
    assert not Path(folders[1]).parent.exists()


def test_processes_of_ray_here_are_as_nice_as_this_one_unless_asked_for(starts, monkeypatch):
    monkeypatch.delenv(NICENESS, raising=False)
    for wanted in ("0", "7"):
        starts[0][:] = [None]
        with session():
            assert os.environ[NICENESS] == wanted
        monkeypatch.setenv(NICENESS, "7")


def test_ray_that_does_not_start_is_one_line(starts):
    turns, _ = starts
    turns[:] = [Exception(SLOW), Exception(SLOW)]
    with (
        pytest.raises(
            ConnectionError, match=r"^Ray did not start on this machine, twice .*room in"
        ) as told,
        session(),
    ):
        pass
    assert "\n" not in str(told.value)


@pytest.fixture
def handled():
    """Puts an answer to SIGTERM in place, and after the test what was there before."""
    before = signal.getsignal(signal.SIGTERM)
    yield lambda handler: signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGTERM, before)


def ended_as_ray_does():
    """Hear SIGTERM where Ray waits for something."""
    try:
        signal.raise_signal(signal.SIGTERM)
    except SystemExit:
        sys.exit(1)


def test_sigterm_ends_a_session_in_order_whatever_ray_would_do(starts, handled, monkeypatch):
    turns, folders = starts
    turns[:] = [None]
    handled(signal.SIG_DFL)
    init = ray.init
    monkeypatch.setattr(ray, "init", lambda **given: (init(**given), handled(signal.SIG_IGN)))
    with pytest.raises(SystemExit) as left, session():
        ended_as_ray_does()
    assert left.value.code == 143
    assert not Path(folders[0]).parent.exists()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_who_has_an_answer_to_sigterm_keeps_it(starts, handled):
    turns, _ = starts
    turns[:] = [None]
    heard = []
    handled(lambda *_: heard.append("own"))
    with session():
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    assert heard == ["own", "own"]
