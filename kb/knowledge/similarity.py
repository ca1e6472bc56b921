"""How alike two datasets are, sense by sense, for every sense that needs no images; or which fact is missing.

A value says nothing about how well a transfer goes. The methods, their ranges and directions are those that the ontology
declares (`ontology/similarity.ttl`); a test holds the two against each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from kb.knowledge.entry_base import Facet, StatusField
from kb.knowledge.profiles import Profile, Profiles

Direction = Literal["higher-is-more-similar", "lower-is-more-similar"]
Basis = Literal["metadata-computed", "text-computed", "image-computed", "model-computed", "human-judgement"]


class Assessed(BaseModel):
    """A similarity in one sense between a source and a target, or why it can't be computed."""

    model_config = ConfigDict(frozen=True)

    sense: str = Field(description="Class of the ontology.")
    label: str
    basis: Basis
    method: str = Field(description="Method of the ontology.")
    how: str = Field(description="How the value was computed.")
    direction: Direction
    minimum: float | None
    maximum: float | None = Field(description="None: unbounded.")
    symmetric: bool
    value: float | None = Field(description="None: not computable, see `missing`.")
    compared: tuple[str, ...] = Field(default=(), description="The facts of either side, in words.")
    refs: tuple[str, ...] = Field(default=(), description="References the facts rest on.")
    missing: tuple[str, ...] = Field(default=(), description="Facts without which it can't be computed.")


class Sense(NamedTuple):
    """A sense as it is computed here; `key` tells two methods of one sense apart."""

    key: str
    sense: str
    label: str
    method: str
    how: str
    maximum: float | None
    symmetric: bool
    higher: bool
    fact: str
    field: StatusField | None
    compute: Callable[[Profile, Profile, Profiles], float | None]
    minimum: float = 0.0
    basis: Basis = "metadata-computed"


def _simgic(facet: Facet) -> Callable[[Profile, Profile, Profiles], float | None]:
    def compute(source: Profile, target: Profile, profiles: Profiles) -> float | None:
        one, other = source.concepts[facet], target.concepts[facet]
        if not one or not other:
            return None
        content = profiles.content
        whole = sum(content[concept] for concept in one | other)
        return sum(content[concept] for concept in one & other) / whole if whole else 1.0

    return compute


def _image_family(source: Profile, target: Profile, _: Profiles) -> float | None:
    if not source.image_family or not target.image_family:
        return None
    return float(bool(source.image_family & target.image_family))


def _tasks(source: Profile, target: Profile, profiles: Profiles) -> float | None:
    one, other = source.stated["task"], target.stated["task"]
    if not one or not other:
        return None
    near = [max(_task_closeness(a, b, profiles) for b in other) for a in one]
    back = [max(_task_closeness(a, b, profiles) for a in one) for b in other]
    return (sum(near) / len(near) + sum(back) / len(back)) / 2


def _task_closeness(one: str, other: str, profiles: Profiles) -> float:
    ups, others = profiles.task_steps[one], profiles.task_steps[other]
    steps = min((ups[c] + others[c] for c in ups.keys() & others.keys()), default=profiles.most_task_steps)
    return 1 - min(steps, profiles.most_task_steps) / profiles.most_task_steps


def _jaccard(source: Profile, target: Profile, _: Profiles) -> float | None:
    if not source.classes or not target.classes:
        return None
    return len(source.classes & target.classes) / len(source.classes | target.classes)


def _containment(source: Profile, target: Profile, _: Profiles) -> float | None:
    if not source.classes or not target.classes:
        return None
    return len(source.classes & target.classes) / len(target.classes)


def _jensen_shannon(source: Profile, target: Profile, _: Profiles) -> float | None:
    if not source.proportions or not target.proportions:
        return None
    size = max(len(source.proportions), len(target.proportions))
    one, other = (
        [*profile.proportions, *[0.0] * (size - len(profile.proportions))] for profile in (source, target)
    )
    divergence = 0.0
    for p, q in zip(one, other, strict=True):
        middle = (p + q) / 2
        divergence += sum(x * math.log2(x / middle) for x in (p, q) if x) / 2
    return math.sqrt(min(1.0, max(0.0, divergence)))


