"""What a face is: weights, detection, alignment, embedding, quality, liveness, calibration.

Nothing is imported here: the part of a gate that only keeps the door needs no pictures and no networks.
"""
