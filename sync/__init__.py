"""The sync room; see docs/architecture.md."""
