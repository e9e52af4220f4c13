"""The central service: registry, ingest, roster, presence, commands. Console and API stand on top of it."""
