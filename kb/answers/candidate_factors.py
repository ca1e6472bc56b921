"""What speaks for and against a source, in words, each with what it rests on; weights and population beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kb.answers.candidate_answer import Factor, MeasuredOn, Overlap, Weights
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FieldStatus
from kb.knowledge.predictor import Prediction
from kb.knowledge.similarity import Assessed
from kb.knowledge.verdicts import permission, whole_counts

PEOPLE = ("sex", "age", "ethnicity", "skin-tone", "country")
#: How many times as many items a source has before size is called a point.
_LARGER = 10


def factors_of(  # noqa: PLR0913, PLR0917 - each is another kind of evidence
    target: DatasetEntry,
    entries: Sequence[DatasetEntry],
    similarities: Mapping[str, Assessed],
    measured: Sequence[MeasuredOn],
    prediction: Prediction,
    overlap: Overlap,
) -> tuple[Factor, ...]:
    """Factors for and against a source; a rule of thumb is named as one and is no evidence."""
    return (
        *_evidence(measured, prediction),
        *_overlap(overlap),
        *_size(target, entries),
        *_modality(similarities),
        *_rights(entries),
        *_people(entries),
        *_weights(entries),
    )


def _evidence(measured: Sequence[MeasuredOn], prediction: Prediction) -> Iterator[Factor]:
    for one in measured:
        clear = {
            "yes": "clearly behind the best",
            "no": "no clear difference to the best",
            "not reported": "difference to the best not tested",
        }[one.clearly_behind]
        leaning = (
            "against"
            if one.clearly_behind == "yes"
            else "for"
            if one.place <= max(1, one.of // 3)
            else "open"
        )
        yield Factor(
            factor="factor-evidence",
            leaning=leaning,
            statement=f"measured {one.metric} {one.value:.4f}, place {one.place} of {one.of} in {one.study}: {clear}",
            refs=one.refs,
        )  # fmt: skip
    if not measured and prediction.outcomes:
        leaning = "for" if prediction.low > 0 else "against" if prediction.high < 0 else "open"
        yield Factor(
            factor="factor-evidence",
            leaning=leaning,
            statement=f"not measured on this target; expected from {prediction.outcomes} outcomes on {prediction.targets} other targets",
        )
    if not measured and not prediction.outcomes:
        yield Factor(
            factor="factor-evidence",
            leaning="open",
            statement="no transfer from it is on file; expected from features alone",
        )


def _overlap(overlap: Overlap) -> Iterator[Factor]:
    if overlap.warning:
        yield Factor(
            factor="factor-split-and-version-integrity",
            leaning="against",
            statement=f"{overlap.warning} ({'; '.join(overlap.path) or 'itself'})",
        )


def _size(target: DatasetEntry, entries: Sequence[DatasetEntry]) -> Iterator[Factor]:
    sizes = [max((c.n for c in whole_counts(e, people=False)), default=0) for e in entries]
    if not entries or not all(sizes):
        return
    own = max((c.n for c in whole_counts(target, people=False)), default=0)
    size = sum(sizes)
    refs = tuple(ref for e in entries for c in e.counts[:1] for ref in c.refs)
    if own and size < own:
        yield Factor(factor="factor-size", leaning="against", statement=f"{size:,} items, fewer than the target's {own:,}", heuristic="heuristic-bigger-is-better", refs=refs)  # fmt: skip
    elif size >= _LARGER * max(own, 1_000):
        yield Factor(factor="factor-size", leaning="for", statement=f"{size:,} items", heuristic="heuristic-bigger-is-better", refs=refs)  # fmt: skip


def _modality(similarities: Mapping[str, Assessed]) -> Iterator[Factor]:
    one = similarities.get("ModalityConceptSimilarity")
    if one is None or one.value is None:
        return
    if one.value >= 0.7:
        yield Factor(factor="factor-diversity", leaning="open", statement=f"close in modality (ModalityConceptSimilarity {one.value:.2f}); whether that helps is disputed, see `whence alignment`", heuristic="heuristic-closest-modality", refs=one.refs)  # fmt: skip


def _rights(entries: Sequence[DatasetEntry]) -> Iterator[Factor]:
    """What licences deny counts for the whole of a pool; what they permit only where all do."""
    permitted, open_, refs = 0, [], list[str]()
    for entry in entries:
        for licence in entry.licences:
            said = {
                name: permission(licence, name) for name in ("commercial", "derivatives", "redistribution")
            }
            refs += licence.refs
            if denied := [name for name, status in said.items() if status == "fails"]:
                yield Factor(
                    factor="factor-licence",
                    leaning="against",
                    statement=f"{entry.id}: {licence.stated} denies {', '.join(denied)} use",
                    refs=licence.refs,
                )
            permitted += set(said.values()) == {"holds"}
        if not entry.licences:
            open_.append(entry.id)
    if open_:
        yield Factor(
            factor="factor-licence", leaning="open", statement=f"licence not known: {', '.join(open_)}"
        )
    if entries and permitted == len(entries):
        named = ", ".join(dict.fromkeys(one.stated for entry in entries for one in entry.licences))
        yield Factor(
            factor="factor-licence",
            leaning="for",
            statement=f"{named} permits commercial use, derivatives and redistribution",
            heuristic="heuristic-licence-permits",
            refs=tuple(dict.fromkeys(refs)),
        )


def _people(entries: Sequence[DatasetEntry]) -> Iterator[Factor]:
    silent = [
        entry.id
        for entry in entries
        if entry.domain == "medical" and "reported" not in population_of(entry).values()
    ]
    if silent:
        yield Factor(
            factor="factor-demographic-representation",
            leaning="open",
            statement=f"nothing is reported of the people in it, so nothing is known of how fair it is: {', '.join(silent)}",
        )


def _weights(entries: Sequence[DatasetEntry]) -> Iterator[Factor]:
    if len(entries) == 1 and entries[0].weights:
        names = ", ".join(sorted({one.architecture for one in entries[0].weights}))
        yield Factor(
            factor="factor-compute",
            leaning="for",
            statement=f"pretrained weights on file: {names}",
            heuristic="heuristic-weights-available",
            refs=entries[0].weights[0].refs,
        )


def population_of(entry: DatasetEntry) -> dict[str, FieldStatus]:
    """For each attribute of people whether it is reported, and if not, why not.

    Sources of natural images have no patients, whatever they say of people in photographs.
    """
    if entry.domain != "medical":
        return dict.fromkeys(PEOPLE, "notApplicable")
    told = {share.attribute for share in entry.population} | {fact.attribute for fact in entry.facts}
    statuses = {name: note.status for note in entry.field_status for name in note.fields}
    found: dict[str, FieldStatus] = {}
    for name in PEOPLE:
        stated = statuses.get(f"population.{name}")  # type: ignore[call-overload]
        found[name] = "reported" if name in told else stated or "unknown"
    return found


def weights_of(entry: DatasetEntry, architecture: str | None) -> Iterator[Weights]:
    """Downloadable weights, of one architecture where that is asked for."""
    for one in entry.weights:
        if architecture and _plain(architecture) not in _plain(one.architecture):
            continue
        stated = (one.input_size, one.channel_order, one.normalisation)
        yield Weights(
            architecture=one.architecture,
            objective=one.objective,
            url=one.url,
            licence=one.licence,
            input="; ".join(text for text in stated if text) or "not stated",
            framework=one.framework,
            snippet=_snippet(one.framework, one.architecture),
            refs=one.refs,
        )


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _snippet(framework: str | None, architecture: str) -> str | None:
    """Lines that load a downloaded file; the rest depends on how the authors packed it."""
    name = (framework or "").casefold()
    if "torch" in name or "timm" in name:
        return (
            f'state = torch.load("downloaded-file", map_location="cpu", weights_only=True)  # {architecture}\n'
            'state = state.get("state_dict", state)\n'
            "missing, unexpected = model.load_state_dict(state, strict=False)  # look at both"
        )
    if "keras" in name or "tensorflow" in name:
        return f'model.load_weights("downloaded-file")  # {architecture}'
    return None
