"""A network of a test's own (network namespace): port 25 and any address, which nobody else has. Root, or who may make a user namespace."""
import ctypes
import os
import signal
import subprocess
import traceback

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def become_apart(addresses):
    user, group = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWNET | (CLONE_NEWUSER if user else 0)) != 0:
        raise OSError(ctypes.get_errno(), 'unshare')
    for name, content in (('setgroups', 'deny'), ('uid_map', f'0 {user} 1'), ('gid_map', f'0 {group} 1')) if user else ():
        with open(f'/proc/self/{name}', 'w', encoding='ascii') as file:
            file.write(content)
    for words in (('link', 'set', 'lo', 'up'), *(('address', 'add', address + '/32', 'dev', 'lo') for address in addresses)):
        subprocess.run(['/sbin/ip', *words], check=True, timeout=60)


def lead_back(network):
    """Addresses that lead back here, and are none of this machine's."""
    subprocess.run(['/sbin/ip', 'route', 'add', 'local', network, 'dev', 'lo'], check=True, timeout=60)


def in_a_network_of_its_own(addresses, test):
    """Runs test() where loopback has these addresses too. What fails there fails here, with its words."""
    from_child, to_parent = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setpgid(0, 0)
            signal.alarm(0)
            os.close(from_child)
            become_apart(addresses)
            test()
            os._exit(0)
        except BaseException:  # whatever it is, the parent says it
            os.write(to_parent, traceback.format_exc()[-4000:].encode())
        finally:
            os._exit(1)
    os.close(to_parent)
    try:
        with os.fdopen(from_child, 'rb') as words:
            said = words.read().decode()
        assert os.waitpid(child, 0)[1] == 0, said
    except BaseException:
        try:
            os.killpg(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
        raise
