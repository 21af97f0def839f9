"""A server of a few files for this machine alone, under an address that nobody can guess."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lungseg.viewer.errors import ViewError

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "nii": "application/octet-stream",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' "
        "'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' data: blob:; "
        "worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """Serves files on 127.0.0.1, to who knows its address.

    Args:
        files: Content by name; `index.html` is the page.
        port: Its port; 0 for a free one.

    Raises:
        ViewError: If the port is taken.
    """

    daemon_threads = True

    def __init__(self, files: Mapping[str, bytes], *, port: int = 0) -> None:
        self._token = secrets.token_urlsafe(16)
        self._files = files
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise ViewError(
                f"--port {port} cannot be used ({error.strerror}): choose another, or leave it out"
            ) from error

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.server_port}/{self._token}/"

    def content(self, host: str, path: str) -> tuple[str, bytes] | None:
        """What a request is answered: media type and content; None for what is not served.

        A page elsewhere that has its own name point to this machine asks for another host.

        Args:
            host: The host that the request names.
            path: Its path.
        """
        token, _, name = path.partition("?")[0].removeprefix("/").partition("/")
        if host not in {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}:
            return None
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        name = name or "index.html"
        if name not in self._files:
            return None
        return _TYPES[name.rpartition(".")[2]], self._files[name]


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "lungseg", ""

    def do_GET(self) -> None:
        found = self.server.content(self.headers.get("Host", ""), self.path)
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        kind, content = found
        self.send_response(HTTPStatus.OK)
        for name, value in {**_HEADERS, "Content-Type": kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is Python's)
        """Say nothing: the address must not stand in a log."""
