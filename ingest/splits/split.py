"""What is decided of patients and folds before a scan is read, and what follows once all are."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ingest.case import Case
from ingest.splits.folds import Subject, assign_folds
from ingest.splits.options import SplitOptions
from ingest.splits.own_folds import OwnFolds, own_folds
from shards.manifest import CaseEntry, Manifest


@dataclass(frozen=True, kw_only=True)
class Split:
    """How the cases of a source are split.

    Attributes:
        patients: Whose scan each case is, by name.
        patients_from: What tells that, in words; empty where the source does.
        own: Folds that the user or the source brings along; None where we decide.
        seed: Decides then.
    """

    patients: Mapping[str, str]
    patients_from: str
    own: OwnFolds | None
    seed: int

    @classmethod
    def of(cls, cases: Sequence[Case], options: SplitOptions, *, seed: int = 0) -> Self:
        """The split of cases whose patients are told.

        Raises:
            BadCaseError: If the folds that the options name cannot be used.
        """
        return cls(
            patients={case.name: case.patient for case in cases},
            patients_from=options.patients_from,
            own=own_folds(cases, options.folds_file),
            seed=seed,
        )

    @property
    def folds_from(self) -> str:
        """What decides the folds, in words."""
        return self.own.told_by if self.own else f"seed {self.seed}"

    def entries(self, entries: Mapping[str, CaseEntry]) -> dict[str, CaseEntry]:
        """The entries of cases, sorted, with the patients of this split."""
        return {
            name: dataclasses.replace(entry, patient=self.patients[name])
            for name, entry in sorted(entries.items())
        }

    def folds(self, entries: Mapping[str, CaseEntry]) -> dict[str, int]:
        """The fold of each case by name, sorted."""
        if self.own:
            return {name: self.own.folds[name] for name in sorted(entries)}
        subjects = {
            name: Subject(patient=self.patients[name], tumor_volume_ml=entry.tumor_volume_ml)
            for name, entry in entries.items()
        }
        return assign_folds(subjects, seed=self.seed)

    def is_that_of(self, manifest: Manifest) -> bool:
        """Whether a manifest says the same of patients and folds."""
        cases = manifest.cases
        return (
            self.entries(cases) == cases
            and self.folds(cases) == manifest.folds
            and (self.patients_from, self.folds_from)
            == (manifest.patients_from, manifest.folds_from)
        )
