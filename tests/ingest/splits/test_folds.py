"""The laws of folds: whole patients, even sizes, every size of tumor everywhere."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.splits.folds import Subject, assign_folds


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
    assert assign_folds(cases) == assign_folds(cases, seed=0, num_folds=5)
    assert len({tuple(assign_folds(cases, seed=seed).values()) for seed in range(5)}) == 5


@pytest.mark.parametrize(("count", "folds"), [(0, set()), (1, {0}), (3, {0, 1, 2})])
def test_fewer_patients_than_folds_make_fewer_folds(count, folds):
    assert set(assign_folds(subjects(count)).values()) == folds


SUBJECTS = st.dictionaries(
    st.text("abc", min_size=1, max_size=4),
    st.builds(
        Subject,
        patient=st.sampled_from([f"p{n}" for n in range(12)]),
        tumor_volume_ml=st.floats(0, 500),
    ),
    max_size=30,
)


@given(cases=SUBJECTS, num_folds=st.integers(1, 6), seed=st.integers(0, 99), data=st.data())
def test_the_laws_hold_for_any_cases(cases, num_folds, seed, data):
    folds = assign_folds(cases, num_folds=num_folds, seed=seed)
    assert list(folds) == sorted(cases)
    fold_of = {cases[name].patient: fold for name, fold in folds.items()}
    assert all(fold_of[cases[name].patient] == fold for name, fold in folds.items())
    width = min(num_folds, len(fold_of))
    assert set(folds.values()) == set(range(width))
    sizes = Counter(fold_of.values())
    assert not sizes or max(sizes.values()) - min(sizes.values()) <= 1
    largest = {}
    for subject in cases.values():
        volume = max(largest.get(subject.patient, 0), subject.tumor_volume_ml)
        largest[subject.patient] = volume
    ranked = [fold_of[patient] for patient in sorted(largest, key=lambda p: (largest[p], p))]
    for start in range(0, len(ranked) - width + 1, max(width, 1)):
        assert sorted(ranked[start : start + width]) == list(range(width))
    shuffled = dict(data.draw(st.permutations(list(cases.items()))))
    assert assign_folds(shuffled, num_folds=num_folds, seed=seed) == folds
