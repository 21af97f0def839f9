"""The recipe by which scans become slices: its options, and itself as plain data."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

_LOWEST, _HIGHEST = -32768, 32767  # int16


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How scans become slices. The defaults are the tutorial's."""

    size: int = 256
    """Height and width of a slice, in pixels."""
    clip: tuple[int, int] = (-1000, 3071)
    """Lowest and highest value kept, in HU; what lies outside is set to the nearer one."""
    scale: float = 1 / 3071
    """Factor from HU to the model's input; by default 1/3071."""
    drop_slices: int = 30
    """Slices left out at the lower end of the scan, counted from the feet."""
    drop_mm: float | None = None
    """Millimeters left out at the lower end, instead of a number of slices."""
    drop_outside_lungs: bool = False
    """Leave out what lies below and above the lungs instead; reads each scan twice."""
    mask: Literal["nearest", "area"] = "nearest"
    """How masks are resized: by nearest neighbor, or a pixel is tumor where half its area is."""
    tumor_labels: tuple[int, ...] = ()
    """Label values that are tumor, all others are background; else only 0 and 1 are accepted."""
    roi: tuple[str, ...] = ()
    """Names of the regions in DICOM masks that are tumor, one or several; `*` stands for any
    text, `?` for any letter, upper and lower case are one. `check --list-regions` lists them."""
    fill_nan: int | None = None
    """HU for voxels without a number (NaN, infinite); else scans with such voxels are refused."""
    nifti_form: Literal["sform", "qform"] | None = None
    """Which of the two places in a NIfTI header counts where they differ; else that is refused."""
    any_values: bool = False
    """Accept scans whose values do not look like HU."""

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        if self.size < 1:
            raise ValueError(f"--size must be at least 1 pixel, got {self.size}")
        low, high = self.clip
        if not _LOWEST <= low < high <= _HIGHEST:
            raise ValueError(f"--clip needs LOW < HIGH within int16, got {low} {high}")
        if self.drop_slices < 0:
            raise ValueError(f"--drop-slices must be at least 0, got {self.drop_slices}")
        if self.drop_mm is not None and not 0 <= self.drop_mm < math.inf:
            raise ValueError(f"--drop-mm must be at least 0, got {self.drop_mm}")
        if self.drop_mm is not None and self.drop_outside_lungs:
            raise ValueError("--drop-mm and --drop-outside-lungs exclude each other, got both")
        if isinstance(self.roi, str) or not all(name.strip() for name in self.roi):
            raise ValueError(f"--roi needs names of regions, got {self.roi!r}")
        if self.fill_nan is not None and not _LOWEST <= self.fill_nan <= _HIGHEST:
            raise ValueError(f"--fill-nan needs a value within int16, got {self.fill_nan}")

    def num_dropped(self, step_mm: float) -> int:
        """Slices that are left out at the lower end of a scan, by count or by millimeters.

        A number of millimeters drops the slices whose whole thickness lies within it.

        Args:
            step_mm: Distance of two slices, in mm.
        """
        if self.drop_mm is None:
            return self.drop_slices
        return int(self.drop_mm / step_mm + 1e-6)

    def keeping_all(self) -> "Recipe":
        """The same recipe, by which no slice is left out."""
        return replace(self, drop_slices=0, drop_mm=None, drop_outside_lungs=False)

    @property
    def drop_rule(self) -> str:
        """The rule that leaves out slices, for people."""
        if self.drop_outside_lungs:
            return "slices outside the lungs"
        if self.drop_mm is not None:
            return f"the lowest {self.drop_mm:g} mm"
        return f"the lowest {self.drop_slices} slices"

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data, for the manifest and the checkpoint."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The recipe that `to_dict` wrote down."""
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**known)
