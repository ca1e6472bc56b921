"""The mapping files say what the ontology says, under labels that were read; every planted fault is noticed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rdflib import SKOS, Graph, URIRef

import kb
from kb.errors import InvalidFile, NotFound
from kb.knowledge.mappings import (
    LABELS_FILE,
    MAPPING_CHECKS,
    ConceptMapping,
    Mappings,
    label_checked,
    mapping_triples,
    name_words,
    read_mappings,
)
from kb.knowledge.names import WH
from kb.settings import Settings

LUNG = "wh:lung"
UBERON_LUNG = "UBERON:0002048"


@pytest.fixture(scope="module")
def folder(settings: Settings) -> Path:
    return settings.ontology / "mappings"


@pytest.fixture(scope="module")
def mappings(folder: Path) -> Mappings:
    return read_mappings(folder)


def with_rows(mappings: Mappings, change: Callable[[list[ConceptMapping]], list[ConceptMapping]]) -> Mappings:
    """The same mappings with the rows of the anatomy file changed."""
    sets = tuple(
        file.model_copy(update={"rows": tuple(change(list(file.rows)))})
        if file.mapping_set_id.endswith("anatomy")
        else file
        for file in mappings.sets
    )
    return mappings.model_copy(update={"sets": sets})


def edited(
    subject: str, code: str, **fields: object
) -> Callable[[list[ConceptMapping]], list[ConceptMapping]]:
    """Change of one row."""

    def change(rows: list[ConceptMapping]) -> list[ConceptMapping]:
        found = [row for row in rows if (row.subject_id, row.object_id) == (subject, code)]
        assert len(found) == 1
        return [row.model_copy(update=fields) if row is found[0] else row for row in rows]

    return change


def added(
    subject: str, code: str, **fields: object
) -> Callable[[list[ConceptMapping]], list[ConceptMapping]]:
    """One row more, made from another."""

    def change(rows: list[ConceptMapping]) -> list[ConceptMapping]:
        found = next(row for row in rows if (row.subject_id, row.object_id) == (subject, code))
        return [*rows, found.model_copy(update=fields)]

    return change


@pytest.mark.parametrize("name", MAPPING_CHECKS)
def test_the_shipped_mappings_pass(name: str, mappings: Mappings, ontology: Graph) -> None:
    assert MAPPING_CHECKS[name](mappings, ontology) == []


FAULTS: dict[str, list[Callable[[list[ConceptMapping]], list[ConceptMapping]]]] = {
    "mapping files and ontology say the same": [
        edited(LUNG, UBERON_LUNG, predicate_id="skos:closeMatch"),
        edited(LUNG, UBERON_LUNG, object_id="UBERON:0002049"),
        lambda rows: [row for row in rows if row.object_id != UBERON_LUNG],
    ],
    "subjects go by their label": [
        edited(LUNG, UBERON_LUNG, subject_label="lungs"),
        edited(LUNG, UBERON_LUNG, subject_id="wh:no-such-concept"),
    ],
    "each code has the label that was verified": [
        edited(LUNG, UBERON_LUNG, object_label="left lung"),
        edited(LUNG, UBERON_LUNG, object_id="UBERON:9999999"),
        lambda rows: [row for row in rows if row.object_id != UBERON_LUNG],
    ],
    "exact mappings share words or say why not": [
        edited(LUNG, UBERON_LUNG, object_label="soft palate"),
        edited(LUNG, UBERON_LUNG, object_label="soft palate", comment="A label match needs no comment."),
        edited("wh:bone", "UBERON:0001474", comment=""),
    ],
    "one exact code of a scheme, one concept of an exact code": [
        added(LUNG, UBERON_LUNG, object_id="UBERON:0000101"),
        added(LUNG, UBERON_LUNG, subject_id="wh:liver"),
    ],
    "one relation for a concept and a code": [
        added(LUNG, UBERON_LUNG, predicate_id="skos:broadMatch"),
        added(LUNG, UBERON_LUNG),
    ],
    "mapping files in order": [lambda rows: rows[::-1]],
}


@pytest.mark.parametrize(
    ("name", "fault"), [(name, i) for name, faults in FAULTS.items() for i in range(len(faults))]
)
def test_a_planted_fault_is_noticed(name: str, fault: int, mappings: Mappings, ontology: Graph) -> None:
    assert MAPPING_CHECKS[name](with_rows(mappings, FAULTS[name][fault]), ontology)


def test_a_mapping_that_only_the_ontology_has_is_noticed(mappings: Mappings, ontology: Graph) -> None:
    stated = (WH.lung, SKOS.exactMatch, URIRef("http://radlex.org/RID/RID1"))
    for triple in (stated, (WH.lung, SKOS.relatedMatch, stated[2])):
        planted = ontology + Graph().add(triple)
        [problem] = MAPPING_CHECKS["mapping files and ontology say the same"](mappings, planted)
        assert problem.startswith("only in the ontology") and "RID1" in problem


@pytest.mark.parametrize(
    ("fields", "noticed"),
    [
        ({}, True),
        ({"predicate_id": "skos:closeMatch"}, True),
        ({"confidence": 0.4}, True),
        ({"predicate_id": "skos:closeMatch", "confidence": 0.4}, False),
    ],
)
def test_a_code_whose_label_is_not_verified_is_neither_exact_nor_confident(
    fields: dict[str, object], noticed: bool, mappings: Mappings, ontology: Graph
) -> None:
    doubtful = mappings.labels[UBERON_LUNG].model_copy(update={"verified": "no"})
    planted = with_rows(mappings, edited(LUNG, UBERON_LUNG, **fields)).model_copy(
        update={"labels": {**mappings.labels, UBERON_LUNG: doubtful}}
    )
    assert bool(MAPPING_CHECKS["no unverified code is exact or confident"](planted, ontology)) is noticed
    assert WH.lung in label_checked(planted, ontology, WH.AnatomicalStructure)  # by its other codes


def test_prefixes_that_disagree_or_idle_are_noticed(mappings: Mappings, ontology: Graph) -> None:
    for file in mappings.sets[1:]:
        for prefix, expansion in (("wh", "https://example.org/"), ("idle", "https://example.org/")):
            other = file.model_copy(update={"curie_map": {**file.curie_map, prefix: expansion}})
            planted = mappings.model_copy(update={"sets": (mappings.sets[0], other)})
            [problem] = MAPPING_CHECKS["mapping files in order"](planted, ontology)
            assert f"prefix {prefix} " in problem


def test_every_check_has_a_planted_fault() -> None:
    assert set(MAPPING_CHECKS) - set(FAULTS) == {"no unverified code is exact or confident"}  # planted above


def test_enough_concepts_have_a_code_whose_label_was_checked(mappings: Mappings, ontology: Graph) -> None:
    assert len(label_checked(mappings, ontology, WH.Modality)) >= 60
    assert len(label_checked(mappings, ontology, WH.AnatomicalStructure)) >= 150
    assert len(label_checked(mappings, ontology, WH.Task)) >= 28
    exact = mappings.model_copy(
        update={
            "sets": tuple(
                file.model_copy(update={"rows": tuple(row for row in file.rows if row.is_exact)})
                for file in mappings.sets
            )
        }
    )
    assert len(label_checked(exact, ontology, WH.Modality)) >= 60
    assert len(label_checked(exact, ontology, WH.AnatomicalStructure)) >= 150


def test_statements_are_full_addresses(mappings: Mappings) -> None:
    triples = set(mapping_triples(mappings))
    assert (WH.lung, SKOS.exactMatch, URIRef("http://purl.obolibrary.org/obo/UBERON_0002048")) in triples
    assert (WH["metric-accuracy"], SKOS.exactMatch, URIRef("https://rsna.org/roadmap/03307")) in triples
    assert (
        WH["t1-weighted-mri"],
        SKOS.exactMatch,
        URIRef("https://bids-specification.readthedocs.io/en/stable/glossary.html#objects.suffixes.T1w"),
    ) in triples
    assert all(str(code).startswith("http") for _, _, code in triples)
    assert len(triples) == len(list(mappings.rows))


def test_files_carry_the_version_of_the_software(mappings: Mappings) -> None:
    assert {file.mapping_set_version for file in mappings.sets} == {kb.__version__}


def test_files_name_no_person_and_no_machine(folder: Path) -> None:
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        assert text.isascii() and not any(
            word in text for word in ("/home/", "/root/", "/work/", "orcid", "@")
        )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lungs", "lung"),
        ("Entire lung", "structure of lung"),
        ("Anal canal structure", "anal canal"),
        ("ultrasound imaging", "Ultrasound"),
        ("T1-weighted image", "T1 weighted"),
    ],
)
def test_words_that_schemes_add_do_not_count(one: str, other: str) -> None:
    assert name_words(one) == name_words(other)


def test_words_that_change_the_meaning_count() -> None:
    assert name_words("left lung") != name_words("lung")
    assert name_words("lobe of lung") != name_words("lung")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\tskos:exactMatch\t", "\towl:sameAs\t", "predicate_id"),
        ("\tsemapv:LexicalMatching\t", "\tsemapv:Guess\t", "mapping_justification"),
        ("\t0.95\t", "\t1.5\t", "confidence"),
        ("\tNCIT:C12666\t", "\tNOWHERE:C12666\t", "no prefix 'NOWHERE'"),
        ("#license: ", "#permission: ", "license"),
        ("#curie_map:", "#curie_map: [", "not YAML"),
        ("\twhence curators\t", "\t\t", "author_label"),
        ("subject_id\t", "subject\t", "subject_id"),
        ("\thttps://github.com/", "\t/tmp/", "see_also"),
    ],
)
def test_a_broken_file_is_refused(folder: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    copy = tmp_path / "mappings"
    shutil.copytree(folder, copy)
    path = copy / "anatomy.sssom.tsv"
    text = path.read_text(encoding="utf-8").replace("Whence curators", "whence curators")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidFile, match=message) as caught:
        read_mappings(copy)
    assert "anatomy.sssom.tsv" in str(caught.value)


def test_missing_and_doubled_labels_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no mapping file"):
        read_mappings(tmp_path)
    copy = tmp_path / "mappings"
    shutil.copytree(folder, copy)
    labels = copy / LABELS_FILE
    lines = labels.read_text(encoding="utf-8").splitlines(keepends=True)
    labels.write_text("".join([*lines, lines[-1]]), encoding="utf-8")
    with pytest.raises(InvalidFile, match="twice"):
        read_mappings(copy)
    labels.unlink()
    with pytest.raises(NotFound, match="no file"):
        read_mappings(copy)
