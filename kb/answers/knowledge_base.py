"""`KnowledgeBase`: one published generation, opened for reading; what the CLI and the API stand on."""

from __future__ import annotations

from functools import cached_property

from kb.answers.described_conditions import DescribedConditions
from kb.answers.evidence import EvidenceBase
from kb.answers.search_tables import SearchIndexes, SearchTables
from kb.engines.encoder import OnnxEncoder
from kb.engines.generation import Generation, Manifest, current_generation
from kb.engines.text_index import TextIndex
from kb.engines.vector_index import VectorIndex
from kb.errors import NotFound
from kb.knowledge.condition_wordings import read_condition_wordings
from kb.knowledge.describe import describe, entry_text
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.resolver import Resolver, ResolverParts
from kb.knowledge.study import Study
from kb.knowledge.suggestions import did_you_mean
from kb.knowledge.vocabulary import Vocabulary
from kb.settings import Settings


class KnowledgeBase:
    """Entries, vocabulary, vectors and query encoder of one generation; each is loaded on first use."""

    def __init__(self, settings: Settings, generation: Generation) -> None:
        self.settings = settings
        self.generation = generation

    @classmethod
    def open(cls, settings: Settings) -> KnowledgeBase:
        """The current generation.

        Raises `NotReady` when nothing was built yet.
        """
        return cls(settings, current_generation(settings.home))

    @property
    def manifest(self) -> Manifest:
        """What the generation was made from, and how large it is."""
        return self.generation.manifest

    @cached_property
    def entries(self) -> dict[str, DatasetEntry]:
        """All entries by id, in the order of their vectors."""
        lines = self.generation.entries.read_text(encoding="utf-8").splitlines()
        return {entry.id: entry for entry in map(DatasetEntry.model_validate_json, lines)}

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of each entry by id."""
        return {entry.id: entry.name for entry in self.entries.values()}

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """All concepts."""
        return Vocabulary.from_json(self.generation.vocabulary.read_text(encoding="utf-8"))

    @cached_property
    def index(self) -> VectorIndex:
        """Description vectors, on the GPU where there is one."""
        return VectorIndex.read(self.generation.vectors, self.settings.device)

    @cached_property
    def encoder(self) -> OnnxEncoder:
        """Encoder of queries, with the weights the index was built with."""
        return OnnxEncoder(self.generation.encoder)

    def load(self) -> None:
        """Load everything that search needs, so that the first query is as fast as the others."""
        self.encoder.encode(["ready"])
        self.search_tables.load()
        self.evidence.load()

    @cached_property
    def entailed_concepts(self) -> dict[str, frozenset[str]]:
        """For each entry the concepts it states and all that follow from them."""
        return {entry.id: self.vocabulary.entailed_by(entry.concepts()) for entry in self.entries.values()}

    @cached_property
    def texts(self) -> TextIndex:
        """Words of the entries."""
        return TextIndex(self.generation.words)

    @cached_property
    def search_tables(self) -> SearchTables:
        """What search looks up for every entry at once."""
        held = self.generation
        held.whole(held.concept_vectors, held.conditions, held.condition_vectors, held.words, held.vectors)
        concepts = VectorIndex.read(held.concept_vectors, "cpu")
        conditions = DescribedConditions(
            read_condition_wordings(held.conditions),
            VectorIndex.read(held.condition_vectors, "cpu"),
            self.encoder.encode,
        )
        indexes = SearchIndexes(self.encoder, self.index, concepts, self.texts, conditions)
        return SearchTables(self.entries, self.vocabulary, indexes)

    @cached_property
    def resolver(self) -> Resolver:
        """What finds wordings of likeness and tells their senses apart."""
        self.generation.whole(self.generation.resolver)
        parts = ResolverParts.model_validate_json(self.generation.resolver.read_text(encoding="utf-8"))
        return Resolver(parts, lambda texts: self.encoder.encode(texts).tolist())

    @cached_property
    def evidence(self) -> EvidenceBase:
        """Studies, comparison groups and what predictions are learnt from."""
        self.generation.whole(self.generation.studies)
        lines = self.generation.studies.read_text(encoding="utf-8").splitlines()
        return EvidenceBase(
            [Study.model_validate_json(line) for line in lines], self.entries, self.vocabulary
        )

    def entry(self, entry_id: str) -> DatasetEntry:
        """One entry.

        Raises `NotFound` with near ids.
        """
        try:
            return self.entries[entry_id]
        except KeyError:
            raise NotFound(
                f"no dataset with the id {entry_id!r}", hint=did_you_mean(entry_id.lower(), self.entries)
            ) from None

    def describe(self, entry: DatasetEntry) -> str:
        """Description of an entry, written or rendered."""
        return describe(entry, self.vocabulary, self.names)

    def text_of(self, entry: DatasetEntry) -> str:
        """Text of an entry as it is embedded."""
        return entry_text(entry, self.vocabulary, self.names)
