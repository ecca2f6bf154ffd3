"""File systems of a test's own, mounted where nobody else sees them. Root's affair."""
import contextlib
import ctypes
import fcntl
import os
import struct
import subprocess
import tempfile

CLONE_NEWNS = 0x20000
SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN of ext4 and xfs: no more write reaches the disk
WITHOUT_THE_LOG = 2
ON_DISK = os.environ.get('POSTERN_DISKS', '/var/tmp')  # a folder that isn't in memory
_libc = ctypes.CDLL(None, use_errno=True)


def apart():
    """From here on mounts are this process's and its children's."""
    if _libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), 'unshare')
    checked('mount', '--make-rprivate', '/')


def checked(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f'{" ".join(words)}: {done.stdout}{done.stderr}'


def unmount(folder):
    checked('umount', '--lazy', folder)


@contextlib.contextmanager
def mounted(folder, *how):
    os.makedirs(folder, exist_ok=True)
    checked('mount', *how, folder)
    try:
        yield folder
    finally:
        unmount(folder)


class Disk:
    """A disk in a file that can lose its power."""

    def __init__(self, make, size='512M'):
        self.folder = tempfile.mkdtemp(prefix='postern-disk-', dir=ON_DISK)
        self.image = os.path.join(self.folder, 'image')
        self.mount = os.path.join(self.folder, 'mount')
        os.mkdir(self.mount)
        checked('truncate', '-s', size, self.image)
        checked(*make, self.image)
        checked('mount', '-o', 'loop', self.image, self.mount)

    def lose_power(self):
        """What was not flushed is gone."""
        folder = os.open(self.mount, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack('I', WITHOUT_THE_LOG))
        finally:
            os.close(folder)

    def start_again(self):
        checked('umount', self.mount)
        checked('mount', '-o', 'loop', self.image, self.mount)

    def remove(self):
        subprocess.run(['umount', '--lazy', self.mount], capture_output=True, check=False)
        subprocess.run(['rm', '-rf', self.folder], check=False)
