"""What a shard set holds, from its manifest alone."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from shards.console.command import Options
from shards.manifest import FORMAT_VERSION, MANIFEST_NAME, CaseEntry, Manifest
from shards.storage.place import locate, manifest_bytes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Info(Options):
    """Say what a shard set holds: cases, slices, tumor share, folds, recipe, what was rejected."""

    shards: str
    """Folder (or URL) of the shards that `python -m ingest build-shards` wrote."""


def info(url: str) -> dict[str, Any]:
    """Describe a shard set; no shard and no index is read.

    Args:
        url: Its folder or URL.

    Returns:
        Plain values, for JSON or for `show_info`.

    Raises:
        shards.errors.ShardError: If no shard set lies there.
    """
    place, remote = locate(url)
    manifest = Manifest.from_json(manifest_bytes(place, remote), where=f"{place}/{MANIFEST_NAME}")
    entries = manifest.cases.values()
    return {
        "shards": place,
        "format_version": FORMAT_VERSION,
        "source": manifest.source,
        **_sums(entries),
        "tumor_voxels_dropped": sum(entry.tumor_voxels_dropped for entry in entries),
        "slice_shape": list(manifest.slice_shape),
        "compressed": manifest.compressed,
        "recipe": manifest.recipe,
        "tools": manifest.tools,
        "folds_from": manifest.folds_from,
        "patients": len({entry.patient for entry in entries}),
        "patients_from": manifest.patients_from,
        "folds": [{"fold": fold, **_sums(_fold(manifest, fold))} for fold in _folds(manifest)],
        "rejected": manifest.rejected,
        "warnings": {
            name: list(entry.warnings) for name, entry in manifest.cases.items() if entry.warnings
        },
    }


def _folds(manifest: Manifest) -> list[int]:
    return sorted(set(manifest.folds.values()))


def _fold(manifest: Manifest, fold: int) -> list[CaseEntry]:
    return [entry for name, entry in manifest.cases.items() if manifest.folds[name] == fold]


def _sums(entries: Iterable[CaseEntry]) -> dict[str, Any]:
    entries = list(entries)
    slices = sum(entry.slices for entry in entries)
    tumor_slices = sum(entry.tumor_slices for entry in entries)
    return {
        "cases": len(entries),
        "slices": slices,
        "tumor_slices": tumor_slices,
        "tumor_share": round(tumor_slices / slices, 4) if slices else 0.0,
        "bytes": sum(entry.bytes for entry in entries),
    }


def show_info(found: dict[str, Any]) -> str:
    """Render what `info` found as a table."""
    height, width = found["slice_shape"]
    image = "gzipped" if found["compressed"] else "plain"
    lines = [
        f"{found['shards']}: format {found['format_version']}, source {found['source']}, "
        f"{height} x {width} slices, {image}",
        "",
        _row("", "cases", "slices", "with tumor", "share", "size"),
        *(_counts(f"fold {fold['fold']}", fold) for fold in found["folds"]),
        _counts("all", found),
        "",
        f"folds: by {found['folds_from'] or 'an earlier version'}; {_patients(found)}",
        "recipe: " + _pairs(found["recipe"]),
        "tools: " + _pairs(found["tools"]),
        f"tumor voxels in dropped slices: {found['tumor_voxels_dropped']}",
        *(f"rejected {case}: {reason}" for case, reason in found["rejected"].items()),
        *(f"warning {case}: {text}" for case, said in found["warnings"].items() for text in said),
    ]
    return "\n".join(lines)


def _patients(found: dict[str, Any]) -> str:
    told = f" (by {found['patients_from']})" if found["patients_from"] else ""
    return f"{found['patients']} patients{told}"


def _counts(name: str, sums: dict[str, Any]) -> str:
    share, size = f"{100 * sums['tumor_share']:.1f} %", f"{sums['bytes'] / 1e6:.1f} MB"
    return _row(name, sums["cases"], sums["slices"], sums["tumor_slices"], share, size)


def _row(name: str, *cells: object) -> str:
    return f"{name:<8}" + "".join(f"{cell:>12}" for cell in cells)


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
