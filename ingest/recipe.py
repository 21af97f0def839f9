"""The recipe by which scans become slices: its options, and itself as plain data."""

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, Self

from shards.console.limits import Limited, Limits

VALUES = Limits(least=-32768, most=32767)
"""HU, as int16 holds them."""

LABELS = Limits(least=1, most=2**31 - 1)
"""Label values that may mean tumor."""


@dataclass(frozen=True, kw_only=True)
class Recipe(Limited):
    """How scans become slices. The defaults are the tutorial's."""

    EXCLUDING: ClassVar[tuple[tuple[str, ...], ...]] = (("drop_mm", "drop_outside_lungs"),)

    size: Annotated[int, Limits(least=1, most=4096)] = 256
    """Height and width of a slice, in pixels."""
    clip: Annotated[tuple[int, int], VALUES] = (-1000, 3071)
    """Lowest and highest value kept, in HU; what lies outside is set to the nearer one."""
    scale: Annotated[float, Limits(above=0, most=1000)] = 1 / 3071
    """Factor from HU to the model's input; by default 1/3071."""
    drop_slices: Annotated[int, Limits(least=0, most=100_000)] = 30
    """Slices left out at the lower end of the scan, counted from the feet."""
    drop_mm: Annotated[float | None, Limits(least=0, most=100_000)] = None
    """Millimeters left out at the lower end, instead of a number of slices."""
    drop_outside_lungs: bool = False
    """Leave out what lies below and above the lungs instead; reads each scan twice."""
    mask: Literal["nearest", "area"] = "nearest"
    """How masks are resized: by nearest neighbor, or a pixel is tumor where half its area is."""
    tumor_labels: Annotated[tuple[int, ...], LABELS] = ()
    """Label values that are tumor, all others are background; else only 0 and 1 are accepted."""
    roi: tuple[str, ...] = ()
    """Names of the regions in DICOM masks that are tumor, one or several; `*` stands for any
    text, `?` for any letter, upper and lower case are one. `check --list-regions` lists them."""
    fill_nan: Annotated[int | None, VALUES] = None
    """HU for voxels without a number (NaN, infinite); else scans with such voxels are refused."""
    nifti_form: Literal["sform", "qform"] | None = None
    """Which of the two places in a NIfTI header counts where they differ; else that is refused."""
    any_values: bool = False
    """Accept scans whose values do not look like HU."""

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        super().__post_init__()
        low, high = self.clip
        if not low < high:
            raise ValueError(f"--clip needs LOW < HIGH, got {low} {high}")
        if isinstance(self.roi, str) or not all(name.strip() for name in self.roi):
            raise ValueError(f"--roi needs names of regions, got {self.roi!r}")

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
