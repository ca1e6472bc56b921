"""What the pages of the ontology's reference show: trees, links, paths, counts of datasets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from kb.answers.knowledge_base import KnowledgeBase
from kb.errors import NotReady
from kb.knowledge.names import BASE, WH
from kb.knowledge.terms import KINDS, Fact, Module, Reference, Term, short_name
from kb.knowledge.vocabulary import words

_UNTYPED = "http://www.w3.org/2002/07/owl#NamedIndividual"
_MOST_FOUND = 50
_MOST_PATHS = 6
_PLURALS = ("classes", "object properties", "datatype properties", "annotation properties")

Relation = Literal["", "kind", "part", "located in it"]


@dataclass(frozen=True)
class Link:
    """Where a term is described, or the address of a term that is not ours."""

    href: str
    text: str
    title: str = ""
    external: bool = False


@dataclass(frozen=True)
class Node:
    """A term at one place of a tree; only its first place holds what is below it."""

    term: Term
    relation: Relation = ""
    children: tuple[Node, ...] = ()
    elsewhere: str = ""  # why only a link stands here: an earlier place, or another module


@dataclass(frozen=True)
class Section:
    """Part of a module's page."""

    module: str
    id: str
    title: str
    count: int
    roots: tuple[Node, ...]
    senses: bool = False


def read_terms(base: KnowledgeBase) -> Reference:
    """The reference of the published generation.

    Raises `NotReady` when the generation was built by a release that wrote none.
    """
    file = base.generation.terms
    if not file.is_file():
        raise NotReady("this generation holds no reference of terms", hint="run `whence build`")
    return _parsed(file)


@lru_cache(maxsize=2)
def _parsed(file: Path) -> Reference:
    """A generation never changes, so its path stands for its content."""
    return Reference.model_validate_json(file.read_text(encoding="utf-8"))


def link(reference: Reference, iri: str) -> Link:
    """Link to a term: its own page, the class that a sense's concept mirrors, or its home elsewhere."""
    term = reference.by_iri.get(iri)
    if term is None:
        return Link(href=iri, text=short_name(iri), external=True)
    if term.mirrors in reference.by_iri:
        return Link(link(reference, term.mirrors).href + "#concept", term.label, term.definition)
    place = iri.removeprefix(BASE) if iri.startswith(BASE) else f"ontology/{term.name}"
    return Link("/" + quote(place, safe="/:"), term.label, term.definition)


def _below(reference: Reference, term: Term) -> Iterator[tuple[Relation, Term]]:
    groups: tuple[tuple[Relation, tuple[str, ...]], ...] = (
        ("kind", term.children), ("part", term.parts), ("located in it", term.holds),
    )  # fmt: skip
    for relation, iris in groups:
        yield from ((relation, child) for child in _by_label(reference, iris))


def _by_label(reference: Reference, iris: Iterable[str]) -> list[Term]:
    known = (reference.by_iri[iri] for iri in iris if iri in reference.by_iri)
    return sorted(known, key=lambda term: (term.label.casefold(), term.name))


def _trees(reference: Reference, members: Iterable[Term]) -> tuple[Node, ...]:
    """Members as trees, each once with what is below it, and as a link wherever else it belongs."""
    group = {term.iri: term for term in members}
    placed: set[str] = set()

    def grow(term: Term, relation: Relation) -> Node:
        if term.iri not in group:
            return Node(term, relation, elsewhere=f"module {term.module}")
        if term.iri in placed:
            return Node(term, relation, elsewhere="see its other place")
        placed.add(term.iri)
        return Node(term, relation, tuple(grow(child, how) for how, child in _below(reference, term)))

    tops = [
        t for t in group.values() if not any(iri in group for iri in (*t.parents, *t.part_of, *t.located_in))
    ]
    roots = [grow(term, "") for term in _by_label(reference, (t.iri for t in tops))]
    # A cycle has no top; the ontology's tests forbid one, and a reference still shows every term.
    roots += [grow(term, "") for term in group.values() if term.iri not in placed]
    return tuple(roots)


