"""Files for this machine alone, to who knows the address."""

import contextlib
import http.client
import threading
import urllib.error
import urllib.request

import pytest

from lungseg.viewer.errors import ViewError
from lungseg.viewer.server import Server

FILES = {"index.html": b"<p>page</p>", "scan.nii": bytes(1000)}


@pytest.fixture
def server():
    with Server(FILES) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, path, host=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers


def test_the_page_and_its_files_are_served_under_the_secret(server):
    for name, content in {"": FILES["index.html"], **FILES}.items():
        with urllib.request.urlopen(server.address + name) as answer:
            assert answer.read() == content
            assert answer.headers["Cache-Control"] == "no-store"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    with Server(FILES) as another:
        assert another.address.split("/")[3] != server.address.split("/")[3]
    assert len(server.address.split("/")[3]) >= 20


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/index.html",
        "/{}/../server.py",
        "/{}/..%2f..",
        "/{}x/",
        "//{}/",
        "/{}/none",
    ],
)
def test_nothing_else_is_served(server, path):
    token = server.address.split("/")[3]
    host = f"127.0.0.1:{server.server_port}"
    assert server.content(host, path.format(token)) is None
    assert server.content(host, f"/{token}/") is not None


def test_a_page_that_calls_this_machine_by_its_own_name_gets_nothing(server):
    token = server.address.split("/")[3]
    assert ask(server, f"/{token}/", host=f"evil.example:{server.server_port}")[0] == 404
    assert ask(server, f"/{token}/", host=f"localhost:{server.server_port}")[0] == 200


def test_it_listens_to_this_machine_alone_and_a_taken_port_is_said(server):
    assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(ViewError, match=r"cannot be used .* choose another"):
        Server(FILES, port=server.server_port)
