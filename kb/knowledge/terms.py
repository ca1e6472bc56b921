"""Terms of the ontology as a reader meets them: one record per term, with its neighbours and what follows."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from kb.errors import NotFound
from kb.knowledge.entry_base import Facet
from kb.knowledge.names import PREFIXES, WH
from kb.knowledge.suggestions import did_you_mean

Kind = Literal["class", "object property", "datatype property", "annotation property", "individual"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Code(_Frozen):
    """A code of another scheme, and how its meaning relates to the term's."""

    scheme: str
    value: str = Field(description="The IRI, or scheme:identifier where there is none.")
    mapping: str = Field(description="Predicate, as a prefixed name.")


class Value(_Frozen):
    """Object of a statement."""

    text: str
    iri: str | None = None


class Fact(_Frozen):
    """What one predicate says about the term, or what other terms say about it by that predicate."""

    predicate: str
    values: tuple[Value, ...]


class Axiom(_Frozen):
    """A class expression or property chain in words, with the terms it names."""

    text: str
    terms: tuple[str, ...]


class SenseFacts(_Frozen):
    """The two axes of a sense of similarity, and what its numbers are like."""

    concept: str = Field(description="IRI of the SKOS concept that mirrors the class.")
    concept_definition: str = ""
    comparand: str = ""
    bases: tuple[str, ...] = ()
    needs_images: bool | None = None
    scale: str = ""
    direction: str = ""
    storable: bool = False
    shifts: tuple[str, ...] = Field(default=(), description="Kinds of shift that low similarity speaks for.")
    methods: tuple[str, ...] = ()


class Term(_Frozen):
    """One declared term; neighbours are IRIs."""

    iri: str
    name: str = Field(description="Local name; prefixed where the term is not of our main namespace.")
    kind: Kind
    module: str
    label: str
    alt_labels: tuple[str, ...] = ()
    definition: str = ""
    scope_notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    facet: Facet | None = None
    types: tuple[str, ...] = ()
    traits: tuple[str, ...] = Field(default=(), description="For example transitive.")
    parents: tuple[str, ...] = Field(default=(), description="Next broader class, property or concept.")
    children: tuple[str, ...] = ()
    part_of: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    located_in: tuple[str, ...] = ()
    holds: tuple[str, ...] = Field(default=(), description="What is located in it.")
    instances: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    range: tuple[str, ...] = ()
    domain_of: tuple[str, ...] = ()
    range_of: tuple[str, ...] = ()
    disjoint_with: tuple[str, ...] = ()
    chains: tuple[Axiom, ...] = ()
    equivalent: tuple[Axiom, ...] = ()
    sufficient: tuple[Axiom, ...] = Field(default=(), description="What makes something an instance.")
    conditions: tuple[Axiom, ...] = Field(default=(), description="What every instance must satisfy.")
    codes: tuple[Code, ...] = ()
    sense: SenseFacts | None = None
    mirrors: str | None = Field(default=None, description="Class that this concept of a sense mirrors.")
    facts: tuple[Fact, ...] = ()
    mentions: tuple[Fact, ...] = Field(
        default=(), description="Statements of other terms that name this one."
    )
    follows: tuple[Axiom, ...] = Field(default=(), description="Sentences, each ending in the terms named.")
    deprecated: bool = False
    replaced_by: tuple[str, ...] = ()


class Module(_Frozen):
    """Header of one ontology module."""

    name: str
    iri: str
    title: str
    description: str
    version: str
    version_iri: str
    licence: str
    created: str
    creators: tuple[str, ...]


class Reused(_Frozen):
    """A term of another vocabulary that ours uses."""

    iri: str
    name: str
    kinds: tuple[str, ...]


class Reference(_Frozen):
    """The whole ontology as a reader meets it; a generation holds it as JSON."""

    modules: tuple[Module, ...]
    terms: tuple[Term, ...]
    reused: tuple[Reused, ...]

    @cached_property
    def by_iri(self) -> dict[str, Term]:
        """Terms by IRI."""
        return {term.iri: term for term in self.terms}

    @cached_property
    def by_name(self) -> dict[str, Term]:
        """Terms by name."""
        return {term.name: term for term in self.terms}

    def term(self, name: str) -> Term:
        """One term.

        Raises `NotFound` with near names.
        """
        if name in self.by_name:
            return self.by_name[name]
        bare = name.strip().replace(" ", "-").replace("_", "-")
        same = [known for known in self.by_name if known.casefold() == bare.casefold()]
        hint = f"did you mean {', '.join(same)}?" if same else did_you_mean(bare, self.by_name)
        raise NotFound(f"the ontology has no term {name!r}", hint=hint)

    def module(self, name: str) -> Module:
        """One module.

        Raises `NotFound` with the names there are.
        """
        for module in self.modules:
            if module.name == name:
                return module
        known = ", ".join(module.name for module in self.modules)
        raise NotFound(f"the ontology has no module {name!r}", hint=f"one of {known}")


def short_name(iri: str) -> str:
    """Local name in our main namespace, prefixed name in a known one, else the IRI."""
    if iri.startswith(str(WH)):
        return iri.removeprefix(str(WH))
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri
