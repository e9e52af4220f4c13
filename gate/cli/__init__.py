"""gate.cli; see docs/architecture.md."""
