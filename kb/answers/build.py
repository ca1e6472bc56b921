"""Build a generation: read and check the files, reason, embed, index, publish."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from filelock import FileLock, Timeout
from rdflib import RDF, XSD, Graph, Literal, URIRef
from rdflib.namespace import PROV
from rdflib.term import Node

import kb
from kb.answers.ontology_release import write_release
from kb.answers.resolver_fit import fit
from kb.engines.encoder import Encoder, TorchEncoder, model_fingerprint, model_folder
from kb.engines.generation import Generation, Manifest, current_generation, new_generation
from kb.engines.reasoner import check_consistency
from kb.engines.store import write_store
from kb.engines.text_index import TextIndex
from kb.engines.vector_index import VectorIndex
from kb.errors import InvalidFile, NotReady
from kb.knowledge.catalogue import read_catalogue
from kb.knowledge.condition_wordings import read_condition_wordings
from kb.knowledge.describe import concept_text, entry_text, indexed_text
from kb.knowledge.entries import DatasetEntry, content_hash
from kb.knowledge.entry_rdf import entry_triples
from kb.knowledge.names import BASE, GRAPH, PHRASES_GRAPH, PROVENANCE_GRAPH, WH
from kb.knowledge.overlap import Overlaps
from kb.knowledge.phrases import phrase_triples, read_phrases
from kb.knowledge.references import read_references, reference_triples
from kb.knowledge.resolver import ResolverParts, read_lexicon
from kb.knowledge.sentences import read_sentences
from kb.knowledge.studies import read_studies
from kb.knowledge.study_rdf import study_graph
from kb.knowledge.terms import Reference
from kb.knowledge.terms_rdf import read_reference
from kb.knowledge.vocabulary import Vocabulary, load_labels, load_ontology
from kb.settings import Settings

_LEDGER_SEQUENCE = 0  # no ledger yet: the files are the only source

Report = Callable[[str], None]


def data_version(entries: dict[str, DatasetEntry]) -> str:
    """`<release>+<ledger sequence>.<12 hex of the SHA-256 of the canonical entries>`."""
    return f"{kb.__version__}+{_LEDGER_SEQUENCE}.{content_hash(entries.values())[:12]}"


def build(settings: Settings, report: Report = lambda _: None, *, force: bool = False) -> Generation:
    """Build and publish a generation, or return the current one when nothing it rests on has changed.

    Raises `InvalidFile` at the first broken file; what was published before then stays.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.home / "build.lock", timeout=0):
            return _build(settings, report, force=force)
    except Timeout as error:
        raise NotReady(f"another build is running in {settings.home}", hint="wait for it to end") from error


def _build(settings: Settings, report: Report, *, force: bool) -> Generation:
    started = time.perf_counter()
    inputs = _inputs(settings)
    folder = model_folder(settings.model)
    fingerprint = model_fingerprint(folder)
    if not force and (current := _unchanged(settings.home, inputs, fingerprint)):
        report(f"up to date: {current.manifest.data_version}")
        return current
    report("reading ontology and entries")
    ontology = _sound_ontology(settings.ontology)
    vocabulary = Vocabulary.from_graph(ontology + load_labels(settings.ontology))
    entries = read_catalogue(settings.datasets, vocabulary)
    studies = read_studies(settings.data / "evidence", entries, ontology)
    references = read_references(settings.data / "references.yaml")
    version = data_version(entries)

    report("loading the sentence encoder")
    encoder = TorchEncoder(folder, settings.device)
    encoder_folder = settings.home / "encoders" / fingerprint
    if not (encoder_folder / "limits.json").is_file():
        report("exporting the query encoder")
        encoder.export(encoder_folder)
    names = {entry.id: entry.name for entry in entries.values()}
    ordered = [entries[entry_id] for entry_id in sorted(entries)]
    report(f"embedding {len(ordered)} descriptions on {encoder.device}")
    vectors = encoder.encode([entry_text(entry, vocabulary, names) for entry in ordered])
    concept_vectors = encoder.encode([concept_text(concept) for concept in vocabulary])

    with new_generation(settings.home) as target:
        VectorIndex.build(vectors, "cpu").write(target / "vectors.faiss")
        VectorIndex.build(concept_vectors, "cpu").write(target / "concepts.faiss")
        texts = (
            (" ".join((entry.name, *entry.aliases)), indexed_text(entry, vocabulary, names))
            for entry in ordered
        )
        TextIndex.build(target / "words.sqlite", texts)
        lines = "".join(entry.canonical_json() + "\n" for entry in ordered)
        (target / "entries.jsonl").write_text(lines, encoding="utf-8")
        stored = "".join(study.model_dump_json() + "\n" for study in studies)
        (target / "studies.jsonl").write_text(stored, encoding="utf-8")
        (target / "vocabulary.json").write_text(vocabulary.to_json(), encoding="utf-8")
        report("writing the reference of terms and the release files of the ontology")
        terms = read_reference(ontology)
        (target / "terms.json").write_text(terms.model_dump_json(), encoding="utf-8")
        _write_conditions(settings.data / "phrases" / "conditions.tsv", encoder, target)
        _fit_resolver(settings.data / "phrases", terms, encoder, target / "resolver.json")
        write_release(ontology, settings.ontology / "mappings", target / "ontology")
        report("writing triples and what follows from them")
        provenance = _provenance(version) + reference_triples(references)
        phrases = phrase_triples(read_phrases(settings.data / "phrases" / "phrases.tsv"), ontology)
        overlaps = Overlaps(entries)
        parts: list[tuple[URIRef, Iterable[tuple[Node, Node, Node]]]] = [
            (PROVENANCE_GRAPH, provenance),
            (PHRASES_GRAPH, phrases),
            *((GRAPH[f"dataset/{entry.id}"], entry_triples(entry)) for entry in ordered),
            *((GRAPH[f"study/{study.id}"], study_graph(study, overlaps.risk)) for study in studies),
        ]
        counts = write_store(target / "store", ontology, parts)
        manifest = Manifest(
            data_version=version,
            release=kb.__version__,
            sequence=_LEDGER_SEQUENCE,
            content=content_hash(ordered),
            inputs=inputs,
            model=fingerprint,
            model_name=_model_name(settings),
            dimension=int(vectors.shape[1]),
            device=encoder.device,
            entries=len(ordered),
            concepts=len(vocabulary),
            asserted=counts.asserted,
            entailed=counts.entailed,
            merged=counts.merged,
            build_seconds=round(time.perf_counter() - started, 1),
        )
        (target / "manifest.json").write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    report(f"published {version}")
    return current_generation(settings.home)


