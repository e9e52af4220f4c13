"""gate.bench; see docs/architecture.md."""
