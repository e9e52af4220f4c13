"""gate.relays; see docs/architecture.md."""
