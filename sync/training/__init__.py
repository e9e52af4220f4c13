"""Training with verification: courses, sessions and signed records; pure, time passed in."""
