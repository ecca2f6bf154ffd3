"""Memory runs out: F-15 and DS-08. A session may end, a message may be refused with a 4xx; the server goes on, and what it acknowledged
is there."""
import contextlib
import os
import resource
import threading

import disks
from deadline import until
from faults import Faulty, Ledger, numbered
from server import Server
from test_disk import takes_mail

SESSIONS, EACH, SIZE = 40, 8, 60_000
ROOM = 512 << 10  # octets above what an idle server has: less than the sessions want
GROUPS = (('/sys/fs/cgroup/memory', 'memory.limit_in_bytes'), ('/sys/fs/cgroup', 'memory.max'))


def address_space(process):
    with open(f'/proc/{process}/status', encoding='ascii') as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith('VmSize:'))


class Crowd:
    """Many sessions at once, each with some messages, that may be refused (4xx) or closed at any moment."""

    def __init__(self, ledger, each=EACH, size=SIZE):
        self.each, self.size = each, size
        self.ledger, self.lock, self.closed, self.refused, self.wrong = ledger, threading.Lock(), 0, 0, []

    def send(self, server):
        threads = [threading.Thread(target=self.visit, args=(server,)) for _ in range(SESSIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.wrong, self.wrong

    def visit(self, server):
        try:
            with server.connect() as wire:
                wire.expect('220 ')
                for line in ('EHLO c.test', *['MAIL FROM:<a@s.test>', 'RCPT TO:<u@d.test>', 'DATA', None] * self.each):
                    if not self.step(wire, line):
                        return
        except (AssertionError, OSError):  # closed, or too busy to greet
            with self.lock:
                self.closed += 1

    def step(self, wire, line):
        if line is not None:
            wire.send(line.encode() + b'\r\n')
            return self.judged(wire.reply())
        with self.lock:
            number = len(self.ledger.sent) + 1
            self.ledger.sent[number] = numbered(number, self.size)
        wire.send(self.ledger.sent[number] + b'.\r\n')
        reply = wire.reply(within=90)  # a disk has 60 s
        if reply.code == '250':
            with self.lock:
                self.ledger.acknowledged.add(number)
        return self.judged(reply)

    def judged(self, reply):
        with self.lock:
            self.refused += reply.code[0] == '4'
            if reply.code[0] == '5':
                self.wrong.append(str(reply))
        return reply.code[0] in '23'


class Short(Faulty):
    excused = [f'{who} ended by an exception: std::bad_alloc' for who in ('a session', 'a delivery')]

    def go_on(self, ledger):
        """It never ended, takes mail, and nothing that it acknowledged is lost."""
        print(f'# {len(ledger.acknowledged)} acknowledged')
        until('mail again', lambda: self.takes_mail(ledger))
        self.wait_queue_empty(60)
        ledger.check(self)

    def takes_mail(self, ledger):
        assert self.process.poll() is None, f'it ended: {self.process.poll()}: {self.log()[-800:]}'
        try:
            return takes_mail(self, ledger)
        except (AssertionError, OSError):  # the accept loop begins again within a second
            return False

    def stop(self, within=120):
        """A session that found no memory for its own end is ended with the time that a drain has."""
        super().stop(within)


def test_a_limit_on_the_address_space():
    with Short(queue={'retry': ['1s']}) as server:
        server.start(['env', 'MALLOC_ARENA_MAX=1'])  # the room of other arenas is there already, and doesn't count
        ledger = Ledger()
        assert takes_mail(server, ledger)
        server.wait_queue_empty()
        process, crowd = server.process.pid, Crowd(ledger)
        _, most = resource.prlimit(process, resource.RLIMIT_AS)
        resource.prlimit(process, resource.RLIMIT_AS, (address_space(process) + ROOM, most))
        crowd.send(server)
        assert crowd.closed or crowd.refused, 'there was memory enough'
        assert server.process.poll() is None, f'it ended: {server.log()[-800:]}'
        resource.prlimit(process, resource.RLIMIT_AS, (most, most))
        server.go_on(ledger)


def every_so_often(interval, in_a_row):
    """Of that many allocations the first ones fail, whose ever they are."""
    with Short(queue={'retry': ['1s']}) as server:
        server.start_faulty(f'malloc every {interval} {in_a_row}')
        server.arm()
        ledger = Ledger()
        Crowd(ledger).send(server)
        assert server.happened, 'no allocation failed'
        server.disarm()
        server.go_on(ledger)


@contextlib.contextmanager
def memory_group(limit):
    """A control group with so many octets of memory, page cache included; yields its folder."""
    base, key = next(way for way in GROUPS if os.path.exists(os.path.join(*way)))
    folder = os.path.join(base, f'postern-test-{os.getpid()}')
    os.mkdir(folder)
    try:
        with open(os.path.join(folder, key), 'w', encoding='ascii') as file:
            file.write(str(limit))
        yield folder
    finally:
        os.rmdir(folder)


class OnDisk(Server):
    within = disks.ON_DISK  # what lies in memory counts as the group's, and can't be given back


def large_messages_in_a_small_group():
    """40 at once of 10 MiB: ten times what there is."""
    with OnDisk(queue={'retry': ['1s']}) as server, memory_group(40 << 20) as group:
        server.stop()
        server.start(['sh', '-c', f'echo $$ >{group}/cgroup.procs && exec "$@"', 'sh'])
        ledger = Ledger()
        crowd = Crowd(ledger, each=1, size=10 << 20)
        crowd.send(server)
        assert server.process.poll() is None, 'the server ended'
        assert ledger.acknowledged, 'not one was taken'
        server.wait_queue_empty(within=120)
        ledger.check(server)
        server.stop()


def cases():
    for interval, in_a_row in ((101, 1), (1009, 1), (10007, 1), (101, 5), (1009, 30)):
        yield (f'of_{interval}_allocations_{in_a_row}_fail',
               lambda interval=interval, in_a_row=in_a_row: every_so_often(interval, in_a_row))
    if os.geteuid() == 0 and any(os.path.exists(os.path.join(*way)) for way in GROUPS):
        yield large_messages_in_a_small_group.__name__, large_messages_in_a_small_group
