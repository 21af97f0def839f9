import numpy as np
import pytest

from ingest.phantom.patient import draw_patient

POINTS = np.random.default_rng(2).uniform(-120, 120, (500, 3))


@pytest.fixture(scope="module")
def patients():
    return [draw_patient(np.random.default_rng(seed)) for seed in range(200)]


def test_bending_a_patient_can_be_undone():
    patient = draw_patient(np.random.default_rng(1))
    np.testing.assert_allclose(patient.to_standard(patient.to_scan(POINTS)), POINTS, atol=0.3)


def test_the_standard_patient_is_the_standard_chest(standard_patient):
    patient = standard_patient()
    np.testing.assert_allclose(patient.to_scan(POINTS), POINTS)
    np.testing.assert_allclose(patient.to_standard(POINTS), POINTS)


def test_a_patient_without_waves_is_scaled_then_turned_then_shifted(standard_patient):
    patient = standard_patient(scale=(2.0, 3.0, 0.5), turn=np.pi / 2, shift_mm=(10.0, 20.0))
    here = patient.to_scan(np.array([(1.0, 0, 8), (0, 1, 8), (0, 0, 0)]))
    np.testing.assert_allclose(here, [(10, 22, 4), (7, 20, 4), (10, 20, 0)], atol=1e-9)
    np.testing.assert_allclose(patient.to_standard(here)[0], (1, 0, 8), atol=1e-9)


def test_a_wave_shifts_points_by_the_sine_of_their_place(standard_patient):
    wave = np.array([[0.1, 0.2, 0.3, 0.4, 5.0, -7.0]])
    moved = standard_patient(waves=wave).to_scan(POINTS) - POINTS
    sine = np.sin(POINTS @ (0.1, 0.2, 0.3) + 0.4)
    np.testing.assert_allclose(moved, np.outer(sine, (5, -7, 0)), atol=1e-9)


def test_a_section_is_mapped_as_the_body_is(patients):
    for patient in patients[:5]:
        section = np.column_stack([POINTS[:, :2], np.full(len(POINTS), 33.0)])
        flat = patient.to_scan_at(POINTS[:, :2], 33.0)
        np.testing.assert_allclose(flat, patient.to_scan(section)[:, :2])


def test_patients_differ_within_what_bodies_do(patients):
    scales = np.array([patient.scale for patient in patients])
    assert 0.85 < scales.min() < 0.92
    assert 1.08 < scales.max() < 1.14
    assert all(7 <= patient.fat_mm <= 24 for patient in patients)
    assert all(-880 <= patient.lung_hu <= -830 for patient in patients)
    assert all(abs(patient.turn) < 0.15 for patient in patients)
    assert all(np.linalg.norm(patient.shift_mm) < 25 for patient in patients)


def test_some_have_breasts_and_some_contrast_medium(patients):
    breasts = np.array([patient.breast_mm for patient in patients])
    blood = np.array([patient.blood_hu for patient in patients])
    assert 0.35 < (breasts > 0).mean() < 0.55
    assert ((breasts == 0) | ((breasts >= 10) & (breasts <= 26))).all()
    assert 0.25 < (blood > 48).mean() < 0.45
    assert (((blood >= 35) & (blood <= 48)) | ((blood >= 90) & (blood <= 190))).all()


def test_waves_are_four_long_and_two_short_ones(patients):
    waves = np.stack([patient.waves for patient in patients])
    length = 2 * np.pi / np.linalg.norm(waves[:, :, :3], axis=2)
    assert ((length[:, :4] > 110) & (length[:, :4] < 260)).all()
    assert ((length[:, 4:] > 35) & (length[:, 4:] < 60)).all()
    assert waves[:, :4, 4:].std() == pytest.approx(2.1, rel=0.1)
    assert waves[:, 4:, 4:].std() == pytest.approx(0.6, rel=0.1)
    assert 0 <= waves[:, :, 3].min() < waves[:, :, 3].max() <= 2 * np.pi


def test_the_seed_decides_the_patient():
    one, same, other = (draw_patient(np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert np.array_equal(one.to_scan(POINTS), same.to_scan(POINTS))
    assert one.blood_hu == same.blood_hu != other.blood_hu
