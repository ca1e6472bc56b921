"""Names of concepts in other languages are well formed, complete where promised, and lead to their concepts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from rdflib import SKOS, Graph

from kb.answers.concepts import find_concepts
from kb.answers.knowledge_base import KnowledgeBase
from kb.errors import InvalidFile
from kb.knowledge.names import WH
from kb.knowledge.vocabulary import Vocabulary, load_labels
from kb.settings import Settings

LANGUAGES = ("de", "fr", "es", "it", "zh", "ja")


@pytest.fixture(scope="module")
def labels(settings: Settings) -> Graph:
    """All labels in other languages."""
    return load_labels(settings.ontology)


def test_labels_belong_to_concepts_and_one_of_a_language_is_preferred(
    labels: Graph, vocabulary: Vocabulary
) -> None:
    unknown = {str(s) for s in labels.subjects()} - {str(concept.iri) for concept in vocabulary}
    assert not unknown, f"ontology/labels: no concept of the ontology: {sorted(unknown)}"
    preferred = Counter(
        (subject, getattr(name, "language", None)) for subject, name in labels.subject_objects(SKOS.prefLabel)
    )
    twice = [key for key, count in preferred.items() if count > 1]
    assert not twice, f"ontology/labels: more than one prefLabel of a language: {twice}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_modality_anatomy_and_task_have_a_name_in_each_language(
    labels: Graph, vocabulary: Vocabulary, language: str
) -> None:
    named = {
        str(subject).removeprefix(str(WH))
        for subject, name in labels.subject_objects(SKOS.prefLabel)
        if getattr(name, "language", None) == language
    }
    missing = [concept.id for concept in vocabulary if concept.facet != "finding" and concept.id not in named]
    assert not missing, f"ontology/labels/{language}.ttl: no skos:prefLabel for {missing[:5]}"
    assert sum(vocabulary[concept].facet == "finding" for concept in named) >= 120


def test_label_files_are_as_the_writer_leaves_them(settings: Settings) -> None:
    for path in sorted((settings.ontology / "labels").glob("*.ttl")):
        text = path.read_text(encoding="utf-8")
        assert Graph().parse(data=text, format="turtle").serialize(format="turtle") == text, path.name


@pytest.mark.parametrize(
    ("query", "concept"),
    [
        ("Netzhaut", "retina"), ("poumon", "lung"), ("mammografia", "mammography"), ("resonancia magnética", "magnetic-resonance-imaging"),
        ("乳腺癌", "breast-cancer"), ("肺炎", "pneumonia"), ("Hautkrebs", "skin-cancer"), ("hepatic", "liver"),
        ("皮膚", "skin"), ("Bildsegmentierung", "image-segmentation"),
    ],
)  # fmt: skip
def test_a_concept_is_found_in_other_languages(base: KnowledgeBase, query: str, concept: str) -> None:
    assert concept in {hit.id for hit in find_concepts(base, query, limit=3)}


@pytest.mark.parametrize(
    "line",
    ['wh:lung skos:prefLabel "Lunge"@fr .', 'wh:lung skos:definition "x"@de .', 'wh:lung skos:prefLabel "Lunge" .', "wh:lung"],
)  # fmt: skip
def test_what_is_no_label_of_the_file_s_language_is_refused(tmp_path: Path, line: str) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    prefixes = f"@prefix wh: <{WH}> .\n@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    (folder / "de.ttl").write_text(prefixes + line, encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"de\.ttl"):
        load_labels(tmp_path)