def sections(reference: Reference, module: Module) -> tuple[Section, ...]:
    """Sections of a module's page; together they hold each of its terms once.

    The concept that mirrors a sense stands beside the sense's class and makes no entry of its own.
    """
    terms = [t for t in reference.terms if t.module == module.name and t.mirrors not in reference.by_iri]
    found: list[Section] = []

    def add(name: str, title: str, members: list[Term], *, senses: bool = False) -> None:
        if members:
            found.append(Section(module.name, name, title, len(members), _trees(reference, members), senses))

    add("senses", "Senses of similarity", [t for t in terms if t.sense], senses=True)
    for kind, name in zip(KINDS[:-1], _PLURALS, strict=True):
        add(name.replace(" ", "-"), name.capitalize(), [t for t in terms if t.kind == kind and not t.sense])
    individuals: dict[str, list[Term]] = {}
    for term in terms:
        if term.kind == "individual":
            individuals.setdefault(_broadest_type(reference, term), []).append(term)
    for iri, members in sorted(individuals.items(), key=lambda item: link(reference, item[0]).text):
        add("of-" + short_name(iri).replace(":", "-"), f"Individuals: {link(reference, iri).text}", members)
    return tuple(found)


def _broadest_type(reference: Reference, term: Term) -> str:
    """The class that gathers an individual with its like: of its stated types one that is below no other."""
    stated = set(term.types)
    return min((iri for iri in stated if not stated & _ancestors(reference, iri)), default=_UNTYPED)


def _ancestors(reference: Reference, iri: str) -> set[str]:
    found: set[str] = set()
    waiting = [iri]
    while waiting:
        term = reference.by_iri.get(waiting.pop())
        new = set(term.parents) - found if term else set[str]()
        found |= new
        waiting += new
    return found


def paths(reference: Reference, term: Term) -> tuple[tuple[Term, ...], ...]:
    """Ways from a top of the hierarchy down to the term, without the term; an individual starts at its class."""
    found: list[tuple[Term, ...]] = []

    def climb(at: Term, below: tuple[Term, ...]) -> None:
        if len(found) == _MOST_PATHS:
            return
        above = _by_label(reference, {*at.parents, *at.part_of, *at.located_in})
        if not above and at.kind == "individual":
            above = _by_label(reference, {_broadest_type(reference, at)})
        passed = {term.iri, *(step.iri for step in below)}
        above = [parent for parent in above if parent.iri not in passed]
        for parent in above:
            climb(parent, (parent, *below))
        if not above and below:
            found.append(below)

    climb(term, ())
    return tuple(found)


def find_terms(reference: Reference, query: str) -> tuple[Term, ...]:
    """Terms whose label, synonym or name holds all words of the query; those named just so come first."""
    asked = words(query)
    if not asked:
        return ()

    def rank(term: Term) -> int | None:
        names = [words(name) for name in (term.label, *term.alt_labels, term.name)]
        if asked == names[0]:
            return 0
        if asked in names or query.strip() == term.name:
            return 1
        return 2 if any(set(asked) <= set(name) for name in names) else None

    ranked = [
        (place, term.label.casefold(), term.name, term)
        for term in reference.terms
        if not term.mirrors and (place := rank(term)) is not None
    ]
    return tuple(term for *_, term in sorted(ranked, key=lambda item: item[:3])[:_MOST_FOUND])


def datasets_under(base: KnowledgeBase) -> Counter[str]:
    """For each concept, how many entries state it or something from which it follows."""
    return Counter(concept for held in base.entailed_concepts.values() for concept in held)


def datasets_stating(base: KnowledgeBase, concept_id: str) -> int:
    """How many entries state just this concept."""
    return sum(concept_id in entry.concepts() for entry in base.entries.values())


def mentions(reference: Reference, term: Term) -> tuple[Fact, ...]:
    """Statements of other terms about the term, and about the concept of the sense that it is."""
    if term.sense is None or term.sense.concept not in reference.by_iri:
        return term.mentions
    shown = str(WH.assessesSense)  # the sense's own table has its methods
    of_concept = reference.by_iri[term.sense.concept].mentions
    return term.mentions + tuple(fact for fact in of_concept if fact.predicate != shown)
