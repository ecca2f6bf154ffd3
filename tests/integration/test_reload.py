"""A configuration with an error changes nothing, is named with its place, and costs no session; a good one counts from the next
session on."""
import os
import re
import shutil
import signal

from deadline import contains, equal, until
from server import TOP, Server

BROKEN = os.path.join(TOP, 'tests/integration/broken-config')
MESSAGE = b'Subject: x\r\n\r\nstill here\r\n'


def place(name):
    """'3:11', 'local.maildir' from the first line: # expects 3:11 local.maildir"""
    with open(os.path.join(BROKEN, name), encoding='utf-8') as file:
        found = re.fullmatch(r'# expects (\d+:\d+) ?(.*)\n', file.readline())
    return found[1], found[2]


def expected(path, name):
    where, key = place(name)
    path = path if where == '0:0' else f'{path}:{where}'  # what is missing has no place
    return f'{path}: {key}: ' if key else f'{path}: '


def refused_by_check(name):
    with Server() as server:
        path = server.config
        shutil.copy(os.path.join(BROKEN, name), path)
        done = server.call('check')
        equal(done.returncode, 78, f'exit code of check: {done.stdout}{done.stderr}')
        assert any(line.startswith(expected(path, name)) for line in done.stdout.splitlines()), done.stdout + done.stderr
        done = server.call('serve')
        equal(done.returncode, 78, f'exit code of serve: {done.stdout}{done.stderr}')
        contains(done.stderr, expected(path, name), 'stderr of serve')


def refused_by_reload(name):
    with Server() as server, server.connect() as before:
        before.greet()
        shutil.copy(os.path.join(BROKEN, name), server.config)
        server.reload(re.escape('reload refused, going on as before: ' + expected(server.config, name)))
        before.command('NOOP', '250 ')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        before.deliver(MESSAGE)
        server.configure()
        equal([got.content for got in server.wait_messages(2)], [MESSAGE] * 2, 'messages')
        done = server.call('reload')
        equal(done.returncode, 0, f'exit code of reload with the good file again: {done.stderr}')


def cases():
    for name in sorted(os.listdir(BROKEN)):
        stem = name.removesuffix('.toml')
        yield f'check_refuses_{stem}', lambda name=name: refused_by_check(name)
        yield f'reload_refuses_{stem}', lambda name=name: refused_by_reload(name)


def test_there_are_broken_files():
    assert len(os.listdir(BROKEN)) >= 10


def test_a_changed_limit_counts_for_new_sessions():
    with Server({'max_message_size': '1MB'}) as server, server.connect() as before:
        contains(before.greet().lines, '250-SIZE 1000000', 'EHLO')
        server.settings['listener'][0]['max_message_size'] = '2MB'
        server.settings['limits']['max_recipients'] = 123
        server.configure()
        server.reload()
        with server.connect() as wire:
            hello = wire.greet()
            contains(hello.lines, '250-SIZE 2000000', 'EHLO')
            contains(hello.text, 'RCPTMAX=123', 'EHLO')
        contains(before.command('EHLO c.test', '250 ').lines, '250-SIZE 1000000', 'the running session')


def test_exit_codes_of_reload():
    server = Server()
    equal(server.call('reload').returncode, 69, 'no server')
    with server:
        equal(server.call('reload').returncode, 0, 'a good file')
        server.write('postern.toml', '[limits]\nerrors = "20"\n')
        done = server.call('reload')
        equal(done.returncode, 78, 'a broken file')
        contains(done.stderr, ':2:10: limits.errors: ', 'stderr')
        server.configure()


def test_reload_says_what_needs_a_restart():
    with Server() as server:
        server.settings['server']['threads'] = 3
        server.settings['listener'][0]['address'] = '127.0.0.2:0'
        server.configure()
        told = server.run('reload')
        contains(told, 'server.threads', 'stdout')
        contains(told, 'listener "mx".address', 'stdout')


def refuse_file(make):
    with Server() as server:
        make(server)
        server.reload('reload refused')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        server.configure()
        server.wait_messages(1)


def test_an_empty_file_is_refused():
    refuse_file(lambda server: server.write('postern.toml', ''))


def test_a_file_that_went_is_refused():
    refuse_file(lambda server: os.unlink(server.config))


def test_a_file_of_100_mb_is_refused():
    refuse_file(lambda server: server.write('postern.toml', '# ' + 'x' * 100_000_000 + '\n'))


def test_a_folder_in_place_of_the_file_is_refused():
    def make(server):
        os.unlink(server.config)
        os.mkdir(server.config)

    with Server() as server:
        make(server)
        server.reload('reload refused')
        os.rmdir(server.config)
        server.configure()


def test_a_certificate_that_is_not_there_is_refused():
    with Server() as server:
        server.settings['tls.certificate'] = [{'cert': server.path('no.crt'), 'key': server.path('no.key')}]
        server.configure()
        server.reload(r'reload refused.*postern.toml:\d+:\d+: tls.certificate\[0\].cert: ')
        with server.connect() as wire:
            wire.greet()
            wire.secure()
        del server.settings['tls.certificate']
        server.configure()


def test_a_storm_of_reloads_costs_no_session():
    with Server() as server, server.connect() as before:
        before.greet()
        since = server.log_end()
        for _ in range(200):
            server.signal(signal.SIGHUP)
            with server.connect() as wire:
                wire.greet()
                wire.deliver(MESSAGE)
        before.deliver(MESSAGE)
        until('a reload', lambda: 'reload -- ' in server.log(since))
        server.wait_messages(201)


def test_the_log_is_opened_anew():
    with Server() as server:
        path = server.path('postern.log')
        server.settings['log'] = {'file': path}
        server.configure()
        equal(server.call('reload').returncode, 0, 'reload')
        os.rename(path, path + '.1')
        equal(server.call('reload').returncode, 0, 'reload')
        with server.connect() as wire:
            wire.greet()
            wire.quit()
        until('a line in the new log', lambda: 'connect from' in open(path, encoding='utf-8').read())
