"""Training with verification: courses, sessions, signed records. Pure; kiosk and centre both use it."""
