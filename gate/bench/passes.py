"""`sitegate bench passes`: from how far and how blurred a QR pass is read, and what a look costs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.bench.held_codes import Hold, held_up, module_px
from gate.qr_reader import read_codes
from models.bench_report import DEFAULT_OUT, percentiles, write_json
from models.face import Image
from models.images import decode
from models.zoo import Zoo
from sync.passes import fixed_pass

PHOTOS = ("obama", "biden", "astronaut")
DISTANCES_CM = (30, 40, 50, 60, 80, 100, 120)
MOTIONS_MM = (0.0, 1.0, 2.0, 3.0)
"""Movement of the pass during one exposure: 2 mm are 20 cm/s at 10 ms."""

CARRIERS_MM = {"card": 46.0, "phone": 60.0}
"""Width of the code with its border: on the printed card, on a phone."""

MODULES_WITH_BORDER = 33
NOISE = 4.0
MILLISECONDS = 1000.0


def passes(
    looks: Annotated[int, typer.Option(min=1, help="Pictures per distance, movement and carrier.")] = 60,
    width: Annotated[int, typer.Option(help="Width of the camera's picture in pixels.")] = 1280,
    view_deg: Annotated[float, typer.Option(help="Its horizontal angle of view.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Of angles, places and noise.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for the JSON.")] = DEFAULT_OUT,
) -> None:
    """Share of single looks that read a pass held into photos of people; a gate looks five times a second."""
    rows = list(reads(looks, width=width, view_deg=view_deg, seed=seed))
    for row in rows:
        typer.echo("  ".join(f"{name} {value}" for name, value in row.items()))
    photo = decode(Zoo.default().path(PHOTOS[0]))
    costs = [_cost(photo, size) for size in ((1280, 720), (640, 360))]
    for cost in costs:
        typer.echo("  ".join(f"{name} {value}" for name, value in cost.items()))
    write_json(out, "passes", {"width_px": width, "view_deg": view_deg, "reads": rows, "cost": costs})


def reads(
    looks: int,
    *,
    width: int = 1280,
    view_deg: float = 60.0,
    seed: int = 1,
    distances_cm: Sequence[int] = DISTANCES_CM,
) -> Iterator[dict[str, Any]]:
    """Per carrier and distance the share of single looks that read the pass, by movement (`read_1mm`)."""
    rng = np.random.default_rng(seed)
    size = (width, width * 9 // 16)
    resized = [cv2.resize(decode(Zoo.default().path(name)), size) for name in PHOTOS]
    photos: list[Image] = [np.asarray(one, np.uint8) for one in resized]
    key = Ed25519PrivateKey.generate()
    for carrier, carrier_mm in CARRIERS_MM.items():
        for distance_cm in distances_cm:
            per_module = module_px(
                distance_cm, module_mm=carrier_mm / MODULES_WITH_BORDER, width_px=width, view_deg=view_deg
            )
            row: dict[str, Any] = {
                "carrier": carrier,
                "distance_cm": distance_cm,
                "module_px": round(per_module, 2),
            }
            for motion_mm in MOTIONS_MM:
                motion_px = motion_mm * per_module * MODULES_WITH_BORDER / carrier_mm
                read = 0
                for number in range(looks):
                    text = fixed_pass(key, f"{number:016x}").text
                    hold = Hold(
                        per_module,
                        x=float(rng.uniform(0.35, 0.65)),
                        y=float(rng.uniform(0.4, 0.6)),
                        angle_deg=float(rng.uniform(0, 360)),
                        tilt_deg=float(rng.uniform(-30, 30)),
                        motion_px=motion_px,
                    )
                    picture = held_up(photos[number % len(photos)], text, hold)
                    noisy = np.clip(picture + rng.normal(0, NOISE, picture.shape), 0, 255).astype(np.uint8)
                    read += read_codes(noisy) == [text]
                row[f"read_{motion_mm:g}mm"] = round(read / looks, 3)
            yield row


def _cost(photo: cv2.typing.MatLike, size: tuple[int, int]) -> dict[str, object]:
    """Processor milliseconds of one look at a picture without a code, which is the dearest."""
    picture = np.asarray(cv2.resize(photo, size), np.uint8)
    taken = []
    for _ in range(50):
        begun = time.process_time()
        read_codes(picture)
        taken.append((time.process_time() - begun) * MILLISECONDS)
    return {"picture": f"{size[0]}x{size[1]}", "look_ms": percentiles(taken)}
