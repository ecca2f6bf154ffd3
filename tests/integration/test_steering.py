"""What an operator does to the queue of a running server: retry, hold, release, bounce, delete."""
import os
import re
import socket
import threading

from deadline import equal, until
from server import Server
from test_notices import blocked, notice, send

SLOW = {'retry': ['1h']}


def deferred(server, count=1):
    """Ids of `count` messages that were tried and wait."""
    def tried():
        queued = [message for message in server.queue() if message['recipients'][0]['tries']]
        return len(queued) == count and queued
    return [message['id'] for message in until(f'{count} deferred messages', tried)]


def test_a_retry_is_made_at_once():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        send(server)
        queue_id, = deferred(server)
        os.remove(server.maildir('v@d.test'))
        equal(server.run('queue', 'retry', queue_id), '1 message made due\n', 'answer')
        server.wait_queue_empty()
        equal(len(server.messages('v@d.test')), 1, 'messages')
        server.wait_log(rf'postfix/postsuper\[\d+\]: {queue_id}: made due by the operator')


def test_a_held_message_waits_through_a_restart_until_it_is_released():
    with Server(queue={'retry': ['1s']}) as server:
        blocked(server, 'v@d.test')
        send(server)
        queue_id, = deferred(server)
        equal(server.run('queue', 'hold', queue_id), '1 message held\n', 'answer')
        os.remove(server.maildir('v@d.test'))
        tries = server.queue()[0]['recipients'][0]['tries']
        server.stop()
        server.start()
        send(server, recipients=['u@d.test'])  # which is tried after the held one would have been
        until('the other one', lambda: len(server.messages()) == 1)
        equal([(message['held'], message['recipients'][0]['tries']) for message in server.queue()], [(True, tries)], 'queue')
        server.run('queue', 'retry', queue_id, code=65)
        equal(server.run('queue', 'release', '--all'), '1 message released\n', 'answer')
        server.wait_messages(1, 'v@d.test')


def test_a_bounced_message_is_returned_to_its_sender():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        send(server)
        queue_id, = deferred(server)
        server.run('queue', 'bounce', queue_id)
        got = server.wait_messages(1)[0]
        _, text, _, (of_recipient,), _ = notice(got.raw)
        equal((of_recipient['Action'], of_recipient['Status']), ('failed', '5.0.0'), 'what is told')
        assert 'Returned by the operator' in text, text
        server.wait_queue_empty()
        server.wait_log(rf'{queue_id}: .*status=bounced')


def test_a_message_bounced_while_the_server_is_down_is_returned_when_it_is_up():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        send(server)
        queue_id, = deferred(server)
        server.stop()
        equal(server.run('queue', 'bounce', queue_id), '1 message given up, senders are told\n', 'answer')
        server.start()
        equal(notice(server.wait_messages(1)[0].raw)[3][0]['Status'], '5.0.0', 'status')


def test_a_deleted_message_is_gone_with_its_body_and_the_log_says_so():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        send(server, b'Subject: x\r\n\r\n' + b'y' * 200_000 + b'\r\n')
        send(server)
        first, second = deferred(server, 2)
        server.run('queue', 'delete', first)
        equal([message['id'] for message in server.queue()], [second], 'what is left')
        bodies = [name for _, _, files in os.walk(server.path('state/bodies')) for name in files]
        equal(bodies, [], 'body files')
        server.wait_log(rf'{first}: removed by the operator')
        equal(server.messages(), [], 'notices')
        server.run('queue', 'delete', first, code=67)


class Stuck:
    """An LMTP server that takes a message and does not answer until it is told to."""

    def __init__(self, final=b'451 4.2.0 not now'):
        self.final = final
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.answer = threading.Event()
        self.has_message = threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def transport(self):
        return {'transport': 'lmtp:127.0.0.1:%d' % self.listener.getsockname()[1]}

    def serve(self):
        client, _ = self.listener.accept()
        stream = client.makefile('rwb')

        def say(line):
            stream.write(line + b'\r\n')
            stream.flush()

        say(b'220 stuck')
        for line in stream:
            verb = line[:4].upper()
            if verb == b'DATA':
                say(b'354 go')
                while stream.readline() not in (b'.\r\n', b''):
                    pass
                self.has_message.set()
                self.answer.wait(60)
                say(self.final)
            else:
                say(b'250 ok')


def test_a_wish_waits_for_the_attempt_under_way_and_is_not_undone_by_it():
    stuck = Stuck()
    with Server(queue=SLOW, local=stuck.transport) as server:
        send(server)
        assert stuck.has_message.wait(20)
        queue_id = server.queue()[0]['id']
        answers = []
        asking = threading.Thread(target=lambda: answers.append(server.run('queue', 'hold', queue_id)))
        asking.start()
        asking.join(0.5)
        equal(server.queue()[0]['held'], False, 'held during the attempt')
        stuck.answer.set()
        asking.join(30)
        equal(answers, ['1 message held\n'], 'answer')
        message, = server.queue()
        equal((message['held'], message['recipients'][0]['tries']), (True, 1), 'held, tries')


def test_many_messages_are_steered_under_load():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        with server.connect() as wire:
            wire.greet()
            for _ in range(600):
                wire.deliver(b'Subject: x\r\n\r\nx\r\n', 'v@d.test')
        deferred(server, 600)
        equal(server.run('queue', 'hold', '--all'), '600 messages held\n', 'answer')
        assert all(message['held'] for message in server.queue())
        os.remove(server.maildir('v@d.test'))
        equal(server.run('queue', 'release', '--all'), '600 messages released\n', 'answer')
        server.wait_queue_empty(60)
        equal(len(server.messages('v@d.test')), 600, 'messages')
        equal(len(set(re.findall(r'(\w+): released from hold', server.log()))), 600, 'lines of the log')
