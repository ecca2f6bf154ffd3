"""Signals whose default would kill the server: SIGHUP while it starts, SIGXFSZ when a file may not grow."""
import signal

from deadline import equal, until
from server import Server


def mask(process, name):
    """A set of signals in /proc/PID/status: SigIgn, SigBlk or SigCgt; empty when the process is gone."""
    try:
        with open(f'/proc/{process.pid}/status', encoding='ascii') as file:
            rows = dict(line.split(':\t') for line in file.read().splitlines() if ':\t' in line)
    except FileNotFoundError:
        return set()
    bits = int(rows.get(name, '0'), 16)
    return {number for number in range(1, 65) if bits >> (number - 1) & 1}


def test_a_hangup_during_the_start_is_a_reload_and_no_end():
    for _ in range(5):
        with Server() as server:
            server.stop()
            process = server.launch()
            until('the first signal that is ignored', lambda: signal.SIGPIPE in mask(process, 'SigIgn') or process.poll() is not None)
            server.signal(signal.SIGHUP)
            server.wait_log('listening name=mx')
            server.wait_log('reload -- ')


def test_a_file_that_may_not_grow_costs_its_message_and_not_the_server():
    with Server() as server:
        server.stop()
        server.start(prefix=('prlimit', '--fsize=1000000'))
        with server.connect() as wire:
            wire.greet()
            wire.begin()
            wire.send(b'Subject: x\r\n\r\n' + (b'y' * 70 + b'\r\n') * 28000 + b'.\r\n')
            wire.expect('452 4.3.1')
            identity = wire.deliver(b'Subject: x\r\n\r\nsmall\r\n')
            wire.quit()
        got = server.wait_messages(1)
        assert identity in got[0].received, got[0].received
        equal(got[0].content, b'Subject: x\r\n\r\nsmall\r\n', 'the message')
