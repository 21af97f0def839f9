"""Servers on loopback for tests: a web server with faults to order, and one that speaks S3."""

import contextlib
import http.server
import itertools
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict, deque
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cluster.ports import free_port
from tests.waiting import PATIENCE_S

ALWAYS = 1000

_BUCKETS = itertools.count()


class FaultyServer:
    """Serves a folder over HTTP; each file's next answers can be spoiled.

    Faults: a status such as `503`; `hang` (silence), `trickle` (a byte at a time), `truncate`
    (the connection breaks half-way), `short` (half the file, and says that is all), `corrupt`
    (a flipped bit), `html` (a page in its place), `reset` (no answer at all).
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.requests = Counter()
        self.faults = defaultdict(deque)
        self.released = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients break off, that is what tests are for
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/set"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def fail(self, name, fault, times=1):
        """Spoil the next answers for a file, named by its path below the folder."""
        self.faults[name].extend([fault] * times)

    def fetch(self, path, headers):
        """Status, headers and body of what lies at a path."""
        file = self.folder / unquote(urlsplit(path).path).removeprefix("/set/")
        return (200, {}, file.read_bytes()) if file.is_file() else (404, {}, b"no such file")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class FaultyS3(FaultyServer):
    """The same between a client and a server that speaks S3: what a client gets can be spoiled."""

    def __init__(self, url, endpoint):
        super().__init__(".")
        self.url, self.endpoint = url, endpoint
        self.address = "http://{}:{}".format(*self.server.server_address)

    def fetch(self, path, headers):
        """Ask the server behind."""
        request = urllib.request.Request(self.endpoint + path, method=headers["method"])
        for name in {"Authorization", "Range"} & set(headers):
            request.add_header(name, headers[name])
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, dict(answer.headers), answer.read()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        status, headers, _ = self.owner.fetch(self.path, {**self.headers, "method": "HEAD"})
        size = headers.pop("Content-Length", 0)
        self.answer(b"", status=status, size=size, headers=headers)

    def do_GET(self):
        owner = self.owner
        name = unquote(urlsplit(self.path).path).split("/set/")[-1]
        owner.requests[name] += 1
        status, headers, data = owner.fetch(self.path, {**self.headers, "method": "GET"})
        fault = owner.faults[name].popleft() if owner.faults[name] and status < 400 else None
        if isinstance(fault, int):
            self.answer(b"not now", status=fault)
        elif fault is None:
            self.answer(data, status=status, headers=headers)
        else:
            getattr(self, fault)(data)

    def answer(self, data, *, status=200, size=None, headers=()):
        self.send_response_only(status)
        for name, value in {**dict(headers), "Content-Length": size or len(data)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    def hang(self, data):
        self.owner.released.wait(60)
        self.close_connection = True

    def trickle(self, data):
        self.answer(b"", size=len(data))
        with contextlib.suppress(OSError):
            for position in range(len(data)):
                self.wfile.write(data[position : position + 1])
                if self.owner.released.wait(0.05):
                    break
        self.close_connection = True

    def truncate(self, data):
        self.answer(data[: len(data) // 2], size=len(data))
        self.close_connection = True

    def short(self, data):
        self.answer(data[: len(data) // 2])

    def corrupt(self, data):
        middle = len(data) // 2
        self.answer(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])

    def html(self, data):
        self.answer(b"<html>please log in</html>")

    def reset(self, data):
        self.close_connection = True

    def log_message(self, *args):
        """Say nothing."""


@contextlib.contextmanager
def s3_server():
    """A server that speaks S3 and holds nothing.

    Yields:
        The environment variables with which any process finds it.
    """
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _put(f"{endpoint}/first", b"", patience_s=PATIENCE_S)
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def put_folder(folder, endpoint):
    """Put the files of a folder into a bucket of its own; its URL."""
    bucket = f"bucket-{next(_BUCKETS)}"
    _put(f"{endpoint}/{bucket}", b"")
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            _put(f"{endpoint}/{bucket}/set/{path.relative_to(folder)}", path.read_bytes())
    return f"s3://{bucket}/set"


def _put(url, data, *, patience_s=0):
    """Store an object, or make a bucket, as soon as the server listens."""
    request = urllib.request.Request(url, data=data, method="PUT")
    request.add_header("Content-Type", "application/octet-stream")
    request.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=test/x/us-east-1/s3/x")
    until = time.monotonic() + patience_s
    while True:
        try:
            urllib.request.urlopen(request, timeout=30).close()
            return
        except ConnectionError:
            raise
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
