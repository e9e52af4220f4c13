"""A list that somebody uploads into a dialog: chosen first, taken when a button says so."""

from __future__ import annotations

from nicegui import events, ui

from sync.central.console.words import Words


class PickedFile:
    """The field for one CSV or XLSX, and below it what was chosen.

    nothing  what is said as long as nothing is chosen
    refused  what is said of a file that is larger than `max_bytes`, or of another kind
    """

    def __init__(self, label: Words, *, nothing: Words, refused: Words, max_bytes: int) -> None:
        self._nothing = str(nothing)
        self._file: tuple[str, bytes] | None = None
        upload = ui.upload(
            label=str(label),
            auto_upload=True,
            max_files=1,
            max_file_size=max_bytes,
            on_upload=self._take,
            on_rejected=lambda: ui.notify(str(refused), type="negative"),
        )
        upload.props('accept=".csv,.txt,.xlsx" flat bordered').classes("sg-whole sg-above sg-upload")
        upload.on("uploaded", upload.reset)
        self._name = ui.label(self._nothing).classes("sg-note").props("role=status")

    def chosen(self) -> tuple[str, bytes] | None:
        """Name and content; None, and said so, where nothing is chosen."""
        if self._file is None:
            ui.notify(self._nothing, type="warning")
        return self._file

    def forget(self) -> None:
        """What was taken is not taken again by a second click."""
        self._file = None
        self._name.set_text(self._nothing)

    async def _take(self, event: events.UploadEventArguments) -> None:
        raw = await event.file.read()
        self._file = (event.file.name, raw)
        self._name.set_text(f"{event.file.name} · {len(raw):,} B")
