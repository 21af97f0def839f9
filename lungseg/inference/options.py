"""How a model is run, for `evaluate` and `predict`, and the options of `predict`."""

from dataclasses import dataclass, replace
from pathlib import Path

from ingest.recipe import Recipe
from shards.console.command import Options


@dataclass(frozen=True, kw_only=True)
class InferenceOptions(Options):
    """How to read scans and run a checkpoint on them."""

    threshold: float | None = None
    """Probability from which a voxel is called tumor; by default the checkpoint's."""
    all_slices: bool = False
    """Read every slice of a scan, those too that the training's recipe drops; by default they stay
    unread, which is said."""
    fill_nan: int | None = None
    """HU for voxels without a number (NaN, infinite); else scans with such voxels are refused."""
    device: str = "auto"
    """`auto` (a GPU where there is one), `cpu` or, for example, `cuda:1`."""
    batch_size: int = 16
    """Slices in one forward pass."""

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise ValueError(f"--threshold must lie between 0 and 1, got {self.threshold}")
        if self.batch_size < 1:
            raise ValueError(f"--batch-size must be at least 1, got {self.batch_size}")
        self.reading(Recipe())

    def reading(self, recipe: Recipe) -> Recipe:
        """The recipe of a training, with what these options change of it.

        Raises:
            ValueError: If they ask for what no recipe allows.
        """
        if self.all_slices:
            recipe = recipe.keeping_all()
        return recipe if self.fill_nan is None else replace(recipe, fill_nan=self.fill_nan)


@dataclass(frozen=True, kw_only=True)
class PredictOptions(InferenceOptions):
    """Find tumor in scans."""

    checkpoint: Path
    """`best.ckpt` of a training; the recipe and the threshold come from it."""
    input: Path
    """A scan (.nii.gz, .nii; .mha, .mhd, .nrrd, .nhdr, .mnc by SimpleITK), or a folder with such
    scans or DICOM series at any depth; files that are labels by their names are left out."""
    out: Path
    """Folder for `<case>.nii.gz`, 1 is tumor, on the scan's own grid, and `predictions.csv`."""
    gif: bool = False
    """Write `<case>.gif` too: the slices that the model saw, the prediction outlined."""
    skip_done: bool = False
    """Leave out scans whose result is in the folder already, made from the same scan by the same
    checkpoint and options: goes on where a run was cut off."""
    overwrite: bool = False
    """Replace results that are already in the folder."""
