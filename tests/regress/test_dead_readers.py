"""A command that dies while it reads must not pin the queue's pages for as long as the server runs."""
import os
import struct

from deadline import until
from readers import reading
from server import Server


def die_while_reading(folder):
    """A process that is killed inside a read transaction of the environment; returns its id."""
    with reading(folder) as (process, held):
        assert held == 1
        return process


def readers(folder):
    """The process ids in LMDB's table of readers: slots of 64 octets after a head of two cache lines, the id at octet 8."""
    with open(os.path.join(folder, 'lock.mdb'), 'rb') as file:
        table = file.read()[128:]
    return {struct.unpack_from('<i', table, at + 8)[0] for at in range(0, len(table) - 63, 64)}


def test_slots_of_dead_readers_are_freed_while_the_server_runs():
    with Server() as server:
        folders = [server.path('state/queue'), server.path('state/accounts')]
        dead = {folder: die_while_reading(folder) for folder in folders}
        for folder, reader in dead.items():
            assert reader in readers(folder), 'the dead reader is not seen'
        until('free slots', lambda: not any(reader in readers(folder) for folder, reader in dead.items()), 100)


test_slots_of_dead_readers_are_freed_while_the_server_runs.long = True
