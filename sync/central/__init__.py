"""The central service: ingest, registry, console."""
