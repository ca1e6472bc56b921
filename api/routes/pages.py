"""Pages for people: one search box and its results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.templating import Jinja2Templates

from api.state import Base
from kb.answers.search import search
from kb.errors import InvalidInput

router = APIRouter(tags=["pages"], include_in_schema=False)
_TEMPLATES = Jinja2Templates(directory=Path(__file__).parent.parent / "templates")
_EXAMPLES = (
    "chest radiograph pneumonia classification",
    "fundus photographs graded for diabetic retinopathy",
    "brain tumour segmentation in MRI",
    "H&E patches of colorectal cancer",
)


@router.get("/")
def home(request: Request, base: Base, q: Annotated[str, Query()] = "") -> Response:
    """Search box; with `q`, the results under it."""
    answer, problem = None, None
    if q.strip():
        try:
            answer = search(base, q, limit=20)
        except InvalidInput as error:
            problem = str(error)
    return _TEMPLATES.TemplateResponse(
        request,
        "home.html",
        {"q": q, "answer": answer, "problem": problem, "examples": _EXAMPLES, "manifest": base.manifest},
        status_code=400 if problem else 200,
    )
