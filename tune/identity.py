"""A search's folder belongs to one search: its settings and its shards."""

import json
from typing import Any

from shards.console.command import save_config
from shards.console.groups import flat_values
from shards.console.whole import write_json
from tune.config import SearchOptions
from tune.errors import SearchError

_MAY_CHANGE = ("address",)
_FILE = "identity.json"


def check_identity(options: SearchOptions, manifest_sha256: str) -> None:
    """Take a new folder, or make sure that the search in it is this one.

    Args:
        options: The options, with absolute paths.
        manifest_sha256: Of the shards.

    Raises:
        SearchError: If the folder holds another search, or something else.
    """
    path = options.out / _FILE
    ours = _identity(options, manifest_sha256)
    if not path.exists():
        _check_vacant(options)
        save_config(options, options.out / "config.yaml")
        write_json(path, ours)
        return
    theirs = json.loads(path.read_text(encoding="utf-8"))
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            raise SearchError(
                f"{options.out} holds a search with {_said(name)} {theirs.get(name)}, now it is "
                f"{ours.get(name)}: repeat the command as it was (see config.yaml there), or "
                "choose another --out"
            )


def _identity(options: SearchOptions, manifest_sha256: str) -> dict[str, Any]:
    values = {
        name: value for name, value in flat_values(options).items() if name not in _MAY_CHANGE
    }
    identity: dict[str, Any] = json.loads(json.dumps(values))
    return identity | {"manifest_sha256": manifest_sha256}


def _check_vacant(options: SearchOptions) -> None:
    """A folder of something else is not built into."""
    found = sorted(path.name for path in options.out.iterdir() if not path.name.startswith("."))
    if found:
        raise SearchError(
            f"--out must be empty or hold a search, {options.out} has {', '.join(found[:3])}: "
            "choose another --out"
        )


def _said(name: str) -> str:
    return "shards of manifest" if name == "manifest_sha256" else "--" + name.replace("_", "-")
