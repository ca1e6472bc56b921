"""Evidence as the predictor reads it: absolute outcomes, and what their sources and targets are without images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from statistics import NormalDist

from kb.knowledge.entries import DatasetEntry
from kb.knowledge.overlap import Overlaps
from kb.knowledge.study import FROM_SCRATCH, SourceModel, Study
from kb.knowledge.vocabulary import Vocabulary

#: Modalities that as a rule are recorded in colour, for entries that state no channels; stated channels prevail.
COLOUR = frozenset(
    {
        "visible-light-camera-imaging",
        "pathology-imaging",
        "dermatological-imaging",
        "fundus-imaging",
        "endoscopy",
    }
)
#: Units of counts that are single images to a network, in the order in which they are believed.
IMAGE_UNITS = ("images", "frames", "patches", "tiles", "cells", "slides", "scans", "exams", "volumes")
#: Weight of the blocks of a study by how its values were read: unaudited logs vary by 0.1 AUC between seeds.
GRADE_WEIGHT = {"raw lab log": 0.25}


@dataclass(frozen=True)
class Facts:
    """What a dataset is, without a look at its images; `modality` and `anatomy` with all that they entail.

    `stated` are the concepts of both facets as they were stated.
    """

    id: str
    images: float | None = None
    natural: bool = False
    colour: bool | None = None
    modality: frozenset[str] = frozenset()
    anatomy: frozenset[str] = frozenset()
    stated: frozenset[str] = frozenset()


Alike = Callable[[Facts, Facts], bool]


@dataclass(frozen=True)
class Source:
    """What a network was pretrained on: one dataset or several; none for training from scratch or without an entry.

    `without_target`: a pool of which each target is left out when it is transferred to.
    """

    id: str
    parts: tuple[Facts, ...] = ()
    without_target: bool = False

    def parts_for(self, target: str) -> tuple[Facts, ...]:
        """Its datasets in a transfer to this target."""
        return tuple(part for part in self.parts if not (self.without_target and part.id == target))


@dataclass(frozen=True)
class Measured:
    """One absolute outcome; rows of one `block` (study, target, protocol, metric, training images) compare."""

    study: str
    block: str
    source: str
    target: str
    metric: str
    value: float
    error: float | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Evidence:
    """Measured outcomes with the facts of their sources and targets."""

    rows: tuple[Measured, ...]
    sources: Mapping[str, Source]
    targets: Mapping[str, Facts]
    alike: Alike = field(compare=False)

    def without(self, targets: Iterable[str]) -> Evidence:
        """The evidence without the rows of these targets."""
        out = frozenset(targets)
        return Evidence(
            tuple(r for r in self.rows if r.target not in out), self.sources, self.targets, self.alike
        )

    def family(self, target: Facts) -> frozenset[str]:
        """The target and all targets on file that are of its family."""
        return frozenset(name for name, facts in self.targets.items() if self.alike(facts, target)) | {
            target.id
        }


def facts_of(entry: DatasetEntry, vocabulary: Vocabulary) -> Facts:
    """Facts of a dataset or of a description of one's own data."""
    modality = frozenset().union(*(vocabulary.entailed(c) for c in entry.concepts("modality")))
    anatomy = frozenset().union(*(vocabulary.entailed(c) for c in entry.concepts("anatomy")))
    channels = {form.channels for form in entry.form if form.channels and form.stage == "released"}
    colour = bool(modality & COLOUR) if modality else None
    if channels and max(channels) <= 3:
        colour = 3 in channels
    counts = {unit: [c.n for c in entry.counts if c.unit == unit] for unit in IMAGE_UNITS}
    images = next((float(max(n)) for n in counts.values() if n), None)
    stated = frozenset(entry.concepts("modality") + entry.concepts("anatomy"))
    return Facts(entry.id, images, entry.domain != "medical", colour, modality, anatomy, stated)


def families(entries: Mapping[str, DatasetEntry]) -> Alike:
    """Whether two datasets are of one family: items may be shared, or the same modality shows the same anatomy.

    Wider than overlap on purpose: two sets of chest radiographs share no item, and yet an outcome on one foretells
    that on the other.
    """
    overlaps = Overlaps(entries)

    @cache
    def alike(one: Facts, other: Facts) -> bool:
        if one.id == other.id or overlaps.path(one.id, other.id) is not None:
            return True
        # What one states holds for the other: the more general statement of the two decides.
        shared = (one.stated & (other.modality | other.anatomy)) | (
            other.stated & (one.modality | one.anatomy)
        )
        return bool(shared & one.modality & other.modality) and bool(shared & one.anatomy & other.anatomy)

    return alike


