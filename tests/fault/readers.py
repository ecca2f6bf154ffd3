"""Processes that hold read transactions of an LMDB environment, or its write transaction, for as long as one likes."""
import contextlib
import ctypes
import ctypes.util
import os
import signal

RDONLY, NOTLS = 0x20000, 0x200000


def begin(folder, count, flags):
    """So many transactions of this process; returns how many there was a slot for."""
    lmdb = ctypes.CDLL(ctypes.util.find_library('lmdb') or 'liblmdb.so.0')
    environment, transaction = ctypes.c_void_p(), ctypes.c_void_p()
    lmdb.mdb_env_create(ctypes.byref(environment))
    lmdb.mdb_env_set_mapsize(environment, ctypes.c_size_t(1 << 40))
    if lmdb.mdb_env_open(environment, folder.encode(), flags | NOTLS, 0o600):
        return 0
    for begun in range(count):
        if lmdb.mdb_txn_begin(environment, None, flags, ctypes.byref(transaction)):
            return begun
    return count


@contextlib.contextmanager
def reading(folder, count=1):
    """A stopped process with so many read transactions; yields its id and how many it got. It is killed at the end, inside them."""
    with held(folder, count, RDONLY) as got:
        yield got


@contextlib.contextmanager
def writing(folder):
    """A stopped process with the write transaction, so that nobody else writes; killed at the end, inside it."""
    with held(folder, 1, 0) as (child, begun):
        assert begun == 1, f'no write transaction in {folder}'
        yield child


@contextlib.contextmanager
def held(folder, count, flags):
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(tell, str(begin(folder, count, flags)).encode())
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    try:
        os.close(tell)
        yield child, int(os.read(ready, 20))
    finally:
        os.close(ready)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
