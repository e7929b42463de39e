"""A disk that a test can fill."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(size):
    """A file system of so many bytes; the test is skipped where none can be mounted."""
    folder = tempfile.mkdtemp()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    mounted = subprocess.run(command, capture_output=True, text=True) if shutil.which("mount") else None
    if mounted is None or mounted.returncode != 0:
        os.rmdir(folder)
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip() if mounted else 'there is no mount'}")
    try:
        yield Path(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        os.rmdir(folder)


def make_read_only(disk):
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


def fill(path):
    """Writes a file until the disk has no room for a byte."""
    with open(path, "wb", buffering=0) as file:
        for size in (1_048_576, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                pass
