"""The recipes that `quality.py` holds beside each other: what is built, trained and scored."""

from dataclasses import dataclass, replace

SMALL = (
    "--width 8 --depth 5 --norm group --lr 0.003 --batch-size 8 --augment light --precision bf16 "
    "--transplant 0"
)


@dataclass(frozen=True)
class Recipe:
    """A way from scans to masks.

    Attributes:
        build: Options of `ingest build-shards`.
        fit: Options of `lungseg.fit`.
        evaluate: Options of `lungseg.evaluate`.
        patches: Whether slices cut from patients of the Decathlon train too.
        checkpoint: Which one of the training is scored.
        peer: A program of another make, instead of all that.
    """

    build: str
    fit: str
    evaluate: str = ""
    patches: bool = False
    checkpoint: str = "best.ckpt"
    peer: str = ""

    @property
    def training(self):
        """What decides a training: recipes of which this is equal share it."""
        return self.build, self.fit, self.patches, self.peer

    def but(self, fit="", **changes):
        """The same with other options: later flags count."""
        return replace(self, fit=f"{self.fit} {fit}".strip(), **changes)


WHOLE = Recipe("--size 160", f"{SMALL} --neighbors 3")
MM2 = replace(WHOLE, build="--size 160 --pixel-mm 2")
WINDOW, CROP, TRANSPLANT = "--hu-window -1000 400", "--crop-px 96", "--transplant 0.3"
LUNG = MM2.but(WINDOW)
CROPS = LUNG.but(f"{CROP} --validate-every 1000")
ONE = "--neighbors 1 --channels 16 16 32 64 128 "
BATCH = CROPS.but(ONE + "--norm batch")
ALL_HU = replace(BATCH, fit=BATCH.fit.replace(WINDOW, ""))
PLAIN = Recipe(
    "",
    "--channels 16 16 32 64 128 --norm instance --neighbors 1 --lr 0.003 --batch-size 8 "
    "--precision bf16 --validate-every 1000 --transplant 0",
)

RECIPES = {
    "tutorial": Recipe("--size 160", "--preset tutorial --augment light --precision bf16"),
    "whole": WHOLE,
    "mm2": MM2,
    "mm2_window": LUNG,
    "mm1.5_window": replace(LUNG, build="--size 192 --pixel-mm 1.5"),
    "whole_window": WHOLE.but("--hu-window -1000 400"),
    "last": replace(MM2, checkpoint="last.ckpt"),
    "threshold_.2": replace(MM2, evaluate="--threshold 0.2"),
    "flips_.2": replace(MM2, evaluate="--flips --threshold 0.2"),
    "largest": replace(MM2, evaluate="--keep-largest 1"),
    "hull": replace(MM2, evaluate="--lung-hull"),
    "flips": replace(MM2, evaluate="--flips"),
    "patches": replace(LUNG, patches=True),
    "transplant": LUNG.but(TRANSPLANT),
    "all": LUNG.but(TRANSPLANT, patches=True),
    "one_slice": LUNG.but("--neighbors 1"),
    "full_augment": LUNG.but("--augment full"),
    "oversample_3": LUNG.but("--oversample 3"),
    "focal_tversky": LUNG.but("--loss focal_tversky"),
    "wide": LUNG.but("--width 16"),
    "ema": LUNG.but("--ema 0.99"),
    "crops": CROPS,
    "crops_one": CROPS.but(ONE + "--norm instance"),
    "crops_batch": BATCH,
    "crops_batch_hull": replace(BATCH, evaluate="--lung-hull"),
    "crops_batch_flips": replace(BATCH, evaluate="--flips"),
    "crops_batch_3_slices": BATCH.but("--neighbors 3"),
    "crops_batch_3_slices_transplant": BATCH.but(f"--neighbors 3 {TRANSPLANT}"),
    "crops_batch_3_slices_transplant_.6": BATCH.but("--neighbors 3 --transplant 0.6"),
    "crops_batch_3_slices_transplant_.6_all_hu": ALL_HU.but("--neighbors 3 --transplant 0.6"),
    "crops_batch_3_slices_transplant_.6_all_hu_area": ALL_HU.but(
        "--neighbors 3 --transplant 0.6", build=f"{MM2.build} --mask area"
    ),
    "crops_batch_patches": replace(BATCH, patches=True),
    "crops_batch_transplant": BATCH.but(TRANSPLANT),
    "crops_batch_all_hu": ALL_HU,
    "crops_batch_whole": replace(BATCH, fit=BATCH.fit.replace(CROP, "")),
    "crops_batch_group": BATCH.but("--norm group"),
    "crops_batch_full_augment": BATCH.but("--augment full"),
    "crops_batch_ema": BATCH.but("--ema 0.99"),
    "crops_batch_oversample_3": BATCH.but("--oversample 3"),
    "crops_batch_focal_tversky": BATCH.but("--loss focal_tversky"),
    "crops_batch_narrow": BATCH.but("--channels 8 8 16 32 64"),
    "plain": PLAIN,
    "monai": Recipe("", "", peer="monai"),
}
