"""Alembic's steps for the central database. A step that has been released is never edited."""
