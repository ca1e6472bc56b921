"""An entry is the same in YAML, JSON and RDF."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import RdfFormat, parse, serialize
from rdflib import Graph

from kb.errors import InvalidFile
from kb.knowledge.entries import DatasetEntry, content_hash
from kb.knowledge.entry_rdf import entry_from_graph, entry_graph
from kb.knowledge.entry_yaml import read_entry, to_yaml
from kb.settings import Settings

texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs", "Cn", "Co")),
    min_size=1,
    max_size=30,
)
slugs = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True)
refs = st.lists(
    st.one_of(
        st.builds("PX:{}".format, texts),
        st.builds("doi:10.{}".format, st.from_regex(r"[0-9]{4}/[!-~]{1,12}", fullmatch=True)),
        st.builds(
            "url:https://example.org/{}".format, st.from_regex(r"[A-Za-z0-9/_%.~:-]{0,12}", fullmatch=True)
        ),
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def entries(draw: st.DrawFn) -> DatasetEntry:
    def some(**fields: st.SearchStrategy[object]) -> list[dict[str, object]]:
        return draw(st.lists(st.fixed_dictionaries({**fields, "refs": refs}), max_size=3))

    return DatasetEntry.model_validate(
        {
            "id": draw(slugs),
            "name": draw(texts),
            "aliases": draw(st.lists(texts, max_size=3)),
            "description": draw(st.none() | texts),
            "domain": draw(st.sampled_from(["medical", "natural", "natural-texture"])),
            "edition": draw(st.none() | st.integers(1990, 2030)),
            "years": some(value=st.integers(1895, 2100)),
            "dimensions": some(value=st.sampled_from(["2D", "3D", "2D+t", "3D+t"])),
            "modality": some(concept=slugs, stated=st.lists(texts, max_size=2)),
            "finding": some(concept=slugs, stated=st.lists(texts, max_size=2)),
            "unmapped": some(facet=st.sampled_from(["modality", "task"]), stated=texts),
            "counts": some(
                n=st.integers(1, 10**12),
                unit=st.sampled_from(["images", "unstated"]),
                split=st.none() | texts,
            ),
            "classes": some(n=st.none() | st.integers(1, 999), names=st.lists(texts, max_size=4)),
            "relations": some(kind=st.sampled_from(["derived-from", "same-as"]), target_name=texts),
            "facts": some(attribute=st.sampled_from(["sex", "image-size"]), value=texts),
            "field_status": draw(
                st.lists(
                    st.fixed_dictionaries(
                        {
                            "fields": st.lists(st.sampled_from(["weights", "consent"]), min_size=1),
                            "status": st.sampled_from(["notReported", "unknown"]),
                        }
                    ),
                    max_size=2,
                )
            ),
        }
    )


@settings(max_examples=150, deadline=None)
@given(entries())
def test_any_entry_survives_rdf_and_yaml(
    tmp_path_factory: pytest.TempPathFactory, entry: DatasetEntry
) -> None:
    assert entry_from_graph(entry_graph(entry), entry.id) == entry
    assert DatasetEntry.model_validate_json(entry.canonical_json()) == entry
    path = tmp_path_factory.getbasetemp() / f"{entry.id}.yaml"
    path.write_text(to_yaml(entry), encoding="utf-8")
    assert read_entry(path) == entry


def test_every_real_entry_survives_rdf_through_the_stores_formats(entries: dict[str, DatasetEntry]) -> None:
    """Through N-Triples as Oxigraph writes them: what the store keeps is enough to read the entry back."""
    for entry in entries.values():
        triples = entry_graph(entry).serialize(format="nt").encode()
        again = serialize(parse(triples, format=RdfFormat.N_TRIPLES), format=RdfFormat.N_TRIPLES)
        assert again is not None
        assert entry_from_graph(Graph().parse(again, format="nt"), entry.id) == entry


def test_every_file_is_what_the_canonical_writer_writes(entries: dict[str, DatasetEntry]) -> None:
    folder = Settings().datasets
    for entry in entries.values():
        path = folder / f"{entry.id}.yaml"
        assert path.read_text(encoding="utf-8") == to_yaml(entry), (
            f"{path.name}: write it with kb.knowledge.entry_yaml.to_yaml"
        )


def test_equal_entries_have_equal_hashes(entries: dict[str, DatasetEntry]) -> None:
    some = list(entries.values())[:5]
    assert content_hash(some) == content_hash(reversed(some))
    changed = some[0].model_copy(update={"name": "another name"})
    assert content_hash([changed, *some[1:]]) != content_hash(some)


GOOD = "id: probe\nname: Probe\ndomain: medical\nyears:\n  - {value: 2020, refs: [PX:1]}\n"


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (GOOD.replace("2020", "twenty"), ("probe.yaml:5", "years.0.value", "'twenty'")),
        (
            GOOD.replace("domain: medical", "domain: music"),
            ("probe.yaml:3", "domain", "'music'", "'medical'"),
        ),
        (GOOD.replace("name: Probe\n", ""), ("probe.yaml", "name", "add it")),
        (GOOD + "modalities: []\n", ("probe.yaml:6", "modalities", "check its spelling")),
        (GOOD.replace("[PX:1]", "[]"), ("probe.yaml:5", "years.0.refs", "at least 1 item")),
        (GOOD.replace("PX:1", "somewhere"), ("probe.yaml:5", "years.0.refs.0", "'somewhere'")),
        (GOOD.replace("id: probe", "id: other"), ("id", "'other'", "'probe'")),
        (GOOD.replace("{value", "{value: ["), ("probe.yaml:5", "not YAML")),
        ("- a\n- b\n", ("expected a mapping", "list")),
    ],
)
def test_a_broken_file_is_explained(tmp_path: Path, broken: str, expected: tuple[str, ...]) -> None:
    path = tmp_path / "probe.yaml"
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(InvalidFile) as error:
        read_entry(path)
    for part in expected:
        assert part in str(error.value)
