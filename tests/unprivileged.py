"""Scripts run by somebody whom file permissions bind: root becomes nobody, others stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NOBODY = 65534


def as_somebody(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script that can enter `folder`, and write to nothing that is read-only."""
    if os.getuid() == 0:
        for place in (folder, *folder.parents[:-1]):
            place.chmod(place.stat().st_mode | 0o555)
        # What is imported later must be there before rights are given up.
        imports = "import encodings.idna, os, hitloop_tui.cli, hitloop_tui.core.logger"
        script = f"{imports}\nos.setuid({NOBODY})\n{script}"
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/")