def _same_dimension(source: Profile, target: Profile, _: Profiles) -> float | None:
    if not source.dimensions or not target.dimensions:
        return None
    return float(bool(source.dimensions & target.dimensions))


def _matched(
    pairs: Iterable[tuple[frozenset[str] | frozenset[int], frozenset[str] | frozenset[int]]],
) -> float | None:
    both = [(one, other) for one, other in pairs if one and other]
    return sum(bool(one & other) for one, other in both) / len(both) if both else None


def _colour(source: Profile, target: Profile, _: Profiles) -> float | None:
    if not source.channels or not target.channels:
        return None
    return _matched(((source.channels, target.channels), (source.bit_depths, target.bit_depths)))


def _attributes(
    name: Literal["device", "annotation"],
) -> Callable[[Profile, Profile, Profiles], float | None]:
    def compute(source: Profile, target: Profile, _: Profiles) -> float | None:
        one: Mapping[str, frozenset[str]] = getattr(source, name)
        other: Mapping[str, frozenset[str]] = getattr(target, name)
        return _matched((one[key], other[key]) for key in one.keys() & other.keys())

    return compute


def _log_ratio(source: Profile, target: Profile, _: Profiles) -> float | None:
    for name in ("pixel spacing in mm", "magnification", "pixels a side"):
        if name in source.scale and name in target.scale:
            return abs(math.log2(source.scale[name] / target.scale[name]))
    return None


def _sites(source: Profile, target: Profile, _: Profiles) -> float | None:
    if not source.sites or not target.sites:
        return None
    return len(source.sites & target.sites) / len(source.sites | target.sites)


def _coverage(source: Profile, target: Profile, _: Profiles) -> float | None:
    attributes = {attribute for attribute, _ in source.groups}
    wanted = {(attribute, group) for attribute, group in target.groups if attribute in attributes}
    return len(source.groups & wanted) / len(wanted) if wanted else None


def _scaled_distance(source: Profile, target: Profile, _: Profiles) -> float | None:
    shared = source.figures.keys() & target.figures.keys()
    if "items" not in shared:
        return None
    return math.sqrt(sum((source.figures[k] - target.figures[k]) ** 2 for k in shared) / len(shared))


