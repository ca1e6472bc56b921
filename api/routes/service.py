"""Is the service alive, is it ready, which version is it?"""

from __future__ import annotations

from fastapi import APIRouter, Response

import kb
from api.problems import problem
from api.state import Base, Stored
from kb.engines.generation import Manifest

router = APIRouter(tags=["service"])


@router.get("/livez", operation_id="livez", summary="Is the process alive?")
def livez() -> dict[str, str]:
    """Always ok while the process answers."""
    return {"status": "ok"}


@router.get("/readyz", operation_id="readyz", summary="Do all parts hold the same data?", response_model=None)
def readyz(base: Base, stored: Stored) -> Response | dict[str, object]:
    """Ok when entries, index and store agree on their number; no query holds this up."""
    counts = {
        "manifest": base.manifest.entries,
        "entries": len(base.entries),
        "index": len(base.index),
        "store": stored,
    }
    if not base.generation.store.is_dir():
        return problem(503, "the generation that is served was removed", hint="restart the service")
    if len(set(counts.values())) > 1:
        return problem(503, "the parts do not hold the same number of entries", counts=counts)
    return {"status": "ready", "entries": stored, "data_version": base.manifest.data_version}


@router.get("/version", operation_id="version", summary="Versions of software and data")
def version(base: Base) -> dict[str, str | Manifest]:
    """Release and everything the generation was made from."""
    return {"whence": kb.__version__, "data_version": base.manifest.data_version, "generation": base.manifest}
