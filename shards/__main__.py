"""`python -m shards`: what a shard set holds, and whether it is whole."""

from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from shards.console.command import run
from shards.info import Info, info, show_info
from shards.verify import Verify, show_verify, verify

DESCRIPTION = """Look into a shard set.

info says what it holds, from its manifest; verify reads every byte again and lists all damage.
"""

COMMANDS = {"info": Info, "verify": Verify}


def main(options: Info | Verify) -> dict[str, Any]:
    """Do what one of the commands says."""
    return verify(options.shards) if isinstance(options, Verify) else info(options.shards)


def show(result: dict[str, Any]) -> str:
    """Render a result for people."""
    return show_verify(result) if "damage" in result else show_info(result)


if __name__ == "__main__":
    run(
        COMMANDS,
        main,
        prog="python -m shards",
        description=DESCRIPTION,
        show=show,
    )
