"""What a build has done already, so that the next run does only the rest.

A finished set has `manifest.json` and `index.parquet`. While a build is under way neither exists;
`.build/plan.json` says what is being built, and `.build/kept.json` and `.build/done/*.json` what
manifest and index will say of each finished case. So whoever sees a manifest sees a whole set.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from ingest.job.one_case import Built
from ingest.recipe import Recipe
from shards.arrow import from_parquet, to_parquet
from shards.errors import ManifestError
from shards.index import ShardIndex
from shards.manifest import INDEX_NAME, MANIFEST_NAME, CaseEntry, Manifest
from shards.storage.target import Target

BUILD_FOLDER = ".build"
_DONE = f"{BUILD_FOLDER}/done"
_KEPT = f"{BUILD_FOLDER}/kept.json"
_PLAN = f"{BUILD_FOLDER}/plan.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What decides the bytes of every shard, apart from its source.

    Attributes:
        source: Name of the data set.
        recipe: As in the manifest.
        compressed: Whether images are stored compressed.
    """

    source: str
    recipe: dict[str, Any]
    compressed: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Past:
    """What earlier runs left.

    Attributes:
        plan: What they were building.
        tools: Versions of the libraries that shaped the shards.
        entries: The cases they finished.
        leaving: Cases whose shards a build that was cut off meant to delete.
        manifest: That of the finished set; None when the build was cut off.
        indexes: Index of each finished case; None when `index.parquet` has them.
    """

    plan: Plan
    tools: dict[str, str]
    entries: dict[str, CaseEntry]
    leaving: frozenset[str] = frozenset()
    manifest: Manifest | None = None
    indexes: dict[str, ShardIndex] | None = None

    @property
    def cases(self) -> frozenset[str]:
        """Cases of which a shard may lie in the target."""
        return self.leaving | set(self.entries)

    def built(self, names: Iterable[str], target: Target) -> dict[str, Built]:
        """The finished cases of these names."""
        indexes = self.indexes
        if indexes is None:
            where = f"{target.url}/{INDEX_NAME}"
            index = from_parquet(target.read(INDEX_NAME) or b"", where=where)
            indexes = {name: index.only(place) for place, name in enumerate(index.cases)}
        return {name: Built(entry=self.entries[name], index=indexes[name]) for name in names}


def past(target: Target) -> Past | None:
    """Look up what earlier runs left; None for nothing.

    Raises:
        ManifestError: If it cannot be read.
    """
    text = target.read(MANIFEST_NAME)
    if text is None or INDEX_NAME not in target.sizes(""):
        return _cut_off(target)
    manifest = Manifest.from_json(text, where=f"{target.url}/{MANIFEST_NAME}")
    recipe = _as_written_today(manifest.recipe)
    plan = Plan(source=manifest.source, recipe=recipe, compressed=manifest.compressed)
    return Past(plan=plan, tools=manifest.tools, entries=manifest.cases, manifest=manifest)


def _cut_off(target: Target) -> Past | None:
    text = target.read(_PLAN)
    if text is None:
        return None
    entries, indexes = {}, {}
    try:
        known = json.loads(text)
        leaving, tools = frozenset(known.pop("leaving")), known.pop("tools")
        plan = Plan(**known | {"recipe": _as_written_today(known["recipe"])})
        for name in [_KEPT, *(f"{_DONE}/{name}" for name in sorted(target.sizes(_DONE)))]:
            for case, values in json.loads(target.read(name) or b"{}").items():
                entries[case] = CaseEntry.from_dict(values["entry"])
                indexes[case] = ShardIndex.of_case(case, values["rows"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(
            f"{target.url}/{BUILD_FOLDER} is damaged ({error}): delete it and build again"
        ) from error
    return Past(plan=plan, tools=tools, entries=entries, leaving=leaving, indexes=indexes)


def _as_written_today(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe with the options that it was written before; as it is, where it has unknown ones."""
    try:
        return Recipe.from_dict(recipe).to_dict()
    except (TypeError, ValueError):
        return recipe


def begin(
    target: Target,
    plan: Plan,
    kept: dict[str, Built],
    *,
    leaving: Iterable[str],
    tools: dict[str, str],
) -> None:
    """Take the set back to unfinished.

    Cut off between any two of these steps, what is there still tells the truth.

    Args:
        target: Where the set lies.
        plan: What is to be built.
        kept: The cases that stay as they are.
        leaving: Cases whose shards are deleted or replaced.
        tools: Versions of the libraries that shape the shards.
    """
    _write(target, _KEPT, kept)
    target.delete(_DONE)
    known = dataclasses.asdict(plan) | {"leaving": sorted(leaving), "tools": tools}
    target.write(_PLAN, json.dumps(known).encode())
    target.delete(MANIFEST_NAME)
    target.delete(INDEX_NAME)


def record(target: Target, case: str, built: Built) -> None:
    """Write down that a case is finished."""
    _write(target, f"{_DONE}/{case}.json", {case: built})


def finish(target: Target, manifest: Manifest, indexes: Iterable[ShardIndex]) -> None:
    """Write index and manifest, which makes the set whole."""
    index = to_parquet(ShardIndex.concatenate(list(indexes)))
    target.write(INDEX_NAME, index)
    manifest = dataclasses.replace(manifest, index_sha256=hashlib.sha256(index).hexdigest())
    target.write(MANIFEST_NAME, manifest.to_json().encode())


def _write(target: Target, name: str, cases: dict[str, Built]) -> None:
    content = {case: _as_plain(built) for case, built in cases.items()}
    target.write(name, json.dumps(content).encode())


def _as_plain(built: Built) -> dict[str, Any]:
    return {"entry": dataclasses.asdict(built.entry), "rows": built.index.rows()}
