"""The recipe by which scans become slices: its options, and itself as plain data."""

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, Self

from shards.console.limits import Limited, Limits
from shards.console.words import counted

VALUES = Limits(least=-32768, most=32767)
"""HU, as int16 holds them."""

LABELS = Limits(least=1, most=2**31 - 1)
"""Label values that may mean tumor."""

_ABDOMEN_SLICES = 30  # of a chest scan, at its lower end, as the tutorial has it
_ABDOMEN_MM = 80.0  # the most that these may be: of thicker slices they reach into the chest


@dataclass(frozen=True, kw_only=True)
class Recipe(Limited):
    """How scans become slices.

    The defaults are the tutorial's, where slices are at most 2.6 mm, but for masks of whole planes.
    """

    EXCLUDING: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("drop_slices", "drop_mm", "drop_outside_lungs"),
    )

    size: Annotated[int, Limits(least=1, most=4096)] = 256
    """Height and width of a slice, in pixels."""
    pixel_mm: Annotated[float | None, Limits(least=0.1, most=20)] = None
    """Resample each plane to pixels of this many mm, and take --size of them around its middle, so
    that a tumor of one size looks alike in every scan; what lies beyond the scan is air. By default
    a slice is the whole plane, drawn to --size whatever its mm."""
    clip: Annotated[tuple[int, int], VALUES] = (-1000, 3071)
    """Lowest and highest value kept, in HU; what lies outside is set to the nearer one."""
    scale: Annotated[float, Limits(above=0, most=1000)] = 1 / 3071
    """Factor from HU to the model's input; by default 1/3071."""
    drop_slices: Annotated[int | None, Limits(least=0, most=100_000)] = None
    """Slices left out at the lower end of the scan, counted from the feet; by default the
    tutorial's 30, but none of a scan in which these are more than 80 mm."""
    drop_mm: Annotated[float | None, Limits(least=0, most=100_000)] = None
    """Millimeters left out at the lower end, instead of a number of slices."""
    drop_outside_lungs: bool = False
    """Leave out what lies below and above the lungs instead; reads each scan twice."""
    mask: Literal["area", "nearest"] | None = None
    """How masks are resized: a pixel is tumor where half its area is, or by nearest neighbor; by
    default nearest with --pixel-mm and area without, where nearest, the tutorial's, shifts masks
    by half a pixel, here and in what is learned from them."""
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
        if self.mask is None:
            object.__setattr__(self, "mask", "nearest" if self.pixel_mm else "area")

    def num_dropped(self, step_mm: float) -> int:
        """Slices that are left out at the lower end of a scan, by count or by millimeters.

        A number of millimeters drops the slices whose whole thickness lies within it.

        Args:
            step_mm: Distance of two slices, in mm.
        """
        if self.drop_mm is not None:
            return int(self.drop_mm / step_mm + 1e-6)
        if self.drop_slices is not None:
            return self.drop_slices
        return _ABDOMEN_SLICES if self.may_drop_abdomen(step_mm) else 0

    def may_drop_abdomen(self, step_mm: float) -> bool:
        """Whether the tutorial's 30 slices can be below the lungs, in slices of this distance."""
        return _ABDOMEN_SLICES * step_mm <= _ABDOMEN_MM + 1e-6

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
        count = _ABDOMEN_SLICES if self.drop_slices is None else self.drop_slices
        return f"the lowest {counted(count, 'slice')}"

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data, for the manifest and the checkpoint."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The recipe that `to_dict` wrote down, also before a drop rule excluded the others."""
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        if known.get("drop_mm") is not None or known.get("drop_outside_lungs"):
            known["drop_slices"] = None
        return cls(**known)
