"""`python -m lungseg.view`: look at a scan and its masks."""

from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from lungseg.viewer.options import ViewOptions
from shards.console.command import run

DESCRIPTION = """Show a scan and masks on a page of this machine: three planes, 3D, window presets.

The page is served on 127.0.0.1 under an address with a secret in it, and nothing of it is loaded
from the network. Ctrl-C ends it. Not for clinical use."""


def main(options: ViewOptions) -> dict[str, Any]:
    """Show, with the heavy libraries imported only now."""
    from lungseg.viewer.show import show

    return show(options)


if __name__ == "__main__":
    run(ViewOptions, main, prog="python -m lungseg.view", description=DESCRIPTION)
