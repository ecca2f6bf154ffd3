"""Where a server under measurement lives: a folder, a mount namespace that shows it a /usr and an /etc of its own, and a control
group that knows what all its processes use. Nothing of the system's own files is touched. Needs root and cgroup v2."""
import os
import shutil
import stat
import struct
import subprocess
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, 'build/release')
PAGE = os.sysconf('SC_PAGE_SIZE')
FLUSHES = ('fsync', 'fdatasync', 'synchronous_write', 'msync') # the order of flush_counts in bench/flush/flush_counter.hpp

ENTER = '''#!/bin/sh
echo $$ >{group}/cgroup.procs
exec unshare --mount --propagation private sh -c '{mounts} exec "$@"' sh "$@"
'''


def cgroup_root():
    with open('/proc/mounts', encoding='utf-8') as mounts:
        for line in mounts:
            words = line.split()
            if words[2] == 'cgroup2':
                return words[1]
    raise SystemExit('compare: no cgroup v2 hierarchy is mounted, so nothing knows what a server uses')


class Apart:
    """`usr`: a folder laid over /usr, or None. Everything in `etc` is laid over /etc."""

    def __init__(self, name, parent, usr=None):
        self.folder = tempfile.mkdtemp(prefix=f'postern-bench-{name}-', dir=parent)
        os.chmod(self.folder, 0o755)
        self.etc = self.path('etc')
        os.mkdir(self.etc)
        self.group = os.path.join(cgroup_root(), os.path.basename(self.folder))
        os.mkdir(self.group)
        self.count_flushes()
        mounts = f'mount -t overlay overlay -o lowerdir={self.etc}:/etc /etc && '
        if usr:
            mounts += f'mount -t overlay overlay -o lowerdir={usr}:/usr /usr && '
        self.enter = self.write('enter', ENTER.format(group=self.group, mounts=mounts), 0o755)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), 'w', encoding='utf-8') as file:
            file.write(content)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def count_flushes(self):
        library = self.path('flush_counter.so')
        shutil.copy(os.path.join(BUILD, 'libflush_counter.so'), library)
        self.counts = library + '.counts'
        with open(self.counts, 'wb') as file:
            file.write(bytes(8 * len(FLUSHES)))
        os.chmod(self.counts, 0o666)
        self.write('etc/ld.so.preload', library + '\n')

    def run(self, *words, within=60):
        """A command inside; returns its output, and fails with it."""
        done = subprocess.run([self.enter, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=within, cwd=self.folder)
        output = done.stdout.decode(errors='replace')
        assert done.returncode == 0, f'{" ".join(words)}: exit {done.returncode}: {output[-2000:]}'
        return output

    def launch(self, *words, output):
        with open(output, 'ab') as file:
            return subprocess.Popen([self.enter, *words], stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=self.folder)

    def remove(self):
        """Ends what is left of it, and it."""
        deadline = time.monotonic() + 10
        while self.processes() and time.monotonic() < deadline:
            with open(os.path.join(self.group, 'cgroup.kill'), 'w', encoding='utf-8') as file:
                file.write('1')
            time.sleep(0.1)
        os.rmdir(self.group)
        shutil.rmtree(self.folder, ignore_errors=True)

    # What it uses

    def processes(self):
        with open(os.path.join(self.group, 'cgroup.procs'), encoding='utf-8') as file:
            return [int(line) for line in file if line.strip() != '0']

    def cpu(self):
        """Seconds of processor time, user and system, of all its processes that ever were."""
        with open(os.path.join(self.group, 'cpu.stat'), encoding='utf-8') as file:
            return int(dict(line.split() for line in file)['usage_usec']) / 1e6

    def memory(self):
        """(own, resident) octets of all its processes: own is what they share with no file; resident counts mapped files too."""
        own = resident = 0
        for process in self.processes():
            try:
                with open(f'/proc/{process}/statm', encoding='utf-8') as file:
                    pages = file.read().split()
            except OSError:
                continue # it ended
            resident += int(pages[1]) * PAGE
            own += (int(pages[1]) - int(pages[2])) * PAGE
        return own, resident

    def flushes(self):
        with open(self.counts, 'rb') as file:
            return dict(zip(FLUSHES, struct.unpack(f'{len(FLUSHES)}Q', file.read())))

    def disk_flushes(self):
        """Of the disk that the folder lies on, by whoever asked; None where the kernel doesn't tell."""
        device = os.stat(self.folder).st_dev
        path = f'/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat'
        if not os.path.exists(path):
            return None
        with open(path, encoding='utf-8') as file:
            fields = file.read().split()
        return int(fields[15]) if len(fields) > 15 else None

    def wait_quiet(self, within=60):
        """Until it has used next to no processor for half a second: then all that a load led to is done. Seconds waited."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            before = self.cpu()
            time.sleep(0.5)
            if self.cpu() - before < 0.01:
                break
        return time.monotonic() - began


class Watch:
    """Samples the memory while a load runs: `own` and `resident` are the peaks, `own_before` what it was at the start."""

    def __init__(self, apart):
        self.apart = apart
        self.own_before, self.resident = apart.memory()
        self.own = self.own_before
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.sample)

    def sample(self):
        while not self.ended.wait(0.25):
            own, resident = self.apart.memory()
            self.own = max(self.own, own)
            self.resident = max(self.resident, resident)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def is_root():
    return os.geteuid() == 0


def is_executable(path):
    return os.path.exists(path) and bool(os.stat(path).st_mode & stat.S_IXUSR)
