"""From a user's images to features, comparison and estimate, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from kb.answers.image_features import (
    as_estimate,
    compare_features,
    estimate_transferability,
)
from kb.commands import images as commands
from kb.engines.feature_file import read_features
from kb.errors import InvalidFile, InvalidInput, NotFound, WhenceError
from tests.kb.image_samples import folder, noise, onnx_file, run, save

pytest.importorskip("PIL")
pytest.importorskip("skimage")


def test_without_a_model_images_are_compared_by_low_level_statistics(tmp_path: Path) -> None:
    for name, seed, high in (("a", 0, 256), ("b", 50, 256), ("dark", 90, 64)):
        answer = run(folder(tmp_path / name, 10, seed, high), tmp_path / f"{name}.npz")
        assert answer.origin.kind == "descriptor"
        assert answer.dimensions == sum(end - start for start, end in answer.origin.parts.values())
    alike = compare_features(tmp_path / "a.npz", tmp_path / "b.npz").assessments
    apart = compare_features(tmp_path / "a.npz", tmp_path / "dark.npz").assessments
    assert {one.sense for one in alike} == {"LowLevelImageStatisticsSimilarity"}
    for near, far in zip(alike, apart, strict=True):
        assert near.value is not None and far.value is not None
        assert near.value < far.value
    moved = next(one for one in apart if one.method == "method-histogram-earth-mover")
    assert moved.value == pytest.approx((255 - 63) / 2 / 255, abs=0.03)


def test_nothing_of_the_images_is_in_the_file(tmp_path: Path) -> None:
    place = folder(tmp_path / "Miller-Anna", 6)
    run(place, tmp_path / "f.npz", labels="folders")
    content = (tmp_path / "f.npz").read_bytes()
    for secret in (b"patient", b"Miller", b"images/a"):
        assert secret not in content
    with np.load(tmp_path / "f.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {"features", "labels", "origin"}
        assert "patient" not in str(archive["origin"])
        assert archive["features"].shape == (6, 100)
        assert archive["labels"].tolist() == [0, 0, 0, 1, 1, 1]
    assert [path.name for path in tmp_path.iterdir()] in (["f.npz", "Miller-Anna"], ["Miller-Anna", "f.npz"])


def test_the_same_call_writes_the_same_bytes(tmp_path: Path) -> None:
    images = folder(tmp_path / "images", 12)
    for name in ("one", "two"):
        answer = run(images, tmp_path / f"{name}.npz", limit=5, seed=7)
    assert (answer.origin.images, answer.origin.found, answer.origin.seed) == (5, 12, 7)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    run(images, tmp_path / "two.npz", limit=5, seed=8)
    assert (tmp_path / "one.npz").read_bytes() != (tmp_path / "two.npz").read_bytes()


def test_from_archives_to_ratings_and_estimates(tmp_path: Path) -> None:
    from kb.knowledge.study import Study

    model = str(onnx_file(tmp_path / "net.onnx"))
    for name, high in (("source", 256), ("target", 120)):
        pictures = noise((60, 28, 28, 3), high, high)
        labels = np.arange(60) % 2
        pictures[labels == 1, :, :14] //= 3
        np.savez(tmp_path / f"{name}-images.npz", train_images=pictures, train_labels=labels[:, None])
        answer = run(tmp_path / f"{name}-images.npz", tmp_path / f"{name}.npz", model=model, size=28)
        assert answer.classes == 2
    found = compare_features(
        tmp_path / "source.npz", tmp_path / "target.npz", source="bloodmnist", target="dermamnist"
    )
    assert [one.method.removeprefix("method-") for one in found.assessments] == [
        "centroid-cosine", "fid", "kid", "wasserstein",
    ]  # fmt: skip
    assert {rating.sense for rating in found.ratings} == {
        "EmbeddingProximity",
        "FeatureDistributionSimilarity",
    }
    assert {rating.values[0].n for rating in found.ratings} == {60}
    estimates = [
        estimate_transferability(one, features=tmp_path / "target.npz")
        for one in ("logme", "nleep", "h-score")
    ]  # type: list[Any]
    run(tmp_path / "target-images.npz", tmp_path / "p.npz", model=model, size=28, probabilities=True)
    estimates.append(estimate_transferability("leep", predictions=tmp_path / "p.npz"))
    assert all(one.sample == 60 and one.encoder.startswith("net.onnx (") for one in estimates)
    study = {
        "id": "own", "title": "Own", "refs": ["url:https://example.org"], "ratings": found.ratings,
        "models": [{"id": "net", "datasets": ["bloodmnist"]}],
        "targets": [{"id": "dermamnist", "dataset": "dermamnist", "task": "image-classification"}],
        "estimates": [as_estimate(one, "net", "dermamnist", "tiny CNN") for one in estimates],
    }  # fmt: skip
    assert len(Study.model_validate(study).estimates) == 4
    with pytest.raises(InvalidInput, match="class probabilities"):
        compare_features(tmp_path / "p.npz", tmp_path / "p.npz")
    with pytest.raises(InvalidInput, match="give both --source and --target"):
        compare_features(tmp_path / "source.npz", tmp_path / "target.npz", source="bloodmnist")
    with pytest.raises(InvalidInput, match="source: "):
        compare_features(tmp_path / "source.npz", tmp_path / "target.npz", source="Blood MNIST", target="a")


def test_labels_come_from_a_table_by_path_name_or_stem(tmp_path: Path) -> None:
    images = folder(tmp_path / "images", 3)
    table = tmp_path / "labels.csv"
    table.write_text("image,class\na/patient-0.png,x\npatient-1.png,y\npatient-2,x\n")
    assert run(images, tmp_path / "f.npz", labels=str(table)).classes == 2
    labels = read_features(tmp_path / "f.npz").labels
    assert labels is not None
    assert labels.tolist() == [0, 0, 1]  # a/patient-0, a/patient-2, b/patient-1
    for text, words in (
        ("image,class\npatient-0,x\n", "2 of 3 images have no row, such as a/patient-2.png"),
        ("image,class\npatient-0,x\npatient-0,y\n", "patient-0 has two classes: x and y"),
        ("image,class\npatient-0\n", "row 2: need 2 columns"),
        ("image,class\n", "need a header and a row"),
        ("image,age,class\npatient-0,5,x\n", "need two columns"),
    ):
        table.write_text(text)
        with pytest.raises(InvalidInput) as caught:
            run(images, tmp_path / "g.npz", labels=str(table))
        assert words in str(caught.value)
    assert not (tmp_path / "g.npz").exists()


def test_an_estimate_takes_labels_of_its_own(tmp_path: Path) -> None:
    images = folder(tmp_path / "images", 20)
    run(images, tmp_path / "f.npz")
    with pytest.raises(InvalidInput, match=r"labels: .* holds none"):
        estimate_transferability("logme", features=tmp_path / "f.npz")
    (tmp_path / "l.csv").write_text("class\n" + "\n".join("ab"[i % 2] for i in range(20)) + "\n")
    assert (
        estimate_transferability("logme", features=tmp_path / "f.npz", labels=tmp_path / "l.csv").classes == 2
    )
    np.savez(tmp_path / "p.npz", predictions=np.full((4, 2), 0.5), labels=np.array([0, 1, 0, 1]))
    assert estimate_transferability("leep", predictions=tmp_path / "p.npz").encoder is None
    with pytest.raises(InvalidInput, match="LEEP takes --predictions"):
        estimate_transferability("leep", features=tmp_path / "f.npz")


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.dcm", "x.nii.gz", "x.tif"])
def test_a_broken_image_is_named_and_can_be_left_out(tmp_path: Path, name: str) -> None:
    images = folder(tmp_path / "images", 5)
    (images / name).write_bytes(b"no image at all")
    with pytest.raises(InvalidFile) as caught:
        run(images, tmp_path / "f.npz")
    assert name in str(caught.value)
    assert not (tmp_path / "f.npz").exists()
    answer = run(images, tmp_path / "f.npz", skip_broken=True)
    assert (answer.origin.images, answer.origin.skipped) == (5, 1)


def test_a_truncated_picture_and_one_of_nan_are_broken(tmp_path: Path) -> None:
    images = folder(tmp_path / "images", 3)
    whole = (images / "a" / "patient-0.png").read_bytes()
    (images / "a" / "patient-0.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidFile, match=r"patient-0\.png"):
        run(images, tmp_path / "f.npz")
    (images / "a" / "patient-0.png").unlink()
    save(images / "nan.tiff", np.full((20, 20), np.nan, dtype=np.float32))
    with pytest.raises(InvalidFile, match=r"nan\.tiff: .*NaN"):
        run(images, tmp_path / "f.npz")


def test_blank_images_are_counted_and_refused_alone(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / "images" / f"{number}.png", np.full((20, 20), 77, np.uint8))
    with pytest.raises(InvalidInput, match="all 3 images have the same features"):
        run(tmp_path / "images", tmp_path / "f.npz")
    assert not (tmp_path / "f.npz").exists()
    save(tmp_path / "images" / "4.png", noise((20, 20)))
    assert run(tmp_path / "images", tmp_path / "f.npz").origin.constant == 3


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"model": "missing.pt"}, NotFound, "nothing is fetched"),
        ({"model": "resnet50"}, NotFound, "no such encoder: resnet50"),
        ({"model": "torchvision:resnet18"}, InvalidInput, "weights"),
        ({"layer": "x"}, InvalidInput, "layer: belongs to an encoder"),
        ({"split": "test"}, InvalidInput, "only an npz archive has splits"),
        ({"probabilities": True}, InvalidInput, "no class probabilities"),
        ({"labels": "missing.csv"}, NotFound, "missing.csv"),
        ({"images": "nowhere"}, NotFound, "no such folder"),
    ],
)
def test_what_can_not_be_done_is_said(
    tmp_path: Path, options: dict[str, Any], error: type[WhenceError], words: str
) -> None:
    images = folder(tmp_path / "images", 2)
    with pytest.raises(error) as caught:
        run(**{"images": images, "out": tmp_path / "f.npz", **options})
    assert words in str(caught.value)
    assert not (tmp_path / "f.npz").exists()


def test_no_other_file_is_replaced(tmp_path: Path) -> None:
    np.savez(tmp_path / "medmnist.npz", train_images=noise((9, 28, 28)))
    before = (tmp_path / "medmnist.npz").read_bytes()
    for out, words in (
        (tmp_path / "medmnist.npz", "is there and is no features file"),
        (tmp_path / "f.csv", "ends in .npz"),
        (tmp_path / "missing" / "f.npz", "no such folder"),
    ):
        with pytest.raises(InvalidInput, match=words):
            run(tmp_path / "medmnist.npz", out)
    assert (tmp_path / "medmnist.npz").read_bytes() == before
    run(tmp_path / "medmnist.npz", tmp_path / "f.npz")
    run(tmp_path / "medmnist.npz", tmp_path / "f.npz")  # a features file is


def test_files_that_hold_no_features_are_refused(tmp_path: Path) -> None:
    run(folder(tmp_path / "images", 3), tmp_path / "f.npz")
    np.savez(tmp_path / "bare.npz", features=np.ones((3, 2)))
    np.savez(tmp_path / "odd.npz", features=np.ones((3, 2)), origin=np.array("{}"))
    np.savez(tmp_path / "pickled.npz", features=np.array([{}], dtype=object))
    (tmp_path / "text.npz").write_text("no archive")
    with np.load(tmp_path / "f.npz") as archive:
        np.savez(tmp_path / "short.npz", features=archive["features"][:2], origin=archive["origin"])
    for name in ("bare", "odd", "pickled", "text", "short"):
        with pytest.raises(InvalidFile, match=name):
            compare_features(tmp_path / "f.npz", tmp_path / f"{name}.npz")
    with pytest.raises(NotFound, match="gone"):
        compare_features(tmp_path / "gone.npz", tmp_path / "f.npz")


app = typer.Typer()
for command in (commands.embed, commands.compare_features, commands.estimate):
    app.command()(command)


def call(*words: object, code: Literal[0, 1] = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    if isinstance(result.exception, WhenceError):
        return str(result.exception)
    return result.stdout


def test_the_commands_say_what_they_did_and_on_what_it_depends(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 40)):
        images = folder(tmp_path / name, 24, seed)
        (images / "notes.txt").write_text("no image")
        said = call(
            "embed",
            "--images",
            images,
            "--out",
            tmp_path / f"{name}.npz",
            "--labels",
            "folders",
            "--limit",
            20,
        )
        assert "20 images of 24, drawn by seed 0, 100 features" in said
        assert "files without an image that is read here: 1 .txt" in said
    said = call(
        "compare-features",
        tmp_path / "a.npz",
        tmp_path / "b.npz",
        "--source",
        "isic-2019",
        "--target",
        "ham10000",
    )
    assert "histogram-earth-mover (image-computed)" in said
    assert "lower is more similar" in said
    assert '"grade": "own run"' in said
    record = json.loads(call("compare-features", tmp_path / "a.npz", tmp_path / "b.npz", "--json"))
    assert {one["sense"] for one in record["assessments"]} == {"LowLevelImageStatisticsSimilarity"}
    assert record["ratings"] == []
    said = call("estimate", "--estimator", "logme", "--features", tmp_path / "a.npz")
    assert "transferability estimate; higher predicts better" in said
    estimate = json.loads(
        call("estimate", "--estimator", "logme", "--features", tmp_path / "a.npz", "--json")
    )
    assert (estimate["estimator"], estimate["direction"]) == ("estimator-logme", "higher-predicts-better")
    assert "not computable" not in said


def test_the_commands_refuse_in_one_line(tmp_path: Path) -> None:
    images = folder(tmp_path / "a", 2)
    out = tmp_path / "f.npz"
    assert "--device" in call("embed", "--images", images, "--out", out, "--device", "tpu", code=1)
    assert "--limit" in call("embed", "--images", images, "--out", out, "--limit", 0, code=1)
    assert "one of logme, leep, nleep, h-score" in call("estimate", "--estimator", "otce", code=1)
