"""`/llms.txt`: what is here, for programs that read (llmstxt.org)."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.state import Base

router = APIRouter(tags=["pages"], include_in_schema=False)

_TEXT = """\
# Whence

> From which dataset should I transfer? A knowledge base of {entries:,} medical imaging datasets and of the published measured \
transfers between them, with a formal ontology. Data version {version}.

A likeness is never one number here: every score names its sense (such as ModalityConceptSimilarity), its basis and its method. The order of \
a search is SearchRelevance, no similarity of datasets. A likeness does not predict an outcome. Values carry references; what is \
missing has a status (notReported, unknown, notApplicable) and is never guessed. Text is CC BY 4.0.

## Ask

- [Search in plain words](/api/search?q=chest+X-ray+pneumonia,+open): conditions are kept; `results`, `may_match`, `near`
- [Candidates for a target](/api/candidates?target=chexpert&limit=3): groups with evidence, senses, predictions, licence, overlap
- [What a phrase of likeness means](/api/resolve?phrase=visually+similar): senses and the question that settles it
- [Two datasets, sense by sense](/api/similarity?a=imagenet-1k&b=chexpert)
- [Measured transfers](/api/outcomes?target=chexpert)
- [One entry](/api/datasets/chestmnist): JSON; [RDF and page](/dataset/chestmnist)
- [SPARQL 1.1](/sparql?query=ASK+%7B%7D): [prefixes](/sparql/prefixes), [examples by question](/sparql/examples)

## Reference

- [OpenAPI](/openapi.json): every route
- [Ontology](/ontology/): terms with definitions, senses of similarity
- [VoID](/void): what the data hold, in numbers
- [Whole catalogue](/export): Turtle, N-Quads, JSON-LD, CSV, Parquet

## Optional

- [Sitemap](/sitemap.xml)
- `whence mcp` serves the same as tools of the Model Context Protocol
"""


@router.get("/llms.txt")
def llms(base: Base) -> Response:
    """What is here and where to ask."""
    text = _TEXT.format(entries=base.manifest.entries, version=base.manifest.data_version)
    return Response(text, media_type="text/plain; charset=utf-8")
