"""What the catalogue says of itself: the audit, its page, and the command that checks files."""

from __future__ import annotations

import json
import re
from pathlib import Path

from kb.answers.audit import as_markdown, audit, conflicts, suspicious
from kb.knowledge.coverage import FIELDS, HAS_VALUE, contradicted_fields, is_gold, silent_fields
from kb.knowledge.entries import DatasetEntry
from kb.knowledge.entry_yaml import to_yaml
from kb.settings import Settings
from tests.conftest import Run


def test_the_page_of_the_data_is_current(settings: Settings) -> None:
    page = settings.data / "README.md"
    assert page.read_text(encoding="utf-8") == as_markdown(audit(settings)), "run `whence audit --write`"


def test_gold_entries_say_something_of_every_field(entries: dict[str, DatasetEntry]) -> None:
    gold = [entry for entry in entries.values() if is_gold(entry)]
    assert len(gold) >= 200
    for entry in gold:
        assert silent_fields(entry) == []
        assert entry.description and 40 <= len(entry.description) <= 1_500, entry.id
        sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", entry.description)
        assert 2 <= len(sentences) <= 9, (entry.id, len(sentences))


def test_no_field_has_both_value_and_status(entries: dict[str, DatasetEntry]) -> None:
    assert {e.id: c for e in entries.values() if (c := contradicted_fields(e))} == {}


def test_every_field_with_a_status_can_be_checked() -> None:
    assert set(HAS_VALUE) == set(FIELDS)


def test_descriptions_are_not_copied_from_one_another(entries: dict[str, DatasetEntry]) -> None:
    """No run of twelve words stands in two descriptions, the names of classes and datasets excepted by length."""
    seen: dict[tuple[str, ...], str] = {}
    for entry in entries.values():
        words = re.findall(r"[\w-]+", (entry.description or "").lower())
        for start in range(len(words) - 11):
            run = tuple(words[start : start + 12])
            assert seen.setdefault(run, entry.id) == entry.id, f"{entry.id} and {seen[run]}: {' '.join(run)}"


def probe(**fields: object) -> DatasetEntry:
    return DatasetEntry.model_validate({"id": "probe", "name": "Probe", "domain": "medical", **fields})


def test_disagreement_and_doubt_are_noticed() -> None:
    refs = ["PX:1"]
    far = probe(
        years=[{"value": 2015, "refs": refs}, {"value": 2019, "refs": refs}],
        counts=[{"n": 100, "unit": "images", "refs": refs}, {"n": 200, "unit": "images", "refs": refs}],
    )
    assert [text.partition(": ")[2] for text in conflicts(far)] == [
        "years: 2015, 2019",
        "counts: 100, 200 images",
    ]
    near = probe(
        counts=[{"n": 100, "unit": "images", "refs": refs}, {"n": 140, "unit": "images", "refs": refs}]
    )
    assert list(conflicts(near)) == []
    odd = probe(
        years=[{"value": 1900, "refs": refs}],
        counts=[{"n": 5, "unit": "unstated", "refs": refs}],
        classes=[{"n": 3, "names": ["a"], "refs": refs}],
    )
    assert len(list(suspicious(odd))) == 3


def test_validate_tells_what_is_wrong_and_mends_only_the_form(
    run: Run, tmp_path: Path, entries: dict[str, DatasetEntry]
) -> None:
    path = tmp_path / "dermamnist.yaml"
    path.write_text(to_yaml(entries["dermamnist"]) + "\n", encoding="utf-8")
    result = run("validate", str(path))
    assert result.returncode == 1 and "not in canonical form" in result.stderr
    assert run("validate", "--write", str(path)).returncode == 0
    assert path.read_text(encoding="utf-8") == to_yaml(entries["dermamnist"])
    path.write_text(
        path.read_text(encoding="utf-8").replace("concept: dermoscopy", "concept: dermoscopi"),
        encoding="utf-8",
    )
    result = run("validate", str(path))
    assert (
        result.returncode == 1 and "did you mean" in result.stderr.lower() and "dermoscopy" in result.stderr
    )
    assert run("validate", str(tmp_path / "none.yaml")).returncode == 2
    studies = tmp_path / "evidence"
    studies.mkdir()
    study = (Settings().data / "evidence" / "chen2019-med3d.yaml").read_text(encoding="utf-8")
    (studies / "chen2019-med3d.yaml").write_text(study, encoding="utf-8")
    assert run("validate", str(studies / "chen2019-med3d.yaml")).returncode == 0
    (studies / "chen2019-med3d.yaml").write_text(
        study.replace("metric: dice", "metric: dize"), encoding="utf-8"
    )
    assert "metric-dize" in run("validate", str(studies / "chen2019-med3d.yaml")).stderr


def test_audit_in_json_has_the_same_figures(run: Run, entries: dict[str, DatasetEntry]) -> None:
    found = json.loads(run("audit", "--json").stdout)
    assert found["entries"] == len(entries)
    assert found["gold"] == sum(map(is_gold, entries.values()))
