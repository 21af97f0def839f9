"""The laws of folds: whole patients, even sizes, every size of tumor everywhere."""

from collections import Counter

import pytest

from ingest.job.folds import Subject, assign_folds


def subjects(count, *, scans_each=1):
    return {
        f"case_{patient:03d}_{scan}": Subject(
            patient=f"p{patient}", tumor_volume_ml=float(patient**2)
        )
        for patient in range(count)
        for scan in range(scans_each)
    }


def test_every_case_has_a_fold_and_scans_of_a_patient_share_it():
    cases = subjects(23, scans_each=2)
    folds = assign_folds(cases)
    assert list(folds) == sorted(cases)
    by_patient = {}
    for name, fold in folds.items():
        assert by_patient.setdefault(cases[name].patient, fold) == fold
    sizes = Counter(by_patient.values())
    assert set(sizes) == set(range(5))
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_each_fold_gets_one_patient_of_every_range_of_volumes():
    folds = assign_folds(subjects(20))
    names = sorted(folds)
    for start in range(0, 20, 5):
        assert sorted(folds[name] for name in names[start : start + 5]) == [0, 1, 2, 3, 4]


def test_the_seed_decides_and_the_order_of_cases_does_not():
    cases = subjects(20)
    backwards = dict(reversed(cases.items()))
    assert assign_folds(cases, seed=1) == assign_folds(backwards, seed=1)
    assert len({tuple(assign_folds(cases, seed=seed).values()) for seed in range(5)}) == 5


@pytest.mark.parametrize(("count", "folds"), [(0, set()), (1, {0}), (3, {0, 1, 2})])
def test_fewer_patients_than_folds_make_fewer_folds(count, folds):
    assert set(assign_folds(subjects(count)).values()) == folds
