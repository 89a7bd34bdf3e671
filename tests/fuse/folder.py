"""A folder seen through FUSE, in trouble from an operation on: `folder.py BEHIND MOUNT FROM TROUBLE [LOG]`.

What lies in the folder MOUNT lies in the folder BEHIND. Operation FROM and all after it (0: none) hang (`hang`), take that
many milliseconds more (`3000`), or fail (`EIO`, `ENOSPC`); with a `1` before it (`1EIO`) it is that operation alone. LOG gets
the name of each operation, a line each.

Says `mounted` once it is, and `in trouble` at the first operation that is. It takes the mount away when its standard input
ends, so that it does not outlive whoever started it, and after two minutes at the latest.
"""

import errno
import itertools
import os
import select
import subprocess
import sys
import threading
import time

import mfusepy

# Seconds; only reached if a test hangs.
PATIENCE = 120


class Folder(mfusepy.Operations):
    """Paths begin with `/`; open files are numbers of the folder behind."""

    use_ns = True

    def __init__(self, behind, mount, before):
        self.behind, self.mount, self.before = behind, mount, before

    def path(self, path):
        return self.behind + path

    def init(self, path):
        print("mounted", flush=True)
        threading.Thread(target=end_with_input, args=[self.mount], daemon=True).start()

    def getattr(self, path, fh=None):
        self.before("getattr")
        found = os.fstat(fh) if fh else os.lstat(self.path(path))
        names = ["mode", "nlink", "uid", "gid", "size"]
        times = {f"st_{name}": getattr(found, f"st_{name}_ns") for name in ["atime", "mtime", "ctime"]}
        return {f"st_{name}": getattr(found, f"st_{name}") for name in names} | times

    def readdir(self, path, fh):
        self.before("readdir")
        return [".", "..", *os.listdir(self.path(path))]

    def opendir(self, path):
        self.before("opendir")
        return os.open(self.path(path), os.O_RDONLY | os.O_DIRECTORY)

    def open(self, path, flags):
        self.before("open")
        return os.open(self.path(path), flags)

    def create(self, path, mode, flags):
        self.before("create")
        return os.open(self.path(path), flags | os.O_CREAT, mode)

    def read(self, path, size, offset, fh):
        self.before("read")
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        self.before("write")
        return os.pwrite(fh, data, offset)

    def flush(self, path, fh):
        self.before("flush")

    def fsync(self, path, datasync, fh):
        self.before("fsync")
        os.fsync(fh)

    def fsyncdir(self, path, datasync, fh):
        self.before("fsyncdir")
        os.fsync(fh)

    # Nobody waits for the reply to these two.
    def release(self, path, fh):
        os.close(fh)

    def releasedir(self, path, fh):
        os.close(fh)

    def link(self, target, source):
        self.before("link")
        os.link(self.path(source), self.path(target))

    def rename(self, old, new):
        self.before("rename")
        os.rename(self.path(old), self.path(new))

    def unlink(self, path):
        self.before("unlink")
        os.unlink(self.path(path))

    def mkdir(self, path, mode):
        self.before("mkdir")
        os.mkdir(self.path(path), mode)


def trouble(first, kind, log):
    """What happens before each operation."""
    numbers = itertools.count(1)
    is_alone = kind.startswith("1E")
    kind = kind.removeprefix("1") if is_alone else kind

    def before(name):
        number = next(numbers)
        if log:
            log.write(f"{name}\n")
        if first == 0 or number < first or (is_alone and number > first):
            return
        if number == first:
            print("in trouble", flush=True)
        if kind == "hang":
            threading.Event().wait()
        elif kind.isdigit():
            time.sleep(int(kind) / 1000)
        else:
            raise OSError(getattr(errno, kind), kind)

    return before


def end_with_input(mount):
    select.select([sys.stdin], [], [], PATIENCE)
    subprocess.run(["umount", "--lazy", mount])
    # Whatever hangs here ends with the process, and the kernel then ends what waits for it.
    os._exit(0)


def main(behind, mount, first, kind, log=None):
    log = log and open(log, "a", buffering=1)
    folder = Folder(behind, mount, trouble(int(first), kind, log))
    # The kernel asks anew each time. A file that is gone is gone, whoever has it open still.
    options = {"attr_timeout": 0, "entry_timeout": 0, "negative_timeout": 0, "hard_remove": True}
    mfusepy.FUSE(folder, mount, foreground=True, fsname="dts-role-guard-test", **options)


main(*sys.argv[1:])
