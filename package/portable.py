"""Checks that a program starts on every image of Function Compute: `portable.py PROGRAM FOLDER…`.

It may ask for no glibc newer than that of custom.debian10, for no library that an image may lack, and must name none of
the FOLDERs of the machine that built it.
"""

import re
import sys
from pathlib import Path

from elftools.elf.elffile import ELFFile

NEWEST_GLIBC = (2, 28)
# All of them glibc's own.
LIBRARIES = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "ld-linux-x86-64.so.2"}


def needed_libraries(program):
    tags = program.get_section_by_name(".dynamic").iter_tags("DT_NEEDED")
    return sorted(tag.needed for tag in tags)


def needed_versions(program):
    """Such as `GLIBC_2.28`: the versions of symbols that the loader must find."""
    libraries = program.get_section_by_name(".gnu.version_r").iter_versions()
    return sorted({version.name for _, versions in libraries for version in versions})


def is_old_enough(version):
    numbers = re.fullmatch(r"GLIBC_([0-9.]+)", version)
    return numbers is not None and tuple(map(int, numbers[1].split("."))) <= NEWEST_GLIBC


def mistakes(path, folders):
    with open(path, "rb") as file:
        program = ELFFile(file)
        yield from (f"needs the library {name}" for name in needed_libraries(program) if name not in LIBRARIES)
        yield from (f"needs {version}" for version in needed_versions(program) if not is_old_enough(version))
    content = Path(path).read_bytes()
    yield from (f"names the folder {folder}" for folder in folders if f"{folder}/".encode() in content)


def main(path, *folders):
    found = list(mistakes(path, folders))
    for mistake in found:
        print(f"{path} {mistake}", file=sys.stderr)
    return 1 if found else 0


sys.exit(main(*sys.argv[1:]))
