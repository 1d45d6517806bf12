"""Calibration error and likelihood against loops in exact fractions and scipy in float64."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from robustbench_seg.measure.rating import classify, rate
from robustbench_seg.metrics import CALIBRATION, LIKELIHOOD, count_calibration, count_likelihood
from robustbench_seg.metrics.calibration import BINS, QUANTA

IGNORE = 255
NAMES = ("calibration_pixels", "calibration_correct", "calibration_confidence")
Counts = dict[str, np.ndarray]


def ece(counts: Counts) -> float:
    return CALIBRATION.of(counts)


def nll(negative_log_likelihood: int, pixels: int) -> float:
    return LIKELIHOOD.of({"negative_log_likelihood": negative_log_likelihood, "labelled": np.array([pixels])})


def slowly(confidence: np.ndarray, correct: np.ndarray) -> list[list[int]]:
    """Pixel by pixel, in exact fractions."""
    found = [[0] * BINS for _ in NAMES]
    for p, right in zip(confidence, correct, strict=True):
        quanta = round(Fraction(float(p)) * QUANTA)
        k = next(k for k in range(BINS) if Fraction(quanta, QUANTA) <= Fraction(k + 1, BINS))
        for values, value in zip(found, (1, int(right), quanta), strict=True):
            values[k] += value
    return found


def as_lists(counts: Counts) -> list[list[int]]:
    return [counts[name].tolist() for name in NAMES]


def test_counts_are_those_of_a_loop_in_exact_fractions() -> None:
    rng = np.random.default_rng(0)
    edges = np.arange(BINS + 1) / BINS
    confidence = np.concatenate([rng.random(1500), edges, edges[1:] - 1e-6, edges[:-1] + 1e-6]).astype(np.float32)
    correct = rng.random(confidence.size) < confidence
    counts = count_calibration(confidence, correct)
    assert as_lists(counts) == slowly(confidence, correct)
    assert {count.dtype for count in counts.values()} == {np.dtype(np.int64)}


def test_the_order_of_pixels_and_how_they_are_split_changes_no_sum() -> None:
    rng = np.random.default_rng(1)
    confidence, correct = rng.random(4000).astype(np.float32), rng.random(4000) < 0.7
    order = rng.permutation(4000)
    whole = as_lists(count_calibration(confidence, correct))
    assert as_lists(count_calibration(confidence[order], correct[order])) == whole
    parts = [as_lists(count_calibration(confidence[k::3], correct[k::3])) for k in range(3)]
    assert np.array_equal(np.sum(parts, axis=0), whole)


def test_ece_is_the_mean_gap_of_accuracy_and_confidence_weighted_by_pixels() -> None:
    rng = np.random.default_rng(2)
    confidence, correct = rng.random(3000), rng.random(3000) < 0.6
    bins = np.digitize(confidence, np.arange(1, BINS) / BINS, right=True)
    expected = sum(
        np.mean(bins == k) * abs(correct[bins == k].mean() - confidence[bins == k].mean()) for k in range(BINS)
    )
    counts = count_calibration(confidence.astype(np.float32), correct)
    assert ece(counts) == pytest.approx(expected, abs=1 / QUANTA)


def test_a_model_as_sure_as_it_is_right_has_no_error_and_a_sure_and_wrong_one_has_1() -> None:
    sure = np.ones(50, np.float32)
    assert ece(count_calibration(sure, np.ones(50, bool))) == 0
    assert ece(count_calibration(sure, np.zeros(50, bool))) == 1
    assert ece(count_calibration(sure / 2, np.arange(50) % 2 == 0)) == 0


def test_without_pixels_there_is_no_error() -> None:
    counts = count_calibration(np.zeros(0, np.float32), np.zeros(0, bool))
    assert as_lists(counts) == [[0] * BINS] * 3
    assert np.isnan(ece(counts))
    assert count_likelihood(np.zeros(0, np.float32)) == 0
    assert np.isnan(nll(0, 0))


def test_likelihood_is_a_sum_of_rounded_logarithms() -> None:
    logarithms = -np.random.default_rng(3).exponential(5, 2000).astype(np.float32)
    assert count_likelihood(logarithms) == sum(round(-Fraction(float(x)) * QUANTA) for x in logarithms)
    assert nll(3 * QUANTA, 2) == 1.5


@pytest.mark.parametrize("bad", [np.nan, 1.5, -0.5])
def test_what_is_no_probability_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=r"confidence must be in 0 \.\. 1, got"):
        count_calibration(np.array([0.5, bad], np.float32), np.ones(2, bool))


@pytest.mark.parametrize("bad", [np.nan, 0.5, -np.inf])
def test_what_is_no_logarithm_of_a_probability_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="log probability must be in"):
        count_likelihood(np.array([-0.5, bad], np.float32))


def resized(logits: torch.Tensor, size: tuple[int, int]) -> np.ndarray:
    """(C, height, width) in float64."""
    return torch.nn.functional.interpolate(logits.double(), size, mode="bilinear", align_corners=False)[0].numpy()


def scene(*sources: tuple[int, int]) -> tuple[list[torch.Tensor], np.ndarray]:
    generator = torch.Generator().manual_seed(4)
    logits = [5 * torch.randn(1, 6, *source, generator=generator) for source in sources]
    label = np.random.default_rng(5).integers(0, 6, (330, 250)).astype(np.uint8)
    label[:40, :30] = IGNORE
    return logits, label


@pytest.mark.parametrize(
    ("sources", "tolerance"),  # float32's: of exponentials alone, or of where between two logits a pixel lies as well
    [([(330, 250)], 1e-6), ([(33, 25)], 2e-5), ([(33, 25), (50, 40), (17, 13)], 2e-5)],
)
def test_probabilities_are_those_of_the_resized_logits(sources: list[tuple[int, int]], tolerance: float) -> None:
    logits, label = scene(*sources)
    rated = rate(logits, torch.from_numpy(label)[None])
    assert torch.equal(rated.classes, classify(logits, label.shape)), "the same classes as without probabilities"
    probabilities = np.mean([softmax(resized(x, label.shape), axis=0) for x in logits], axis=0)
    valid = label != IGNORE
    np.testing.assert_allclose(rated.confidence[0].numpy(), probabilities.max(axis=0), atol=tolerance, rtol=0)
    labelled = np.take_along_axis(probabilities, np.where(valid, label, 0)[None].astype(int), axis=0)[0]
    np.testing.assert_allclose(
        rated.log_likelihood[0].numpy()[valid], np.log(labelled)[valid], atol=5 * tolerance, rtol=1e-6
    )


def test_nll_is_the_mean_of_scipys_log_softmax() -> None:
    logits, label = scene((33, 25))
    rated = rate(logits, torch.from_numpy(label)[None])
    valid = label != IGNORE
    expected = -np.take_along_axis(log_softmax(resized(logits[0], label.shape), axis=0), label[None] % 6, axis=0)[0]
    found = nll(count_likelihood(rated.log_likelihood[0].numpy()[valid]), int(valid.sum()))
    # half a quantum of rounding at most, and float32's resizing and exponentials, whose errors cancel in the mean
    assert found == pytest.approx(expected[valid].mean(), abs=0.5 / QUANTA + 1e-6)


def test_a_label_held_impossible_counts_as_the_least_probability_that_float32_holds() -> None:
    label = torch.zeros(1, 4, 4, dtype=torch.uint8)
    logits = torch.zeros(1, 2, 4, 4)
    logits[:, 1] = 1000
    least = np.log(np.finfo(np.float32).tiny)
    for several in (1, 2):
        rated = rate([logits] * several, label)
        assert rated.confidence.unique().tolist() == [1]
        np.testing.assert_allclose(rated.log_likelihood.numpy(), least, rtol=1e-6)


def test_the_number_of_threads_changes_no_count() -> None:
    logits, label = scene((33, 25))
    threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            rated = rate(logits, torch.from_numpy(label)[None])
            confidence = rated.confidence[0].numpy().ravel()
            correct = (rated.classes[0].numpy() == label).ravel()
            found.append(
                (as_lists(count_calibration(confidence, correct)), count_likelihood(rated.log_likelihood.numpy()))
            )
    finally:
        torch.set_num_threads(threads)
    assert found[0] == found[1]
