"""`/llms.txt` and the notebook: what they point to is there, and still does what they show."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "client.ipynb"


def test_every_link_of_llms_txt_answers(http: httpx.Client) -> None:
    text = http.get("/llms.txt").text
    assert text.startswith("# Whence\n\n> ")
    links = re.findall(r"\]\((/[^)]*)\)", text)
    assert len(links) > 12
    for link in links:
        response = http.get(link, follow_redirects=True)
        for _ in range(60):  # the index of exports is made on first demand
            if response.status_code != 503:
                break
            response = http.get(link, follow_redirects=True)
        assert response.status_code == 200, link


@pytest.mark.filterwarnings("ignore")  # of jupyter's own parts
def test_the_notebook_runs(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHENCE_ADDRESS", server)
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    kept = [len(cell.get("outputs", [])) for cell in notebook.cells]
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    assert [len(cell.get("outputs", [])) for cell in notebook.cells] == kept


def test_the_notebook_names_no_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.search(r"/(?:home|root|tmp|work|usr)/", text)
