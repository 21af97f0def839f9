"""How a model is run, for `evaluate` and `predict`, and the options of `predict`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from ingest.recipe import VALUES, Recipe
from lungseg.postprocessing.rules import Rules
from shards.console.command import Options
from shards.console.limits import Limits


@dataclass(frozen=True, kw_only=True)
class InferenceOptions(Options):
    """How to read scans and run a checkpoint on them."""

    threshold: Annotated[float | None, Limits(above=0, below=1)] = None
    """Probability from which a voxel is called tumor; by default the checkpoint's."""
    post_processing: bool = True
    """Keep only the lesions that the checkpoint's rules allow, which `lungseg.calibrate` chose;
    --no-post-processing keeps all, but for the three options below."""
    lung_hull: bool | Literal["auto"] = "auto"
    """Drop lesions that touch the convex hull of no lung; by default as the checkpoint says."""
    smallest_mm3: Annotated[float | None, Limits(least=0, most=1_000_000_000)] = None
    """Drop lesions under this volume; 0 drops none. By default the checkpoint's."""
    keep_largest: Annotated[int | None, Limits(least=0, most=1_000_000)] = None
    """Keep this many lesions of a scan, the largest; 0 keeps all. By default the checkpoint's."""
    all_slices: bool = False
    """Read every slice of a scan, those too that the training's recipe drops; by default they stay
    unread, which is said."""
    fill_nan: Annotated[int | None, VALUES] = None
    """HU for voxels without a number (NaN, infinite); else scans with such voxels are refused."""
    average_with: tuple[Path, ...] = ()
    """More checkpoints (of other folds, or seeds), whose probabilities are averaged with those of
    --checkpoint, which decides: its threshold and rules are taken."""
    flips: bool = False
    """Average over four mirrors of each slice: four times as slow."""
    device: str = "auto"
    """`auto` (a GPU where there is one), `cpu` or, for example, `cuda:1`."""
    precision: Literal["auto", "32", "bf16"] = "auto"
    """Floating point of the net's layers; auto: bf16 on GPUs and processors that have it, about
    twice as fast, which changed Dice of a case by 0.0004 in the median; else 32 bits."""
    batch_size: Annotated[int | None, Limits(least=1, most=65536)] = None
    """Slices in one forward pass; by default 16, and 2 on the processor, which more make no faster
    but need memory."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.reading(Recipe())

    def slices_at_once(self, device_type: str) -> int:
        """Slices in one forward pass on a device: `cpu`, `cuda` or another type of torch."""
        return self.batch_size or (2 if device_type == "cpu" else 16)

    def rules(self, own: Rules, recipe: Recipe) -> Rules:
        """The rules of a model, with what these options change of them.

        Raises:
            RulesError: If the slices of the recipe do not show what a rule asks for.
        """
        own = own if self.post_processing else Rules()
        rules = Rules(
            lung_hull=own.lung_hull if self.lung_hull == "auto" else self.lung_hull,
            smallest_mm3=own.smallest_mm3 if self.smallest_mm3 is None else self.smallest_mm3,
            keep_largest=own.keep_largest if self.keep_largest is None else self.keep_largest,
        )
        rules.hold_on(recipe)
        return rules

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

    OF_ONE_RUN: ClassVar[tuple[str, ...]] = ("skip_done", "overwrite")
    EXCLUDING: ClassVar[tuple[tuple[str, ...], ...]] = (("devices", "address"),)

    checkpoint: Path
    """`best.ckpt` of a training, a file or a URL; the recipe and the threshold come from it."""
    input: Path
    """A scan (.nii.gz, .nii; .mha, .mhd, .nrrd, .nhdr, .mnc by SimpleITK), or a folder with such
    scans or DICOM series at any depth; files that are labels by their names are left out."""
    out: Path
    """Folder for `<case>.nii.gz`, 1 is tumor, on the scan's own grid, `predictions.csv`, a line per
    scan, and `lesions.csv`: volume, diameters, center (RAS+ mm), slices, probabilities of each."""
    devices: tuple[str, ...] = ()
    """Several devices that share the scans, `cuda:0 cuda:1`, instead of --device."""
    address: str | None = None
    """Ray cluster whose workers share the scans, each with a GPU where there are any: auto for the
    one this machine belongs to, or host:port. All nodes must reach the files under one name."""
    format: Literal["nifti", "dicom-seg"] = "nifti"
    """dicom-seg: `<case>.dcm` instead, a segmentation that viewers show on its series; of DICOM
    series only, with highdicom (`pip install 'lungseg[dicom]'`)."""
    probabilities: bool = False
    """Write `probabilities/<case>.nii.gz` too: the probability of each voxel, from 0 to 1 in steps
    of 0.005, before threshold and rules."""
    gif: bool = False
    """Write `<case>.gif` too: the slices that the model saw, the prediction outlined."""
    mp4: bool = False
    """The same as `<case>.mp4` (MPEG-4): for players and slides, browsers do not show it."""
    contact_sheet: bool = False
    """Write `<case>.png` too: up to 20 slices with tumor on one picture, for a paper or a mail."""
    skip_done: bool = False
    """Leave out scans whose result is in the folder already, made from the same scan by the same
    checkpoint and options: goes on where a run was cut off."""
    overwrite: bool = False
    """Replace results that are already in the folder."""
