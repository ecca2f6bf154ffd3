"""F-29: started before what it needs is there, the server starts, takes mail, and delivers it once the rest has come."""
import os
import socket

from deadline import equal, until
from faults import Faulty, Ledger
from server import Server
from test_steering import Stuck

MESSAGE = b'Subject: x\r\n\r\nx\r\n'
YEARS = 365 * 86400


def test_before_the_clock_is_set():
    with Faulty(queue={'retry': ['1s'], 'expire': '5d'}) as server:
        server.set_clock(-55 * YEARS)
        os.rename(server.mail, server.mail + '-away')
        server.start_faulty(clock=True)
        ledger = Ledger()
        ledger.send(server, [300, 90_000])
        equal(len(ledger.acknowledged), 2, 'messages taken')
        until('a try of each', lambda: all(message['recipients'][0]['tries'] for message in server.queue()))
        server.set_clock(0)
        os.rename(server.mail + '-away', server.mail)
        server.wait_queue_empty(60)
        ledger.check(server)


def test_before_the_mailboxes_are_mounted():
    with Server() as server:
        server.stop()
        os.rename(server.mail, server.mail + '-away')
        server.start()
        ledger = Ledger()
        ledger.send(server, [300, 90_000])
        equal(len(ledger.acknowledged), 2, 'messages taken')
        until('a try of each', lambda: all(message['recipients'][0]['tries'] for message in server.queue()))
        assert not os.path.exists(server.mail), 'a folder was made where another is to be mounted'
        os.rename(server.mail + '-away', server.mail)
        server.wait_queue_empty()
        ledger.check(server)


def test_before_the_server_that_takes_the_mail():
    with socket.create_server(('127.0.0.1', 0)) as place:
        port = place.getsockname()[1]
    with Server(local={'transport': f'lmtp:127.0.0.1:{port}'}) as server:
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        until('a try', lambda: server.queue()[0]['recipients'][0]['tries'])
        late = Stuck(final=b'250 2.0.0 ok')
        late.answer.set()
        server.settings['local'].update(late.transport)
        server.configure()
        server.reload()
        server.wait_queue_empty()
        equal(len(late.messages), 1, 'messages')
