"""Identity providers that Node runs: a script that is told its settings, and says when it serves."""

import json
import subprocess
from pathlib import Path
from typing import Any


def start(folder: Path, settings: dict[str, Any]) -> "subprocess.Popen[str]":
    """Starts the provider of a folder, and waits until it serves."""
    process = subprocess.Popen(
        ["node", "upstream.mjs"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(settings))
    process.stdin.close()
    while not process.stdout.readline().startswith("serving"):
        assert process.poll() is None, "the provider did not start"
    return process


def stop(process: "subprocess.Popen[str]") -> None:
    """Ends a provider."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
