"""The gate room; see docs/architecture.md."""
