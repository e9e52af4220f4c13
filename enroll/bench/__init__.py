"""Measurements of registering, training and declaring: `sitegate bench enroll`."""
