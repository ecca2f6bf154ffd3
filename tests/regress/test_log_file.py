"""The log's file over a rotation."""
import os
import signal

from deadline import equal, until
from server import Server


def test_a_refused_reload_opens_the_log_anew_too():
    with Server() as server:
        path = server.path('postern.log')
        server.settings['log'] = {'file': path}
        server.configure()
        server.run('reload')
        server.write('postern.toml', '[limits]\nerrors = "20"\n[log]\nfile = "/no/such/folder/log"\n')
        os.rename(path, path + '.1')
        server.signal(signal.SIGHUP)
        until('a line in the new log', lambda: os.path.exists(path) and 'reload refused' in open(path, encoding='utf-8').read())
        with open(path + '.1', encoding='utf-8') as file:
            equal(file.read().count('reload refused'), 0, 'refusals in the old log')
        server.configure()
