"""What a shard set says of itself: `manifest.json`."""

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from shards.errors import FormatVersionError, ManifestError

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
INDEX_NAME = "index.parquet"


@dataclass(frozen=True, kw_only=True)
class CaseEntry:
    """One case of the set, which is one shard.

    Attributes:
        shard: Path of the tar below the set's root, `cases/<case>.tar`.
        bytes: Size of the tar.
        sha256: Hash of the tar, hexadecimal.
        source: Fingerprint of the files the case was made from: per role (`image`, `label`) a
            mapping with `file` (name below the source), `bytes` and `crc32` of a gzip's content,
            or `modified_ns` where a file has no checksum of its own, or `files_crc32` of the names,
            sizes and times of several; for a DICOM mask also `roi`, the names by which its regions
            were chosen.
        patient: Whose scan it is; the case's own name when not known.
        shape: Voxels of the source scan along its own stored axes (i, j, k).
        affine: 4 x 4 voxel-to-world matrix of the source scan, RAS, mm.
        spacing_mm: Voxel pitch of the source scan along its own stored axes, mm.
        orientation: Axis codes of the source scan as stored, for example `LPS`.
        slice_spacing_mm: Pitch of the slices along (x, y, z), mm; None in sets of a time when
            slices were always whole planes.
        slices: Slices kept, and so samples in the shard.
        slices_dropped: Slices the recipe dropped.
        tumor_slices: Kept slices with tumor.
        tumor_voxels: Tumor voxels of the source in kept slices.
        tumor_voxels_dropped: Tumor voxels of the source in dropped slices.
        measures: Further numbers about the source, by name.
        warnings: What was odd about the case, one line each.
    """

    shard: str
    bytes: int
    sha256: str
    source: dict[str, Any]
    patient: str
    shape: tuple[int, int, int]
    affine: tuple[tuple[float, float, float, float], ...]
    spacing_mm: tuple[float, float, float]
    orientation: str
    slices: int
    slices_dropped: int
    tumor_slices: int
    tumor_voxels: int
    tumor_voxels_dropped: int
    measures: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    slice_spacing_mm: tuple[float, float, float] | None = None

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel of the source scan, also where its axes stand askew, in mL."""
        return abs(float(np.linalg.det(np.array(self.affine)[:3, :3]))) / 1000

    @property
    def tumor_volume_ml(self) -> float:
        """Volume of the tumor in the whole source scan, in mL."""
        return (self.tumor_voxels + self.tumor_voxels_dropped) * self.voxel_ml

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The entry that `dataclasses.asdict` wrote down and JSON gave back."""
        affine = tuple(tuple(row) for row in values["affine"])
        tuples: dict[str, Any] = {
            name: tuple(values[name])
            for name in ("shape", "spacing_mm", "warnings", "slice_spacing_mm")
            if values.get(name) is not None
        }
        return cls(**{**values, **tuples, "affine": affine})


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that is known of a shard set without opening a shard.

    Attributes:
        recipe: The preprocessing, as `ingest.recipe.Recipe` writes itself down; its `roi` and
            `tumor_labels` say what counts as tumor in a mask.
        source: Name of the data set the scans came from.
        tools: Version of each library that shaped the bytes.
        slice_shape: (height, width) of every slice, pixels.
        folds: Fold of each case, 0-based.
        folds_from: What decided them: `seed 0`, or the name of the file that says so; empty in sets
            that do not know.
        patients_from: What told the patients, such as `pattern ^[^_]+`; empty where the source did.
        compressed: Whether images are stored as `.ct.npy.gz`.
        cases: The cases by name, sorted.
        rejected: Reason by name for each case that could not be built.
        rejected_sources: Fingerprint, as in `CaseEntry.source`, of the files of those that the same
            files would make fail again.
        index_sha256: Hash of `index.parquet`, hexadecimal; empty until the index is written.
    """

    recipe: dict[str, Any]
    source: str
    tools: dict[str, str]
    slice_shape: tuple[int, int]
    folds: dict[str, int]
    cases: dict[str, CaseEntry]
    rejected: dict[str, str] = field(default_factory=dict)
    rejected_sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    compressed: bool = False
    folds_from: str = ""
    patients_from: str = ""
    index_sha256: str = ""

    def voxel_ml(self, case: str) -> float:
        """Volume of a voxel of a case's slices in the shards, mL."""
        entry, (height, width) = self.cases[case], self.slice_shape
        if entry.slice_spacing_mm is not None:
            pixels = math.prod(entry.slice_spacing_mm) / math.prod(entry.spacing_mm)
            return entry.voxel_ml * pixels
        scan_ml = math.prod(entry.shape) * entry.voxel_ml
        return scan_ml / ((entry.slices + entry.slices_dropped) * height * width)

    def to_json(self) -> str:
        """The text of `manifest.json`: equal manifests give equal text, with a hash of its own."""
        content = {"format_version": FORMAT_VERSION} | dataclasses.asdict(self)
        content["cases"] = dict(sorted(content["cases"].items()))
        return json.dumps(content | {"sha256": _hash(content)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str) -> Self:
        """Read the text of a `manifest.json`.

        Args:
            text: The file's content.
            where: Path or URL it came from, for messages.

        Returns:
            The manifest.

        Raises:
            ManifestError: If it is no manifest, or not as it was written.
            FormatVersionError: If it is one of another format version.
        """
        try:
            content = dict(json.loads(text))
            sha256 = content.pop("sha256", None)
            version, intact = content["format_version"], sha256 == _hash(content)
            del content["format_version"]
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ManifestError(
                f"{where} is no manifest of a shard set ({error}): build it again with "
                "`python -m ingest build-shards`"
            ) from error
        if version != FORMAT_VERSION:
            raise FormatVersionError(
                f"{where} has shard format version {version}, this program reads "
                f"{FORMAT_VERSION}: build the shards again with `python -m ingest build-shards`"
            )
        if not intact:
            raise ManifestError(
                f"{where} is damaged or was changed by hand, its content differs from its own "
                "sha256: delete it and run `python -m ingest build-shards` again"
            )
        try:
            cases = {
                name: CaseEntry.from_dict(values) for name, values in content.pop("cases").items()
            }
            shape = tuple(content.pop("slice_shape"))
            return cls(cases=cases, slice_shape=shape, **content)
        except (KeyError, TypeError, AttributeError) as error:
            raise ManifestError(f"{where} is damaged: {error}") from error


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, indent=1).encode()).hexdigest()