def source_of(model: SourceModel, entries: Mapping[str, DatasetEntry], vocabulary: Vocabulary) -> Source:
    """A pretrained network of a study; networks of one dataset, variant and objective are one source."""
    parts = tuple(facts_of(entries[dataset], vocabulary) for dataset in model.datasets)
    return Source(model.source_id, parts, model.without_target)


def evidence_of(
    studies: Iterable[Study], entries: Mapping[str, DatasetEntry], vocabulary: Vocabulary
) -> Evidence:
    """Absolute outcomes of the studies, without those whose source is the target itself."""
    rows, sources, targets = [], {FROM_SCRATCH: Source(FROM_SCRATCH)}, {}
    for study in studies:
        models = {m.id: source_of(m, entries, vocabulary) for m in study.models}
        models[FROM_SCRATCH] = sources[FROM_SCRATCH]
        protocols = {protocol.id: protocol for protocol in study.protocols}
        names = {target.id: target.dataset or target.id for target in study.targets}
        for outcome in study.outcomes:
            protocol = protocols[outcome.protocol]
            source, target = models[outcome.source], names[outcome.target]
            is_absolute = (
                not outcome.is_difference and outcome.subgroup is None and protocol.condition is None
            )
            if not is_absolute or any(part.id == target for part in source.parts_for(target)):
                continue
            sources[source.id] = source
            targets[target] = facts_of(entries[target], vocabulary) if target in entries else Facts(target)
            runs = protocol.seeds if isinstance(protocol.seeds, int) else protocol.folds
            error = outcome.sd / runs**0.5 if outcome.sd is not None and runs else None
            if outcome.low is not None and outcome.high is not None and protocol.interval_level is not None:
                half = NormalDist().inv_cdf(0.5 + protocol.interval_level / 2)
                error = (outcome.high - outcome.low) / 2 / half
            block = "/".join(map(str, (study.id, outcome.target, protocol.id, outcome.metric, outcome.train)))
            weight = GRADE_WEIGHT.get(protocol.grade, 1.0)
            rows.append(
                Measured(study.id, block, source.id, target, outcome.metric, outcome.value, error, weight)
            )
    return Evidence(tuple(rows), sources, targets, families(entries))


def closeness(source: Source, target: Facts, alike: Alike) -> float | None:
    """Mean of colour agreement, modality and anatomy concept similarity, and whether they are of one family, 0 to 1.

    Concept similarity is Jaccard's over what is entailed. Of a pool the mean over its datasets. What either side leaves
    unsaid is left out of the mean; None where that is everything. A ranking aid, not a similarity sense: it is made of
    several.
    """
    found = []
    for part in source.parts_for(target.id):
        senses = [_jaccard(part.modality, target.modality)]
        if part.natural or part.anatomy:  # photographs of things show no anatomy, and that is known
            senses.append(_jaccard(part.anatomy, target.anatomy))
        if part.colour is not None and target.colour is not None:
            senses.append(float(part.colour == target.colour))
        if said := [value for value in senses if value is not None]:
            kin = float(alike(part, target))
            found.append((sum(said) + kin) / (len(said) + 1))
    return sum(found) / len(found) if found else None


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float | None:
    return len(one & other) / len(one | other) if other and (one | other) else None


def groups(evidence: Evidence) -> list[frozenset[str]]:
    """Families of the targets that have rows, each target in one: chains of likeness are joined."""
    waiting = sorted({row.target for row in evidence.rows})
    groups: list[frozenset[str]] = []
    while waiting:
        group, edge = {waiting[0]}, [waiting[0]]
        while edge:
            here = edge.pop()
            new = [
                name
                for name in waiting
                if name not in group and evidence.alike(evidence.targets[here], evidence.targets[name])
            ]
            group.update(new)
            edge.extend(new)
        groups.append(frozenset(group))
        waiting = [name for name in waiting if name not in group]
    return groups
