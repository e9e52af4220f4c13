"""The demonstration: real faces before a played camera, every decision checked."""
