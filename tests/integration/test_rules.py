"""The commands of rules and of the greylist, each a process of its own, beside a server that takes mail."""
import json
import threading

from deadline import contains, equal
from server import Server

MESSAGE = b'Subject: x\r\n\r\nmeanwhile\r\n'
WRITERS, EACH = 4, 12


def rules(server, *words):
    return json.loads(server.run('rule', 'list', '--json', *words))['rules']


def pairs(server):
    return json.loads(server.run('greylist', 'list', '--json'))['greylist']


def at_once(*works):
    """Runs them beside each other; the first trouble is this one's."""
    troubles = []

    def guarded(work):
        try:
            work()
        except Exception as trouble:  # of whatever kind: it is raised below
            troubles.append(trouble)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if troubles:
        raise troubles[0]


def deliver(server, count):
    with server.connect() as wire:
        wire.greet()
        for _ in range(count):
            wire.deliver(MESSAGE)


def test_rules_with_the_server_stopped_and_running():
    with Server() as server:
        equal(server.run('rule', 'add', 'deny', '@Bücher.example'),
              'deny *@xn--bcher-kva.example: every sender at xn--bcher-kva.example, not below it\n', 'what it matches')
        server.run('rule', 'add', 'allow', '192.0.2.0/24', '--mailbox', 'u@d.test')
        warned = server.call('rule', 'add', 'allow', 'example.com')
        equal(warned.returncode, 0, 'exit code with a warning')
        contains(warned.stderr, 'postern: warning: rule: example.com has no @', 'stderr')
        equal(server.call('rule', 'add', 'deny', 'spam@').returncode, 65, 'exit code of no rule')
        equal(server.call('rule', 'add', 'deny', '@s.test', '--mailbox', 'x@d.test').returncode, 67, 'exit code of no mailbox')
        server.stop()
        equal([(rule['mailbox'], rule['action'], rule['pattern']) for rule in rules(server)],
              [('', 'deny', '*@xn--bcher-kva.example'), ('', 'allow', 'example.com'), ('u@d.test', 'allow', '192.0.2.0/24')], 'rules')
        server.run('rule', 'remove', 'example.com')
        server.run('rule', 'remove', 'example.com', code=67)
        server.start()
        equal(len(rules(server)), 2, 'rules')
        deliver(server, 1)
        server.wait_messages(1)


def test_rules_from_many_processes_beside_a_server():
    with Server() as server:
        def write(number):
            for index in range(EACH):
                server.run('rule', 'add', 'deny', f'*@{number}.{index}.test', *(['--mailbox', 'u@d.test'] if index % 2 else []))
                if index % 3 == 0:
                    server.run('rule', 'remove', f'*@{number}.{index}.test', *(['--mailbox', 'u@d.test'] if index % 2 else []))

        at_once(lambda: deliver(server, 40), *(lambda number=number: write(number) for number in range(WRITERS)))
        expected = {('u@d.test' if index % 2 else '', f'*@{number}.{index}.test')
                    for number in range(WRITERS) for index in range(EACH) if index % 3}
        equal({(rule['mailbox'], rule['pattern']) for rule in rules(server)}, expected, 'rules')
        server.wait_messages(40)


def test_the_greylist_from_many_processes_beside_a_server():
    with Server() as server:
        def write(number):
            for index in range(EACH):
                server.run('greylist', 'allow', f's{index}@s.test', f'192.0.2.{number}')
                if index % 3 == 0:
                    server.run('greylist', 'remove', f'<s{index}@s.test>', f'192.0.2.{number}')

        def read():
            for _ in range(EACH):
                equal({pair['state'] for pair in pairs(server)} - {'passes'}, set(), 'states')

        at_once(lambda: deliver(server, 40), read, *(lambda number=number: write(number) for number in range(WRITERS)))
        expected = {(f's{index}@s.test', f'192.0.2.{number}') for number in range(WRITERS) for index in range(EACH) if index % 3}
        equal({(pair['sender'], pair['client']) for pair in pairs(server)}, expected, 'pairs')
        server.wait_messages(40)
        server.kill()  # what was answered is kept
        equal(len(pairs(server)), len(expected), 'pairs after a kill')
        server.start()
