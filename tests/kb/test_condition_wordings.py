"""The table of wordings of conditions: read whole, and refused with line and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.errors import InvalidFile
from kb.knowledge.condition_wordings import read_condition_wordings
from kb.settings import Settings


def test_the_shipped_table_is_read(settings: Settings) -> None:
    rows = read_condition_wordings(settings.data / "phrases" / "conditions.tsv")
    assert {row.kind for row in rows} >= {"permission", "access", "labels", "weights", "reports", None}
    assert len({row.wording for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("permisson\tcommercial\t\tmay be sold", "kind: 'permisson' is none of"),
        ("labels\t\tno\twith labels", "negated: expected yes or nothing, found 'no'"),
        ("labels\t\t\t", "expected kind, values, negated, wording"),
    ],
)
def test_a_broken_row_is_refused_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    table = tmp_path / "conditions.tsv"
    table.write_text(f"kind\tvalues\tnegated\twording\n{row}\n", encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"conditions\.tsv:2") as caught:
        read_condition_wordings(table)
    assert message in str(caught.value)
