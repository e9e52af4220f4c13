"""The enroll room; see docs/architecture.md."""
