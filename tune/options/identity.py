"""A search's folder belongs to one search: its shards, its trainings' settings and its space."""

import json
from typing import Any

import yaml

from shards.console.groups import flat_values
from shards.console.whole import write_json
from shards.console.words import some
from tune.options.config import SearchOptions
from tune.options.errors import SearchError

JOURNAL = "journal.jsonl"

_PLACES = ("shards", "cache", "cache_gb", "out", "storage")
_EXTENT = (
    "hours",
    "trials",
    "address",
    "concurrent",
    "cpus_per_trial",
    "gpus_per_trial",
    "devices_per_trial",
    "stall_minutes",
    "refit",
)
_MEANS = ("accelerator", "num_workers", "checkpoint_minutes")
_BEGUN_WITH = "begun_with_trials"
_MAY_CHANGE = (*_PLACES, *_EXTENT, *_MEANS, _BEGUN_WITH)
_FILE = "identity.json"


def check_identity(options: SearchOptions, manifest_sha256: str) -> int:
    """Take a new folder, or make sure that the search in it is this one.

    Args:
        options: The options, with absolute paths.
        manifest_sha256: Of the shards.

    Returns:
        How many trials the search was begun with.

    Raises:
        SearchError: If the folder holds another search, or something else.
    """
    path = options.out / _FILE
    ours = _identity(options, manifest_sha256)
    if path.exists():
        theirs = {**options.EARLIER, **json.loads(path.read_text(encoding="utf-8"))}
        _check_same(ours, theirs, options)
        _check_remembered(options)
        return int(theirs.get(_BEGUN_WITH, options.trials))
    _check_vacant(options)
    (options.out / JOURNAL).touch()
    write_json(path, ours | {_BEGUN_WITH: options.trials})
    return options.trials


def _identity(options: SearchOptions, manifest_sha256: str) -> dict[str, Any]:
    """What decides the trials, as it is read back from JSON."""
    identity: dict[str, Any] = json.loads(json.dumps(flat_values(options)))
    for name in _MAY_CHANGE:
        identity.pop(name, None)
    if options.space is not None:
        identity["space"] = yaml.safe_load(options.space.read_text(encoding="utf-8"))
    return identity | {"manifest_sha256": manifest_sha256}


def _check_same(ours: dict[str, Any], theirs: dict[str, Any], options: SearchOptions) -> None:
    for name in sorted((ours.keys() | theirs.keys()) - set(_MAY_CHANGE)):
        if ours.get(name) != theirs.get(name):
            raise SearchError(
                f"{options.out} holds a search with {_said(name)} {theirs.get(name)}, now it is "
                f"{ours.get(name)}: repeat the command as it was (see config.yaml there), or "
                "choose another --out"
            )


def _check_remembered(options: SearchOptions) -> None:
    """A search without its journal is not done all over again unasked."""
    if not (options.out / JOURNAL).exists():
        raise SearchError(
            f"{options.out} has a search and no {JOURNAL}, by which it goes on: bring it back, or "
            "choose another --out"
        )


def _check_vacant(options: SearchOptions) -> None:
    """A folder of something else is not built into."""
    found = sorted(
        path.name
        for path in options.out.iterdir()
        if not (path.name.startswith(".") or (path.name == JOURNAL and not path.stat().st_size))
    )
    if found:
        raise SearchError(
            f"--out must be empty or hold a search, {options.out} has {some(found)}: "
            "choose another --out"
        )


def _said(name: str) -> str:
    return "shards of manifest" if name == "manifest_sha256" else "--" + name.replace("_", "-")