def _unchanged(home: Path, inputs: str, model: str) -> Generation | None:
    try:
        current = current_generation(home)
    except NotReady:
        return None
    manifest = current.manifest
    same = (manifest.inputs, manifest.model) == (inputs, model)
    return current if same and (current.encoder / "limits.json").is_file() else None


def _sound_ontology(folder: Path) -> Graph:
    ontology = load_ontology(folder)
    verdict = check_consistency(ontology)
    if not verdict.consistent or verdict.unsatisfiable:
        found = ", ".join(verdict.unsatisfiable) or "it contradicts itself"
        raise InvalidFile(f"{folder}: HermiT finds the ontology unsound: {found}")
    return ontology


def _write_conditions(table: Path, encoder: Encoder, target: Path) -> None:
    wordings = [one.wording for one in read_condition_wordings(table)]
    VectorIndex.build(encoder.encode(wordings), "cpu").write(target / "conditions.faiss")
    shutil.copyfile(table, target / "conditions.tsv")


def _fit_resolver(folder: Path, terms: Reference, encoder: Encoder, target: Path) -> None:
    lexicon = read_lexicon(folder, terms)
    train, development = (
        read_sentences(folder / "sentences" / f"{name}.yaml") for name in ("train", "development")
    )
    parts = ResolverParts(lexicon=lexicon, weights=fit(train, development, lexicon, encoder))
    target.write_text(parts.model_dump_json(), encoding="utf-8")


def _inputs(settings: Settings) -> str:
    """12 hex digits of the SHA-256 over all files that a generation is made from, our code among them."""
    digest = hashlib.sha256(kb.__version__.encode())
    code = Path(kb.__file__).parent
    files = [
        *settings.ontology.glob("*.ttl"),
        *(settings.ontology / "mappings").glob("*.tsv"),
        *(settings.ontology / "labels").glob("*.ttl"),
        *settings.datasets.glob("*.yaml"),
        *(settings.data / "evidence").glob("*.yaml"),
        settings.data / "references.yaml",
        *(settings.data / "phrases").rglob("*.*"),
        *(code / "knowledge").glob("*.py"),
        *(code / "engines").glob("*.py"),
        Path(__file__),
        Path(__file__).with_name("ontology_release.py"),
        Path(__file__).with_name("resolver_fit.py"),
    ]
    for path in sorted(path for path in files if path.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _model_name(settings: Settings) -> str:
    return Path(settings.model).name if settings.model else "all-MiniLM-L6-v2"


def _provenance(version: str) -> Graph:
    graph = Graph()
    catalogue = WH["whence-catalogue"]
    graph.add((catalogue, RDF.type, PROV.Entity))
    graph.add((catalogue, WH.dataVersion, Literal(version, datatype=XSD.string)))
    graph.add((catalogue, WH.release, Literal(kb.__version__, datatype=XSD.string)))
    graph.add((catalogue, WH.homePage, Literal(BASE, datatype=XSD.anyURI)))
    return graph
