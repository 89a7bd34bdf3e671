"""Packs the files of a folder: `zip.py FOLDER ZIP`. The same files give the same bytes, on any machine."""

import stat
import sys
import zipfile
from pathlib import Path

folder, package = sys.argv[1:]
with zipfile.ZipFile(package, "w") as archive:
    for path in sorted(Path(folder).iterdir()):
        # Dated 1980, and stored: how zlib packs depends on its version.
        entry = zipfile.ZipInfo(path.name)
        entry.create_system = 3  # Unix, so that the mode counts.
        entry.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(entry, path.read_bytes())
