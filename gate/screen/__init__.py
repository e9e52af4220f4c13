"""gate.screen; see docs/architecture.md."""
