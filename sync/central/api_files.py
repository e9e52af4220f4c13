"""Files that the API and the console hand out."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi.responses import StreamingResponse

from sync.central.exports_tables import media_type


def attachment(pieces: Iterator[bytes], name: str, file_format: str) -> StreamingResponse:
    """A file to be saved, never opened in the page."""
    return StreamingResponse(
        pieces,
        media_type=media_type(file_format),
        headers={
            "Content-Disposition": f'attachment; filename="{name}.{file_format}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
