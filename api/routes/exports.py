"""Exports: one entry in the formats of others, and the whole catalogue as files."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Header, Response
from fastapi.responses import FileResponse, RedirectResponse

from api.state import Base
from kb.answers.export import (
    ExportIndex,
    export_file,
    export_format,
    export_index,
    export_name,
    published_export,
)
from kb.answers.export_entry import export_entry
from kb.errors import InvalidInput, NotFound
from kb.knowledge.described_entry import RECORD_LICENCE_URL

router = APIRouter(tags=["exports"])

_LICENCE = {"Link": f'<{RECORD_LICENCE_URL}>; rel="license"'}
IfNoneMatch = Annotated[str | None, Header()]


def _unchanged(etag: str, seen: str | None) -> bool:
    """Whether the reader holds this version already (RFC 9110, section 13.1.2: compared weakly)."""
    held = {tag.strip().removeprefix("W/") for tag in (seen or "").split(",")}
    return "*" in held or etag in held


@router.get(
    "/api/datasets/{entry_id}/export/{format}",
    operation_id="exportDataset",
    summary="One entry as Croissant, schema.org, DCAT, DataCite, BibTeX or CSV",
    response_class=Response,
)
@router.head("/api/datasets/{entry_id}/export/{format}", include_in_schema=False)
def export_dataset(
    base: Base,
    entry_id: str,
    format: str,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The entry in one format: croissant, schema.org, dcat, datacite, bibtex or csv."""
    etag = f'"{base.manifest.data_version}-{base.manifest.inputs}"'
    headers = {"ETag": etag, **_LICENCE}
    exported = export_entry(base, entry_id, format)
    if _unchanged(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    headers["Content-Disposition"] = f'inline; filename="{exported.file_name}"'
    # Not the argument `media_type`, to which a charset would be added.
    return Response(exported.text.encode(), headers={**headers, "Content-Type": exported.media_type})


@router.get("/export", operation_id="listExports", summary="Files of the whole catalogue")
def list_exports(base: Base) -> ExportIndex:
    """Name, size, checksum and media type of each file; the first call after a build makes them, which takes a while."""
    return export_index(base)


@router.get(
    "/export/{name}", operation_id="getExport", summary="The whole catalogue", response_class=FileResponse
)
@router.head("/export/{name}", include_in_schema=False)
def get_export(base: Base, name: str, if_none_match: IfNoneMatch = None) -> Response:
    """`whence-{data version}.{ttl,nq,jsonld,csv,parquet}`; `latest.{…}` leads to the one of now."""
    stem, _, suffix = name.rpartition(".")
    try:
        form = export_format(suffix)
    except InvalidInput as error:
        raise NotFound(f"no export {name!r}", hint="see /export") from error
    current = export_name(base.manifest.data_version, form)
    if stem == "latest":
        # Relative, so that it holds behind a proxy too.
        return RedirectResponse(
            quote(current, safe="+"), status_code=307, headers={"Cache-Control": "no-cache"}
        )
    if name != current:
        raise NotFound(f"no export {name!r} here", hint=f"this service holds {current}; see /export")
    path = published_export(base, form)
    file = export_file(path, form)
    etag = f'"{file.sha256}"'
    if _unchanged(etag, if_none_match):
        return Response(status_code=304, headers={"ETag": etag})
    return FileResponse(path, media_type=file.media_type, filename=name, headers={"ETag": etag, **_LICENCE})
