"""Whether a build may take the place of what earlier ones left in its target."""

import logging
from collections.abc import Iterator
from typing import Any

from ingest.job.journal import Past, Plan
from shards.console.words import counted
from shards.errors import ShardError
from shards.storage.target import Target

_log = logging.getLogger(__name__)


def refuse_conflict(past: Past | None, plan: Plan, target: Target, *, replace: bool) -> None:
    """Refuse to build over shards of another source, or of another recipe unless told so.

    Args:
        past: What earlier runs left; None for nothing.
        plan: What is to be built.
        target: Where.
        replace: Shards of another recipe may be built anew; it is said what differs.

    Raises:
        ShardError: With what differs.
    """
    if past is None or past.plan == plan:
        return
    if past.plan.source != plan.source:
        raise ShardError(
            f"{target.url} holds shards of {past.plan.source!r}, this source is {plan.source!r}: "
            "choose another --out, or delete it"
        )
    what = f"{counted(len(past.cases), 'shard')} of another recipe"
    differences = "; ".join(_differences(past.plan, plan))
    if replace:
        _log.warning("%s: %s replaced: %s", target.url, what, differences)
    elif past.cases:
        raise ShardError(
            f"{target.url} holds {what} ({differences}): repeat the options that it was built by, "
            "choose another --out, or replace them with --replace"
        )


def _differences(before: Plan, now: Plan) -> Iterator[str]:
    """What one plan says otherwise than another, by option."""
    old, new = (plan.recipe | {"compress": plan.compressed} for plan in (before, now))
    for name in sorted(old.keys() | new.keys()):
        was, is_now = old.get(name), new.get(name)
        if was != is_now:
            yield f"--{name.replace('_', '-')} was {_plain(was)}, is {_plain(is_now)}"


def _plain(value: Any) -> str:
    """A value of a recipe as the command line has it."""
    if value is None or value == []:
        return "not given"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
