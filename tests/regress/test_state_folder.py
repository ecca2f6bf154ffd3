"""The state folder's path leads to another folder than at the start: something was mounted there, or it was renamed."""
import os

from deadline import contains, until
from server import Server

MESSAGE = b'Subject: x\r\n\r\nx\r\n'


def alarms(server):
    return [line for line in server.run('status').splitlines() if line.startswith('ALARM')]


def test_mail_is_refused_while_the_state_folder_is_another_one():
    with Server() as server:
        state, away = server.path('state'), server.path('away')
        os.rename(state, away)
        os.mkdir(state)
        server.wait_log('server.state_dir is another folder')
        contains(alarms(server)[0], 'server.state_dir is another folder', 'the alarm')
        with server.connect() as wire:
            wire.greet()
            wire.command('MAIL FROM:<a@s.test>', '452 4.3.1')
            os.rmdir(state)
            os.rename(away, state)
            until('no alarm', lambda: not alarms(server))
            server.wait_log('mail is accepted')
            wire.deliver(MESSAGE)
        server.wait_messages(1)


def test_bodies_without_a_queue_refuse_the_start_and_say_what_to_do():
    with Server() as server:
        os.rename(server.mail, server.mail + '-away')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE + b'y' * 70_000 + b'\r\n')
        server.stop()
        os.rename(server.path('state/queue'), server.path('queue-away'))
        server.launch()
        server.wait_log('the folder queue is missing')
        assert server.wait_exit() == 73
        os.rename(server.path('queue-away'), server.path('state/queue'))
        os.rename(server.mail + '-away', server.mail)
        server.start()
        server.wait_messages(1)
