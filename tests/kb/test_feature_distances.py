"""Distances of image features: known values, symmetry, direction, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph, Literal, Namespace
from scipy.linalg import sqrtm  # type: ignore[import-untyped]

from kb.errors import InvalidInput
from kb.knowledge import feature_distances as distances
from kb.knowledge.feature_distances import compare
from kb.knowledge.features import Features, Matrix, Origin, Preprocessing

WH = Namespace("https://w3id.org/whence/ontology/")
PARTS = {"histogram": (0, 4), "texture": (4, 7), "spectrum": (7, 10)}


def normal(n: int, d: int, seed: int, shift: float = 0, scale: float = 1) -> Matrix:
    return np.random.default_rng(seed).normal(shift, scale, (n, d))


def features(matrix: Matrix, **changes: object) -> Features:
    origin = Origin(
        kind="model",
        encoder="net.onnx",
        encoder_digest="ab" * 32,
        layer="output",
        preprocessing=Preprocessing(width=32, height=32, channels=3, intensity="8-bit by 255"),
        images=len(matrix),
        found=len(matrix),
        made_by="whence test",
    )
    return Features(matrix, None, origin.model_copy(update=changes))


def values(one: Features, other: Features) -> dict[str, float | None]:
    return {record.method: record.value for record in compare(one, other)}


def test_a_set_is_at_no_distance_from_itself() -> None:
    same = features(normal(50, 8, 1))
    found = values(same, same)
    assert found["method-centroid-cosine"] == pytest.approx(1)
    assert found["method-fid"] == pytest.approx(0, abs=1e-9)
    assert found["method-wasserstein"] == pytest.approx(0, abs=1e-9)
    assert found["method-kid"] is not None and found["method-kid"] < 0.1


def test_a_shifted_set_is_at_the_length_of_its_shift() -> None:
    matrix, shift = normal(60, 5, 2), np.array([3.0, 0, 4, 0, 0])
    found = values(features(matrix), features(matrix + shift))
    assert found["method-fid"] == pytest.approx(25)
    assert found["method-wasserstein"] == pytest.approx(5)


def test_frechet_agrees_with_the_closed_form_of_gaussians() -> None:
    one, other = normal(200, 6, 3), normal(300, 6, 4, 0.5) @ np.diag([1, 2, 3, 1, 0.5, 1.0])
    first, second = np.cov(one.T), np.cov(other.T)
    gap = one.mean(axis=0) - other.mean(axis=0)
    expected = gap @ gap + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert distances.frechet(one, other).value == pytest.approx(float(expected))
    # One dimension: (difference of means)² + (difference of standard deviations)².
    line = np.linspace(-1, 1, 101)[:, None]
    assert distances.frechet(line, 3 * line + 2).value == pytest.approx(4 + (2 * line.std(ddof=1)) ** 2)


def test_kid_agrees_with_its_definition_pair_by_pair() -> None:
    one, other = normal(5, 3, 5), normal(4, 3, 6, 1)

    def kernel(x: Matrix, y: Matrix) -> float:
        return float((x @ y / 3 + 1) ** 3)

    within = [
        np.mean([kernel(a, b) for i, a in enumerate(side) for j, b in enumerate(side) if i != j])
        for side in (one, other)
    ]
    across = np.mean([kernel(a, b) for a in one for b in other])
    assert distances.kid(one, other).value == pytest.approx(float(sum(within) - 2 * across))


def test_kid_of_one_distribution_is_zero_on_average() -> None:
    found = [distances.kid(normal(40, 4, seed), normal(40, 4, seed + 500)).value for seed in range(60)]
    numbers = np.array(found, dtype=float)
    assert abs(numbers.mean()) < 3 * numbers.std() / np.sqrt(len(numbers))
    assert (numbers < 0).any()


@pytest.mark.parametrize("method", ["method-fid", "method-kid", "method-wasserstein"])
def test_distances_grow_with_the_shift(method: str) -> None:
    one = features(normal(80, 4, 7))
    found = [values(one, features(normal(80, 4, 8, shift)))[method] for shift in (0.5, 1, 2, 4)]
    assert found == sorted(found, key=lambda value: value or 0)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 40), st.integers(2, 40), st.integers(1, 6), st.integers(0, 1_000), st.floats(-3, 3)
)  # fmt: skip
def test_every_value_is_symmetric_and_in_range(n: int, m: int, d: int, seed: int, shift: float) -> None:
    one, other = features(normal(n, d, seed)), features(normal(m, d, seed + 1, shift))
    for forth, back in zip(compare(one, other), compare(other, one), strict=True):
        if forth.value is None:
            assert forth.missing
            assert back.value is None
            continue
        assert forth.value == pytest.approx(back.value, rel=1e-6, abs=1e-9)
        assert forth.minimum is None or forth.value >= forth.minimum
        assert forth.maximum is None or forth.value <= forth.maximum


def test_draws_depend_on_the_seed_and_not_on_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "KID_WHOLE", 50)
    monkeypatch.setattr(distances, "KID_SUBSET", 30)
    monkeypatch.setattr(distances, "MATCHED", 30)
    one, other = normal(80, 4, 9), normal(60, 4, 10, 1)
    for measure in (distances.kid, distances.wasserstein):
        found = measure(one, other, 1)
        assert found.seed == 1
        assert measure(other, one, 1) == found
        assert measure(one, other, 1) == found
        assert measure(one, other, 2).value != found.value
    whole = distances._discrepancy(one, other)
    drawn = distances.kid(one, other, 1)
    assert drawn.sd is not None and drawn.value == pytest.approx(whole, abs=3 * drawn.sd)


def test_too_few_images_for_a_covariance_say_how_many_are_needed() -> None:
    found = {r.method: r for r in compare(features(normal(20, 64, 1)), features(normal(90, 64, 2)))}
    fid = found["method-fid"]
    assert fid.value is None
    assert "at least 65 images on either side, found 20" in fid.missing[0]
    assert all(record.value is not None for name, record in found.items() if name != "method-fid")


def test_a_record_holds_all_that_its_value_depends_on(ontology: Graph) -> None:
    described = features(normal(30, 10, 1) ** 2, kind="descriptor", parts=PARTS)
    for record in (
        *compare(features(normal(30, 4, 1)), features(normal(20, 4, 2))),
        *compare(described, described),
    ):
        method = WH[record.method]
        assert (method, WH.hasBasis, WH[record.basis]) in ontology
        higher = ontology.value(method, WH.higherMeansMoreSimilar)
        assert isinstance(higher, Literal)
        assert higher.toPython() is (record.direction == "higher-is-more-similar")
        assert ontology.value(method, WH.isSymmetric, default=None) is not None
        for bound, term in ((record.minimum, WH.rangeMinimum), (record.maximum, WH.rangeMaximum)):
            declared = ontology.value(method, term)
            assert bound == (declared.toPython() if isinstance(declared, Literal) else None)
        assert (WH[record.sense], WH.allowedBasis, WH[record.basis]) in ontology
        assert record.encoder == "net.onnx (abababababab)"
        assert record.preprocessing == "32x32 RGB"
        assert record.source_images == 30
        assert record.method_version.startswith("whence test, ")


def test_a_descriptor_is_compared_as_low_level_statistics() -> None:
    one = np.tile(np.array([1.0, 0, 0, 0, 0, 0, 0, 1, 1, 1]), (2, 1))
    other = np.tile(np.array([0.0, 0, 0, 1, 3, 4, 0, 3, 3, 3]), (3, 1))
    one[1, 9] = other[1, 9] = 1 + 1e-9  # the images of a set are not all the same
    found = compare(
        features(one, kind="descriptor", parts=PARTS), features(other, kind="descriptor", parts=PARTS)
    )
    assert {record.sense for record in found} == {"LowLevelImageStatisticsSimilarity"}
    assert {record.basis for record in found} == {"image-computed"}
    by = {record.method: record.value for record in found}
    assert by["method-histogram-earth-mover"] == pytest.approx(0.75)  # three of four bins further
    assert by["method-texture-descriptor-distance"] == pytest.approx(5)
    assert by["method-power-spectrum-distance"] == pytest.approx(
        np.sqrt((4 + 4 + (4 / 3) ** 2) / 3), rel=1e-6
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layer": "stage 3"}, "layer: output and stage 3"),
        ({"encoder_digest": "cd" * 32}, "encoder: net.onnx (abababababab) and net.onnx (cdcdcdcdcdcd)"),
        (
            {"preprocessing": Preprocessing(width=64, height=64, channels=3, intensity="8-bit by 255")},
            "preprocessing: 32x32 RGB and 64x64 RGB",
        ),
        ({"kind": "descriptor"}, "kind: model and descriptor"),
    ],
)
def test_features_made_in_different_ways_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        compare(features(normal(9, 3, 1)), features(normal(9, 3, 2), **changes))
    assert words in str(caught.value)
    assert caught.value.hint


def test_features_that_are_no_numbers_or_all_the_same_are_refused() -> None:
    fine, broken = normal(9, 3, 1), normal(9, 3, 2)
    broken[4, 1] = np.nan
    with pytest.raises(InvalidInput, match="target: 1 of 9 rows hold NaN or infinity, the first is row 4"):
        compare(features(fine), features(broken))
    with pytest.raises(InvalidInput, match="source: all 9 images have the same features"):
        compare(features(np.ones((9, 3))), features(fine))
    with pytest.raises(InvalidInput, match="dimensions: found 3 and 4"):
        compare(features(fine), features(normal(9, 4, 2)))
    with pytest.raises(InvalidInput, match="shape"):
        compare(features(np.ones(9)), features(fine))


def test_a_mean_of_zero_has_no_direction() -> None:
    one = np.array([[1.0, 2], [-1, -2]])
    assert distances.centroid_cosine(one, one + 1) == (
        None,
        None,
        ("a mean feature vector that is not zero",),
        None,
    )
