"""HU slice -> model-ready slice: what the recipe is and what it does to one slice."""

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How scans become slices. The defaults are the tutorial's."""

    size: int = 256
    """Height and width of a slice, in pixels."""
    clip: tuple[int, int] = (-1000, 3071)
    """Lowest and highest value kept, in HU; what lies outside is set to the nearer one."""
    scale: float = 1 / 3071
    """Factor from HU to the model's input."""
    drop_slices: int = 30
    """Slices left out at the lower end of the scan, counted from the feet."""

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data, for the manifest and the checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The recipe that `to_dict` wrote down."""
        return cls(**{**values, "clip": tuple(values["clip"])})
