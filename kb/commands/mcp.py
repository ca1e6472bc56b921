"""`whence mcp`: tools for programs that reason, over standard input and output (Model Context Protocol)."""

from __future__ import annotations

from kb.errors import NotReady


def mcp() -> None:
    """Serve search, candidates, resolve, show, compare and sparql to a program that speaks the Model Context Protocol."""
    try:
        from kb.answers.mcp_tools import mcp_server
    except ImportError as error:
        raise NotReady(f"{error.name} is not installed", hint="pip install 'whence[mcp]'") from error
    from kb.answers.knowledge_base import KnowledgeBase
    from kb.answers.sparql import open_pool
    from kb.settings import read_settings

    settings = read_settings()
    base = KnowledgeBase.open(settings)
    pool = open_pool(settings)
    try:
        mcp_server(base, pool).run("stdio")
    finally:
        pool.close()