_SIMGIC = "simGIC (Pesquita 2008): information content (Seco 2004) of shared over that of all concepts, broader ones included"
SENSES: tuple[Sense, ...] = (
    Sense("ModalityConceptSimilarity", "ModalityConceptSimilarity", "modality similarity", "method-simgic", _SIMGIC, 1, True, True, "modality", "modality", _simgic("modality")),
    Sense("AnatomyConceptSimilarity", "AnatomyConceptSimilarity", "anatomy similarity", "method-simgic", _SIMGIC, 1, True, True, "anatomy", "anatomy", _simgic("anatomy")),
    Sense("PathologyConceptSimilarity", "PathologyConceptSimilarity", "pathology-concept similarity", "method-simgic", _SIMGIC, 1, True, True, "finding", "finding", _simgic("finding")),
    Sense("BroadDomainMatch", "BroadDomainMatch", "broad-domain match", "method-image-family-match", "1 where both are natural images, or share a kind of imaging right below the root of the modalities", 1, True, True, "modality", "modality", _image_family),
    Sense("TaskFormulationSimilarity", "TaskFormulationSimilarity", "task-formulation similarity", "method-task-hierarchy-closeness", "1 - steps between two task types by the most possible; mean over the tasks of either side, each with its closest", 1, True, True, "task", "task", _tasks),
    Sense("LabelSpaceSimilarity", "LabelSpaceSimilarity", "label-space similarity", "method-jaccard", "shared classes by all classes; a class is the concept it means, else its words", 1, True, True, "classes", "classes", _jaccard),
    Sense("LabelSpaceSimilarity/containment", "LabelSpaceSimilarity", "label-space similarity (containment)", "method-containment", "share of the target's classes that the source has; not symmetric", 1, False, True, "classes", "classes", _containment),
    Sense("LabelDistributionSimilarity", "LabelDistributionSimilarity", "label-distribution similarity", "method-jensen-shannon", "Jensen-Shannon distance (base 2) of the class shares, each side's largest first: balance is compared, not which class is which", 1, True, False, "classes", "classes.counts", _jensen_shannon),
    Sense("DimensionalityMatch", "DimensionalityMatch", "dimensionality match", "method-exact-match", "1 where both have items of one dimensionality", 1, True, True, "dimensions", "dimensions", _same_dimension),
    Sense("ColourChannelMatch", "ColourChannelMatch", "colour-channel match", "method-attribute-match", "share of channels and bit depth, as far as both are recorded, that agree", 1, True, True, "channels", "form.channels", _colour),
    Sense("ResolutionScaleSimilarity", "ResolutionScaleSimilarity", "resolution and scale similarity", "method-log-ratio", "absolute binary logarithm of the ratio of pixel spacings; of magnifications, else of pixels a side, where those are recorded for both", None, True, False, "scale", "form.spacing", _log_ratio),
    Sense("DeviceProtocolSimilarity", "DeviceProtocolSimilarity", "device and protocol similarity", "method-attribute-match", "share of device, protocol and magnification, as far as both are recorded, that agree word for word", 1, True, True, "device", "device", _attributes("device")),
    Sense("SiteSimilarity", "SiteSimilarity", "site similarity", "method-jaccard", "shared sites by all sites, by name", 1, True, True, "sites", "sites", _sites),
    Sense("DemographicSimilarity", "DemographicSimilarity", "demographic similarity", "method-coverage", "share of the target's groups of people of which the source has any, for attributes that both report; not symmetric", 1, False, True, "population", None, _coverage),
    Sense("AnnotationProcessSimilarity", "AnnotationProcessSimilarity", "annotation-process similarity", "method-attribute-match", "share of labelling method, number and kind of annotators, as far as both are recorded, that agree", 1, True, True, "labelling", "labelling", _attributes("annotation")),
    Sense("MetaFeatureSimilarity", "MetaFeatureSimilarity", "meta-feature similarity", "method-scaled-distance", "root mean square difference of log10 items, log10 patients, log10 classes and year by ten, as far as both are recorded", None, True, False, "figures", "counts", _scaled_distance),
)  # fmt: skip
#: Kept apart from what metadata give: the closeness of two descriptions, which an index computes.
DOCUMENTATION = Sense(
    "DocumentationTextSimilarity", "DocumentationTextSimilarity", "documentation-text similarity",
    "method-sentence-embedding-cosine", "cosine of the sentence embeddings of the two entries' texts", 1, True, True,
    "description", None, lambda *_: None, minimum=-1, basis="text-computed",
)  # fmt: skip


def values(source: Profile, target: Profile, profiles: Profiles) -> dict[str, float | None]:
    """Value of every sense by its key; None where it can't be computed."""
    return {sense.key: sense.compute(source, target, profiles) for sense in SENSES}


def assess(source: Profile, target: Profile, profiles: Profiles) -> tuple[Assessed, ...]:
    """Every sense, with what was compared, or what is missing."""
    return tuple(record(sense, sense.compute(source, target, profiles), source, target) for sense in SENSES)


def record(sense: Sense, value: float | None, source: Profile, target: Profile) -> Assessed:
    """A value of a sense as it leaves the system."""
    known = [(profile, profile.known.get(sense.fact)) for profile in (source, target)]
    missing: tuple[str, ...] = ()
    if value is None:
        missing = tuple(_missing(sense, profile) for profile, one in known if one is None)
        missing = missing or (f"{source.id} and {target.id}: nothing of {sense.fact} that both record",)
    return Assessed(
        sense=sense.sense,
        label=sense.label,
        basis=sense.basis,
        method=sense.method,
        how=sense.how,
        direction="higher-is-more-similar" if sense.higher else "lower-is-more-similar",
        minimum=sense.minimum,
        maximum=sense.maximum,
        symmetric=sense.symmetric,
        value=value,
        compared=tuple(f"{profile.id}: {one.said}" for profile, one in known if one),
        refs=tuple(dict.fromkeys(ref for _, one in known if one for ref in one.refs)),
        missing=missing,
    )


def _missing(sense: Sense, profile: Profile) -> str:
    status = profile.status.get(sense.field, "unknown") if sense.field else "unknown"
    return (
        f"{profile.id}: {sense.fact} {'is not applicable' if status == 'notApplicable' else f'is {status}'}"
    )
