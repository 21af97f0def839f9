"""Files of a URL: asked for again after a failure, never taken wrong, given up with one line."""

import dataclasses
import hashlib
import pickle
import socket

import pytest

from shards.errors import StoreError
from shards.storage.attempts import Retries
from shards.storage.remote import Remote
from tests.servers import ALWAYS
from tests.waiting import wait_until

NAME = "cases/a.tar"
QUICK = Retries(attempts=3, first_wait_s=0.01)
IMPATIENT = Retries(attempts=3, first_wait_s=0.01, timeout_s=0.7, min_bytes_per_s=1e6)
BUSY = 5  # answers of a busy machine that come too late for who is impatient
PASSING = [500, 503, 429, 408, "hang", "trickle", "truncate", "short", "corrupt", "html", "reset"]


@pytest.fixture
def content(tmp_path):
    (tmp_path / "set/cases").mkdir(parents=True)
    data = bytes(range(256)) * 200
    (tmp_path / "set" / NAME).write_bytes(data)
    return data


def download(remote, path, content):
    remote.download(NAME, path, sha256=hashlib.sha256(content).hexdigest())
    return path.read_bytes()


def for_fault(fault):
    """On a busy machine an answer takes a while: only silence is met with impatience."""
    return IMPATIENT if fault in ("hang", "trickle") else QUICK


def bearing(fault):
    """What bears with two such faults, and with a busy machine."""
    given = for_fault(fault)
    return dataclasses.replace(given, attempts=3 + BUSY * (given is IMPATIENT))


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_tried_again(tmp_path, serve, content, fault):
    server = serve(tmp_path / "set")
    server.fail(NAME, fault, times=2)
    remote = Remote(url=server.url, retries=bearing(fault))
    assert download(remote, tmp_path / "copy", content) == content
    assert 3 <= server.requests[NAME] <= remote.retries.attempts


@pytest.mark.parametrize("fault", PASSING)
def test_what_does_not_pass_ends_in_one_line(tmp_path, serve, content, fault):
    server = serve(tmp_path / "set")
    server.fail(NAME, fault, times=ALWAYS)
    with pytest.raises(StoreError, match=rf"{server.url}/{NAME} could not be read in 3 attempts"):
        download(Remote(url=server.url, retries=for_fault(fault)), tmp_path / "copy", content)
    # a busy server hears of a request after its client gave up
    wait_until(lambda: server.requests[NAME] >= 3, "three requests")
    assert server.requests[NAME] == 3 or fault == "reset"  # where aiohttp asks again by itself


@pytest.mark.parametrize("fault", [503, "hang", "truncate", "short", "corrupt", "reset"])
def test_an_s3_server_is_borne_with_alike(tmp_path, serve_faulty_s3, content, fault):
    server = serve_faulty_s3(tmp_path / "set")
    server.fail(NAME, fault, times=2)
    remote = Remote(url=server.url, retries=bearing(fault))
    assert download(remote, tmp_path / "copy", content) == content
    server.fail(NAME, fault, times=ALWAYS)
    with pytest.raises(StoreError, match="could not be read in 3 attempts"):
        download(Remote(url=server.url, retries=for_fault(fault)), tmp_path / "copy", content)


@pytest.mark.parametrize("fault", [401, 403, 400])
def test_what_may_not_be_read_is_asked_for_once(tmp_path, serve, content, fault):
    server = serve(tmp_path / "set")
    server.fail(NAME, fault, times=ALWAYS)
    with pytest.raises(StoreError, match=f"HTTP {fault}.*credentials"):
        download(Remote(url=server.url, retries=QUICK), tmp_path / "copy", content)
    assert server.requests[NAME] == 1


def test_what_is_absent_is_asked_for_once(tmp_path, serve, serve_faulty_s3, content):
    for server in (serve(tmp_path / "set"), serve_faulty_s3(tmp_path / "set")):
        remote = Remote(url=server.url, retries=QUICK)
        with pytest.raises(FileNotFoundError):
            remote.download("cases/none.tar", tmp_path / "copy", sha256=None)
        assert server.requests["cases/none.tar"] <= 1


def test_a_server_that_is_not_there_is_said(tmp_path, content):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/set"
        with pytest.raises(StoreError, match="check the server and the network"):
            download(Remote(url=url, retries=QUICK), tmp_path / "copy", content)


@pytest.mark.parametrize("user", ["me:secret@", "secret@", ":secret@", "me:s@cret@", ""])
def test_nothing_secret_of_a_url_is_shown(user):
    for path in ("host/set", "host", "host:80/s@t"):
        for scheme in ("https://", "s3://", "simplecache::https://"):
            assert Remote(url=f"{scheme}{user}{path}?signature=secret").shown == scheme + path
    assert Remote(url="https://host?user=secret@me").shown == "https://host"


def test_a_signature_stays_at_the_end_of_the_address(tmp_path, serve, content):
    remote = Remote(url=serve(tmp_path / "set").url + "?signature=x", retries=QUICK)
    assert download(remote, tmp_path / "copy", content) == content


def test_only_servers_that_tell_are_asked_for_names(tmp_path, serve, serve_faulty_s3, content):
    assert Remote(url=serve(tmp_path / "set").url).names("cases") is None
    remote = Remote(url=serve_faulty_s3(tmp_path / "set").url, retries=QUICK)
    assert remote.names("") == {"cases"}
    assert remote.names("cases") == {"a.tar"}
    assert remote.names("none") == set()


def test_it_pickles(tmp_path, serve, content):
    remote = pickle.loads(pickle.dumps(Remote(url=serve(tmp_path / "set").url, retries=QUICK)))
    assert download(remote, tmp_path / "copy", content) == content
