"""The demo's kiosk: a box of its own with its own store, which reaches the gate by the centre alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from gate.errors import GateError
from sync.edge.settings import CentreSettings
from sync.store_settings import SiteSettings

KIOSK_ID = "kiosk-1"
KIOSK_USER, KIOSK_PASSWORD = "demo", "demo-kiosk-2468"
START_TIMEOUT_S = 90.0
END_TIMEOUT_S = 10.0
_READY = "kiosk: "


class DemoKiosk:
    """`sitegate kiosk run` with a played camera, set up by the commands that an operator uses."""

    def __init__(
        self,
        folder: Path,
        footage: Path,
        *,
        site: SiteSettings,
        centre: CentreSettings,
        courses: Path | None,
        port: int,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._config = folder / "config.yaml"
        with self._config.open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump(_config(footage, site, centre, courses, port), file)
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self._command("user", "add", KIOSK_USER, "--role", "site_manager", "--name", "示例管理员")

    def start(self) -> None:
        """Until its pages are there."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gate.cli", "kiosk", "run", "--config", str(self._config)],
            stdout=subprocess.PIPE,
            stderr=(self._folder / "kiosk.log").open("ab"),
            text=True,
        )
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(self._process, ready), daemon=True).start()
        if not ready.wait(START_TIMEOUT_S) or not self.url:
            raise GateError("the kiosk did not start", next_step=f"see {self._folder / 'kiosk.log'}")

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _listen(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        for line in process.stdout:
            if line.startswith(_READY):
                self.url = line.removeprefix(_READY).strip()
                ready.set()
        ready.set()

    def _command(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "gate.cli", "kiosk", *words, "--config", str(self._config)],
            env={**os.environ, "SITEGATE_NEW_PASSWORD": KIOSK_PASSWORD},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise GateError(f"sitegate kiosk {' '.join(words[:2])}: {done.stderr.strip()}")


def _config(
    footage: Path, site: SiteSettings, centre: CentreSettings, courses: Path | None, port: int
) -> dict[str, Any]:
    where = {
        name: str(value.resolve())
        for name, value in centre
        if name in ("gate_key_file", "centre_public_key_file", "site_key_file")
    }
    return {
        "site": site.model_dump(mode="json"),
        "gate": {"id": KIOSK_ID, "name": "办证台", "name_en": "Kiosk"},
        "store": {"path": "kiosk.db", "key_file": "store.key"},
        "centre": {**centre.model_dump(mode="json", exclude_unset=True), **where},
        "kiosk": {
            "port": port,
            "sync": True,
            "courses": courses and str(courses.resolve()),
            "data_handler": "示例建设公司",
            "data_contact": "示例管理员",
            "source": {"kind": "video", "path": str(footage.resolve()), "loop": True},
        },
    }
