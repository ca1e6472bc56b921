"""The real catalogue as data, and a broken one."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from kb.errors import InvalidFile
from kb.knowledge.catalogue import read_catalogue
from kb.knowledge.describe import describe
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_base import FACETS
from kb.knowledge.references import read_references
from kb.knowledge.vocabulary import Vocabulary
from kb.settings import Settings

TERMS = Settings().data / "terms"


def rows(name: str) -> list[dict[str, str]]:
    with (TERMS / f"{name}.tsv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_the_catalogue_holds_every_imaging_record(entries: dict[str, DatasetEntry]) -> None:
    assert len(entries) == 1259
    assert Counter(entry.domain for entry in entries.values()) == {
        "medical": 1237,
        "natural": 16,
        "natural-texture": 6,
    }


def test_references_are_rows_of_known_lists(entries: dict[str, DatasetEntry]) -> None:
    lists = set(read_references(Settings().data / "references.yaml"))
    for entry in entries.values():
        listed = {row.ref for row in entry.rows}
        assert listed, f"{entry.id}: rows: names no list"
        for field in (
            "years",
            "dimensions",
            *FACETS,
            "counts",
            "classes",
            "access",
            "licences",
            "relations",
            "facts",
        ):
            for value in getattr(entry, field):
                for ref in value.refs:
                    scheme = ref.partition(":")[0]
                    assert scheme in lists | {"doi", "arxiv", "url"}, (
                        f"{entry.id}: {field}: unknown list {scheme}"
                    )


@pytest.mark.parametrize(
    ("facet", "share"), [("modality", 0.95), ("anatomy", 0.95), ("task", 0.90), ("finding", 0.90)]
)
def test_most_stated_terms_are_mapped(entries: dict[str, DatasetEntry], facet: str, share: float) -> None:
    """Share of the stated terms of one field of the lists that led to a concept, of whatever facet."""
    table = {row["raw"] for row in rows(facet)}
    mapped = {
        (e.id, word) for e in entries.values() for f in FACETS for tag in e.tags(f) for word in tag.stated
    }
    mapped = {pair for pair in mapped if pair[1] in table}
    still_open = {(e.id, raw.stated) for e in entries.values() for raw in e.unmapped if raw.facet == facet}
    assert len(mapped) / len(mapped | still_open) >= share


def test_every_open_term_stands_in_the_work_list_with_its_reason(entries: dict[str, DatasetEntry]) -> None:
    """Open as a whole, or in part: `Seg/Reg` is segmentation, and registration or regression."""
    for facet in FACETS:
        reasons = {row["raw"]: row["reason"] for row in rows(facet) if row["open"]}
        for entry in entries.values():
            still_open = {raw.stated for raw in entry.unmapped if raw.facet == facet}
            for word in still_open:
                assert reasons.get(word), f"{entry.id}: {word!r} has no reason in data/terms/{facet}.tsv"
    seg_reg = [e for e in entries.values() if any(raw.stated == "Seg/Reg" for raw in e.unmapped)]
    assert seg_reg and all("image-segmentation" in e.concepts("task") for e in seg_reg)


def test_term_tables_name_concepts_that_exist(vocabulary: Vocabulary) -> None:
    for facet in FACETS:
        for row in rows(facet):
            for concept in filter(None, row["concepts"].split(" | ")):
                assert concept in vocabulary, (
                    f"data/terms/{facet}.tsv: {row['raw']!r}: no concept {concept!r}"
                )
            assert row["open"] == ("all" if not row["concepts"] else row["open"] and "part"), row
            assert row["reason"] or not row["open"], row


def test_ambiguous_terms_are_never_guessed(entries: dict[str, DatasetEntry]) -> None:
    """No guess: "Reg" is registration or regression, "Multi" is nothing: neither may stand behind a concept alone."""
    for entry in entries.values():
        for facet in FACETS:
            for tag in entry.tags(facet):
                assert not {word.strip().lower() for word in tag.stated} & {"reg", "multi", "others"}, (
                    entry.id,
                    tag,
                )


def test_values_marked_suspect_are_left_out(entries: dict[str, DatasetEntry]) -> None:
    def stated(entry_id: str, facet: str) -> set[str]:
        return {word for tag in getattr(entries[entry_id], facet) for word in tag.stated}

    assert "Diabetic retinopathy" not in stated("chexpert", "finding")
    assert "Retina" not in stated("cataract-101", "anatomy")
    assert "stomach" not in entries["nucls"].concepts("anatomy")
    assert not any(count.n == 1204 for count in entries["msd-prostate"].counts)
    assert len(rows("left_out")) > 290


def test_relations_are_linked_both_ways_where_both_have_entries(entries: dict[str, DatasetEntry]) -> None:
    def related(one: str, kind: str) -> set[str | None]:
        return {relation.target for relation in entries[one].relations if relation.kind == kind}

    assert "ham10000" in related("dermamnist", "derived-from")
    assert "camelyon16" in related("patchcamelyon", "derived-from")
    assert "lits" in related("organamnist", "derived-from")
    assert {"ham10000", "bcn-20000"} <= related("isic19", "derived-from")


def test_descriptions_are_rendered_from_facts(
    entries: dict[str, DatasetEntry], vocabulary: Vocabulary
) -> None:
    names = {entry.id: entry.name for entry in entries.values()}
    assert describe(entries["bloodmnist"], vocabulary, names) == entries["bloodmnist"].description
    text = describe(entries["bloodmnist"].model_copy(update={"description": None}), vocabulary, names)
    assert text.startswith("BloodMNIST is a two-dimensional medical image dataset acquired by ")
    assert "It has 17,092 images and 1 site; classes: basophil, eosinophil" in text
    assert "derived from PBC dataset (normal peripheral blood cells)" in text
    assert "Access: open; licence: CC BY 4.0." in text
    kermany = entries["chest-x-ray-images-pneumonia"].model_copy(update={"description": None})
    pneumonia = describe(kermany, vocabulary, names)
    assert "acquired by chest radiography, showing lung," in pneumonia, "the most specific concepts only"
    guessed = describe(entries["1000-functional-connectomes-project"], vocabulary, names)
    assert "Access" not in guessed, "a guess from the host is no statement about access"
    for entry in entries.values():
        text = describe(entry, vocabulary, names)
        assert text.endswith(".") and "  " not in text and "None" not in text.replace(entry.name, ""), text


def small_catalogue(tmp_path: Path, text: str) -> Path:
    for name in ("lits", "ham10000"):
        text_of_other = f"id: {name}\nname: {name}\ndomain: medical\n"
        (tmp_path / f"{name}.yaml").write_text(text_of_other, encoding="utf-8")
    (tmp_path / "probe.yaml").write_text("id: probe\nname: Probe\ndomain: medical\n" + text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "modality:\n  - {concept: computed-tomografy, refs: [PX:1]}\n",
            ("modality.0.concept", "'computed-tomografy'", "computed-tomography"),
        ),
        (
            "anatomy:\n  - {concept: glioma, refs: [PX:1]}\n",
            ("anatomy.0.concept", "concept of finding", "move it there"),
        ),
        (
            "relations:\n  - {kind: derived-from, target: litz, refs: [PX:1]}\n",
            ("relations.0.target", "'litz'", "lits"),
        ),
        ("relations:\n  - {kind: same-as, target: probe, refs: [PX:1]}\n", ("relations.0.target", "itself")),
    ],
)
def test_what_no_single_file_shows_is_checked(
    tmp_path: Path, vocabulary: Vocabulary, text: str, expected: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidFile) as error:
        read_catalogue(small_catalogue(tmp_path, text), vocabulary)
    for part in ("probe.yaml", *expected):
        assert part in str(error.value)
