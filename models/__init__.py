"""What a face is: weights, detection, alignment, embedding, quality, liveness, calibration."""

from models.engine import FaceEngine
from models.errors import ImageUnusable, ModelError, UnknownWeight, WeightCorrupt, WeightMissing
from models.face import Advice, Box, Embedding, Face, Image, Quality
from models.images import as_bgr, decode
from models.quality import QualityLimits, advise

__all__ = [
    "Advice",
    "Box",
    "Embedding",
    "Face",
    "FaceEngine",
    "Image",
    "ImageUnusable",
    "ModelError",
    "Quality",
    "QualityLimits",
    "UnknownWeight",
    "WeightCorrupt",
    "WeightMissing",
    "advise",
    "as_bgr",
    "decode",
]
