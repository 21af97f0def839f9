"""A page with three planes and a view in 3D, until Ctrl-C."""

import importlib.util
import logging
import webbrowser
from pathlib import Path
from typing import Any

from lungseg.viewer.errors import ViewError
from lungseg.viewer.options import ViewOptions
from lungseg.viewer.scene import scene
from lungseg.viewer.server import Server

logger = logging.getLogger(__name__)
_PAGE = Path(__file__).with_name("page")


def show(options: ViewOptions) -> dict[str, Any]:
    """Serve the page until Ctrl-C.

    Returns:
        The scan and the number of masks that were shown.

    Raises:
        ViewError: If NiiVue is not installed, a file cannot be read, or the port is taken.
    """
    files = page() | scene(options.scan, options.masks)
    with Server(files, port=options.port) as server:
        logger.info("%s (Ctrl-C ends it)", server.address)
        if options.open_browser:
            webbrowser.open(server.address)
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            logger.info("closed")
    return {"scan": str(options.scan), "masks": len(options.masks)}


def page() -> dict[str, bytes]:
    """The page's own files, and NiiVue as ipyniivue has installed it.

    Raises:
        ViewError: If that is not installed.
    """
    own = {path.name: path.read_bytes() for path in _PAGE.iterdir()}
    found = importlib.util.find_spec("ipyniivue")  # not imported: it would load a notebook's tools
    if found is None or not found.submodule_search_locations:
        raise ViewError("the view needs ipyniivue: pip install ipyniivue")
    return own | {"niivue.js": _widget(Path(found.submodule_search_locations[0]))}


def _widget(package: Path) -> bytes:
    try:
        return (package / "static" / "widget.js").read_bytes()
    except OSError as error:
        raise ViewError(
            f"ipyniivue in {package} has no static/widget.js: install another version"
        ) from error
