"""`whence mcp` as a program that reasons meets it: the SDK's client, a real process, standard input and output."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

from kb.engines.generation import Generation
from kb.settings import Settings
from tests.conftest import environment

Call = Callable[..., Awaitable[Any]]


def conversation(settings: Settings, steps: Callable[[ClientSession], Awaitable[None]]) -> None:
    async def run() -> None:
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "kb.cli", "mcp"], env=environment(settings)
        )
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            await steps(session)

    anyio.run(run)


async def told(session: ClientSession, tool: str, **arguments: object) -> dict[str, Any]:
    result = await session.call_tool(tool, arguments)
    assert not result.is_error, result.content
    answer: dict[str, Any] = json.loads(result.content[0].text)  # type: ignore[union-attr]
    return answer


def test_a_conversation(settings: Settings, generation: Generation) -> None:
    version = generation.manifest.data_version

    async def steps(session: ClientSession) -> None:
        listed = await session.list_tools()
        assert {tool.name for tool in listed.tools} == {
            "search",
            "candidates",
            "resolve",
            "show",
            "compare",
            "sparql",
        }
        assert all(tool.description and tool.input_schema["properties"] for tool in listed.tools)

        found = await told(session, "search", query="chest X-ray pneumonia, open", limit=3)
        assert found["data_version"] == version and len(found["results"]) <= 3
        assert found["conditions"] == ["access open"] and "no similarity" not in found["order"]
        assert found["results"][0]["conditions"][0]["refs"]

        ranked = await told(
            session,
            "candidates",
            target="chexpert",
            sources=["radimagenet", "imagenet-1k"],
            architecture="ResNet-50",
        )
        assert ranked["data_version"] == version
        (first, *_) = ranked["candidates"] if "candidates" in ranked else ranked["groups"]
        assert first

        senses = await told(session, "resolve", text="They are visually similar.")
        assert senses["expressions"][0]["senses"][0]["name"] == "PerceivedVisualSimilarity"

        shown = await told(session, "show", entry_id="chestmnist")
        assert shown["iri"].endswith("/dataset/chestmnist") and shown["entry"]["modality"][0]["refs"]

        beside = await told(session, "compare", ids=["chestmnist", "chexpert"])
        assert "Similarity" in json.dumps(beside)

        rows = await told(session, "sparql", query="SELECT ?d { ?d a wh:ImagingDataset }")
        assert len(rows["rows"]) == 100 and rows["rows_left_out"] > 0

    conversation(settings, steps)


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("show", {"entry_id": "chexprt"}, "did you mean chexpert"),
        ("search", {"query": "..."}, "no words"),
        ("search", {"query": "retina", "limit": 0}, "limit"),
        ("candidates", {"target": "chexpert", "must": ["licence=perhaps"]}, "licence"),
        ("sparql", {"query": "DROP ALL"}, "only reads"),
        ("sparql", {"query": "SELECT"}, "line 1"),
        ("compare", {"ids": ["chestmnist"]}, "ids"),
    ],
)
def test_mistakes_are_explained(
    settings: Settings, generation: Generation, tool: str, arguments: dict[str, object], message: str
) -> None:
    async def steps(session: ClientSession) -> None:
        result = await session.call_tool(tool, arguments)
        assert result.is_error
        assert message in result.content[0].text  # type: ignore[union-attr]

    conversation(settings, steps)
