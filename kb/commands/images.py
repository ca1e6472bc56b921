"""`whence embed`, `compare-features` and `estimate`: computed from the user's own images, on the user's own machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kb.answers.image_features import Embedded, FeatureComparison
    from kb.knowledge.transferability import TransferabilityEstimate

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def embed(
    images: Annotated[
        Path, typer.Option(help="Folder or file: PNG, JPEG, TIFF, DICOM, NIfTI, or npz as in MedMNIST.")
    ],
    out: Annotated[
        Path, typer.Option(help="Features file to write (.npz): numbers only, nothing of the images.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="TorchScript (.pt), torch.export (.pt2) or ONNX (.onnx) file; or timm:NAME, torchvision:NAME with "
            "--weights. None: a built-in descriptor that needs no weights."
        ),
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Weights of timm:NAME or torchvision:NAME.")] = None,
    layer: Annotated[
        str | None, typer.Option(help="Layer whose output is taken; none: the network's.")
    ] = None,
    probabilities: Annotated[
        bool,
        typer.Option(
            "--probabilities", help="Write the softmax of the output, for `estimate --estimator leep`."
        ),
    ] = False,
    labels: Annotated[
        str | None,
        typer.Option(help="CSV of image and class, or the word folders: an image's folder is its class."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Of an npz archive: train, val or test; none: all.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Pixels a side that the encoder takes; 224 if it takes any.")
    ] = None,
    channels: Annotated[int | None, typer.Option(help="1 or 3; 3 if the encoder does not say.")] = None,
    normalise: Annotated[
        str, typer.Option(help="For the encoder: imagenet, half (to -1..1) or none.")
    ] = "imagenet",
    limit: Annotated[int | None, typer.Option(help="Most images, drawn by --seed.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave out images that can't be read, and count them.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    batch: Annotated[int, typer.Option(help="Images at a time.")] = 32,
    as_json: Json = False,
) -> None:
    """Turn images into a features file, on CPU or GPU. No weights are fetched, and images never leave the machine."""
    from pydantic import ValidationError

    from kb.answers.image_features import EmbedRequest
    from kb.answers.image_features import embed as make
    from kb.errors import InvalidInput

    asked: dict[str, Any] = {
        "images": images, "model": model, "weights": weights, "layer": layer, "probabilities": probabilities,
        "labels": labels, "split": split, "size": size, "channels": channels, "normalise": normalise, "limit": limit,
        "seed": seed, "skip_broken": skip_broken, "device": device, "batch": batch,
    }  # fmt: skip
    try:
        request = EmbedRequest.model_validate(asked)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInput(
            f"{first['msg']}; found {first['input']!r}", field=f"--{first['loc'][0]}"
        ) from error
    answer = make(request, out)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for line in _embedded(answer, out):
        typer.echo(line)


def compare_features(
    one: Annotated[Path, typer.Argument(metavar="SOURCE", help="Features file of the source's images.")],
    other: Annotated[Path, typer.Argument(metavar="TARGET", help="Features file of the target's images.")],
    source: Annotated[
        str | None, typer.Option(help="Entry of the source: print ratings of a study, too.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Entry of the target.")] = None,
    seed: Annotated[int, typer.Option(help="Seed where images are drawn.")] = 0,
    as_json: Json = False,
) -> None:
    """Say how alike two sets of images are by their features, sense by sense, each with all that it depends on."""
    from kb.answers.image_features import compare_features as find

    answer = find(one, other, seed=seed, source=source, target=target)
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for line in _compared(answer):
        typer.echo(line)


def estimate(
    estimator: Annotated[str, typer.Option(help="logme, leep, nleep or h-score.")],
    features: Annotated[Path | None, typer.Option(help="Features file of labelled target images.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="For leep: class probabilities by the source model (npz).")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV or npz with the class of each row, where the file holds none.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the mixture that nleep fits.")] = 0,
    as_json: Json = False,
) -> None:
    """Estimate how useful a pretrained model will be for a labelled target: no similarity, and no measured outcome."""
    from kb.answers.image_features import estimate_transferability
    from kb.errors import InvalidInput
    from kb.knowledge.transferability import ESTIMATORS

    known = {str(name): name for name in ESTIMATORS}
    if estimator not in known:
        raise InvalidInput(f"found {estimator!r}; one of {', '.join(known)}", field="--estimator")
    answer = estimate_transferability(
        known[estimator], features=features, predictions=predictions, labels=labels, seed=seed
    )
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
        return
    for line in _estimated(answer):
        typer.echo(line)


def _embedded(answer: Embedded, out: Path) -> Iterator[str]:
    origin = answer.origin
    of = "" if origin.images == origin.found else f" of {origin.found:,}"
    drawn = "" if origin.seed is None else f", drawn by seed {origin.seed}"
    yield f"{out}: {origin.images:,} images{of}{drawn}, {answer.dimensions:,} {origin.output}"
    yield f"  encoder: {origin.encoder_words}, layer {origin.layer}, on {answer.device}"
    yield f"  preprocessing: {origin.preprocessing}"
    if answer.classes is not None:
        yield f"  classes: {answer.classes:,}; their names are not kept"
    if origin.skipped:
        yield f"  left out: {origin.skipped:,} images or files that can't be read"
    if origin.constant:
        yield f"  of a single intensity: {origin.constant:,} images"
    yield from (f"  {note}" for note in answer.notes)


def _compared(answer: FeatureComparison) -> Iterator[str]:
    first = answer.assessments[0]
    yield f"{first.source_images:,} images of the source, {first.target_images:,} of the target"
    yield f"{first.encoder}, layer {first.layer}, {first.preprocessing}"
    for one in answer.assessments:
        low = "may be below 0" if one.minimum is None else f"from {one.minimum:g}"
        high = ", unbounded" if one.maximum is None else f" to {one.maximum:g}"
        yield f"\n{one.label}: {one.method.removeprefix('method-')} ({one.basis})"
        if one.value is None:
            yield f"  not computable: {'; '.join(one.missing)}"
        else:
            spread = "" if one.sd is None else f" (SD {one.sd:.4g}, seed {one.seed})"
            yield f"  {one.value:.6g}{spread}  ({low}{high}; {one.direction.replace('-is-', ' is ').replace('-', ' ')})"
        yield f"  {one.how}"
    yield f"\n{answer.note}"
    if answer.ratings:
        yield "\nratings, ready for a study:"
        ratings = [rating.model_dump(mode="json", exclude_defaults=True) for rating in answer.ratings]
        yield json.dumps(ratings, indent=2, ensure_ascii=False)


def _estimated(answer: TransferabilityEstimate) -> Iterator[str]:
    high = "" if answer.maximum is None else f", at most {answer.maximum:g}"
    yield f"{answer.label}: {answer.value:.6g}  (transferability estimate; higher predicts better{high})"
    yield f"  {answer.how} [{answer.reference}]"
    seed = "" if answer.seed is None else f", seed {answer.seed}"
    yield f"  {answer.sample:,} images, {answer.classes:,} classes, {answer.dimensions:,} dimensions{seed}; {answer.version}"
    if answer.encoder:
        yield f"  {answer.encoder}, layer {answer.layer}, {answer.preprocessing}"
    yield f"  {answer.note}"
