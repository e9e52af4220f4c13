"""Declarations as data: forms, answers, plausibility; pure, time passed in."""
