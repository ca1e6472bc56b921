"""How alike two datasets are, sense by sense, for every sense that needs no images; or which fact is missing.

A value says nothing about how well a transfer goes. The methods, their ranges and directions are those that the ontology
declares (`ontology/similarity.ttl`); a test holds the two against each other.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from kb.knowledge import similarity_measures as measures
from kb.knowledge.entry_base import StatusField
from kb.knowledge.profiles import Profile, Profiles
from kb.knowledge.similarity_facts import ITEMS
from kb.knowledge.similarity_measures import Measure

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
    attributes: tuple[str, ...] = Field(
        default=(), description="What both sides record, where there are several."
    )
    compared: tuple[str, ...] = Field(default=(), description="The facts of either side, in words.")
    refs: tuple[str, ...] = Field(default=(), description="References the facts rest on.")
    missing: tuple[str, ...] = Field(default=(), description="Facts without which it can't be computed.")


class Sense(NamedTuple):
    """A sense as it is computed here; `key` tells two methods of one sense apart."""

    key: str
    label: str
    method: str
    how: str
    fact: str  # name in `Profile.known`
    fact_words: str
    compute: Measure
    fields: tuple[StatusField, ...] = ()  # whose status says why nothing is known
    maximum: float | None = 1
    minimum: float = 0
    symmetric: bool = True
    higher: bool = True
    basis: Basis = "metadata-computed"

    @property
    def sense(self) -> str:
        """Class of the ontology."""
        return self.key.partition("/")[0]


def _simgic(plural: str) -> str:
    return (
        f"simGIC (Pesquita and others 2008): information content of the {plural} that both have, by that of all {plural} "
        "of either, with whatever they entail; intrinsic information content (Seco and others 2004) in our ontology"
    )


SENSES: tuple[Sense, ...] = (
    Sense(
        "ModalityConceptSimilarity", "modality similarity", "method-simgic", _simgic("imaging techniques"),
        "modality", "modality", measures.concept_closeness("modality"), ("modality",),
    ),
    Sense(
        "AnatomyConceptSimilarity", "anatomy similarity", "method-simgic", _simgic("body structures"),
        "anatomy", "anatomy", measures.concept_closeness("anatomy"), ("anatomy",),
    ),
    Sense(
        "PathologyConceptSimilarity", "pathology-concept similarity", "method-simgic", _simgic("findings"),
        "finding", "finding", measures.concept_closeness("finding"), ("finding",),
    ),
    Sense(
        "BroadDomainMatch", "broad-domain match", "method-image-family-match",
        "1 where both have images of one family: natural images, radiology, microscopy, ophthalmic imaging, or another kind of optical imaging",
        "family", "image family", measures.image_family_match, ("modality",),
    ),
    Sense(
        "TaskFormulationSimilarity", "task-formulation similarity", "method-task-hierarchy-closeness",
        "1 - steps between two task types by the most possible; mean over the tasks of either side, each with its closest",
        "task", "task", measures.task_closeness, ("task",),
    ),
    Sense(
        "LabelSpaceSimilarity", "label-space similarity", "method-jaccard",
        "shared classes by all classes of either; a class is the concept it means, left or right not told apart, else its words; the longest list of classes counts",
        "classes", "list of classes", measures.shared_classes, ("classes",),
    ),
    Sense(
        "LabelSpaceSimilarity/containment", "label-space similarity", "method-containment",
        "share of the target's classes that the source has, matched in the same way; not symmetric",
        "classes", "list of classes", measures.contained_classes, ("classes",), symmetric=False,
    ),
    Sense(
        "LabelDistributionSimilarity", "label-distribution similarity", "method-jensen-shannon",
        "Jensen-Shannon distance (base 2) of the class shares over all splits, from the largest class down: balance is compared, not which class is which",
        "shares", "count of each class", measures.share_distance, ("classes.counts", "classes"), higher=False,
    ),
    Sense(
        "DimensionalityMatch", "dimensionality match", "method-exact-match", "1 where both have items of one dimensionality",
        "dimensions", "dimension", measures.dimension_match, ("dimensions",),
    ),
    Sense(
        "ColourChannelMatch", "colour-channel match", "method-attribute-match",
        "share of channels and bit depth, as far as both are recorded, that agree",
        "form", "number of channels or bit depth", measures.agreement("form"), ("form.channels", "form.bit-depth"),
    ),
    Sense(
        "ResolutionScaleSimilarity", "resolution and scale similarity", "method-log-ratio",
        "doublings (absolute binary logarithm of the ratio) between pixel spacings; else between magnifications, else between pixels a side; the closest two where there are several",
        "scale", "resolution", measures.scale_distance, ("form.spacing", "form.size"), maximum=None, higher=False,
    ),
    Sense(
        "DeviceProtocolSimilarity", "device and protocol similarity", "method-attribute-match",
        "share of maker, field strength, view, contrast phase, sequence, stain and dose, as far as both are recorded, that agree",
        "device", "device or protocol", measures.agreement("device"), ("device",),
    ),
    Sense(
        "SiteSimilarity", "site similarity", "method-jaccard",
        "shared institutions, countries and care settings by all of either, of the kinds that both record; institutions by name",
        "sites", "site", measures.shared_sites, ("sites",),
    ),
    Sense(
        "DemographicSimilarity", "demographic similarity", "method-coverage",
        "share of the target's groups of people of whom the source has at least one, for attributes that both report; countries belong to site similarity; not symmetric",
        "people", "group of people", measures.group_coverage,
        ("population.sex", "population.age", "population.ethnicity", "population.skin-tone"), symmetric=False,
    ),
    Sense(
        "AnnotationProcessSimilarity", "annotation-process similarity", "method-attribute-match",
        "share of labelling method, number and profession of annotators, as far as both are recorded, that agree",
        "labelling", "way of labelling", measures.agreement("annotation"), ("labelling",),
    ),
    Sense(
        "MetaFeatureSimilarity", "meta-feature similarity", "method-scaled-distance",
        "root mean square difference of the decimal logarithms of images, volumes, patients and classes and of the evenness of classes (0 to 1), as far as both are recorded",
        "figures", "number of items", measures.figure_distance, ("counts",), maximum=None, higher=False,
    ),
)  # fmt: skip
#: Kept apart from what metadata give: the closeness of two descriptions, which an index computes.
DOCUMENTATION = Sense(
    "DocumentationTextSimilarity", "documentation-text similarity", "method-sentence-embedding-cosine",
    "cosine of the sentence embeddings of the texts of the two entries", "description", "text", lambda *_: None,
    minimum=-1, basis="text-computed",
)  # fmt: skip
_STATUS_WORDS = {
    "reported": "is reported, but not in a form that can be compared",
    "reportedNone": "is reported to be none",
    "notReported": "is not reported",
    "unknown": "is not known",
    "notApplicable": "is not applicable",
}


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
        missing = tuple(_missing(sense, profile) for profile, one in known if not _holds(sense, profile))
        missing = missing or (f"{source.id} and {target.id}: {_nothing_shared(sense)}",)
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
        attributes=measures.attributes_on_both_sides(sense.fact, source, target),
        compared=tuple(f"{profile.id}: {one.said}" for profile, one in known if one),
        refs=tuple(dict.fromkeys(ref for _, one in known if one for ref in one.refs)),
        missing=missing,
    )


def _holds(sense: Sense, profile: Profile) -> bool:
    if sense.fact == "figures":
        return not profile.figures.keys().isdisjoint(ITEMS)
    if sense.fact == "family":
        return bool(profile.image_family)
    return sense.fact in profile.known


def _missing(sense: Sense, profile: Profile) -> str:
    """Which fact of a dataset is absent, in words, and why as far as that is on file."""
    start = f"{profile.id}: {sense.fact_words}"
    if sense.fact == "people" and not profile.medical:
        return f"{start} is not applicable, it is not of patients"
    statuses = [profile.status[name] for name in sense.fields if name in profile.status]
    if sense.fact in profile.unusable and set(statuses) != {"notApplicable"}:
        return f"{start} {profile.unusable[sense.fact]}"
    why = [status for status in statuses if status != "notApplicable"] or statuses or ["unknown"]
    return f"{start} {_STATUS_WORDS[why[0]]}"


def _nothing_shared(sense: Sense) -> str:
    if sense.key.endswith("ConceptSimilarity"):
        return f"nothing more specific than the root of the hierarchy is known of {sense.fact_words}"
    if sense.fact == "figures":
        return "the one counts images, the other volumes, videos or slides"
    return f"no attribute of {sense.fact_words} is recorded for both"
