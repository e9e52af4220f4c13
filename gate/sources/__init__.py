"""gate.sources; see docs/architecture.md."""
