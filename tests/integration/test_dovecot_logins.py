"""Logins against a real Dovecot's auth socket: right, wrong and unknown, many at once, and Dovecot in trouble or away."""
import os
import subprocess

from deadline import PATIENCE
from dovecot import Dovecot
from server import BINARY

AUTH = '''
service auth {
  chroot =
  unix_listener auth-client {
    mode = 0666
  }
}
service auth-worker {
  chroot =
}
auth_failure_delay = 0
'''
ODD = 'p w=,"ž{}'


def program_of_tests():
    builds = os.path.dirname(os.path.dirname(BINARY))
    programs = [os.path.join(builds, build, 'test_server') for build in (os.path.basename(os.path.dirname(BINARY)), 'asan')]
    program = next(filter(os.path.exists, programs), None)  # scripts/test builds it with the sanitizers alone
    assert program, f'none of {programs} is built'
    return program


def ask(dovecot, what):
    done = subprocess.run([program_of_tests(), what], capture_output=True, text=True, timeout=PATIENCE,
                          env={**os.environ, 'POSTERN_TEST_DOVECOT': dovecot.path('run/auth-client')})
    assert done.returncode == 0, done.stdout + dovecot.log()
    assert 'All tests passed' in done.stdout, done.stdout


def test_a_real_dovecot_is_understood():
    users = {'good@d.test': '', 'renamed@d.test': 'user=good@d.test', 'elsewhere@d.test': 'allow_nets=192.0.2.1'}
    passwords = {'odd@d.test': ODD}
    with Dovecot({**users, **dict.fromkeys(passwords, '')}, AUTH, passwords) as dovecot:
        ask(dovecot, '[.real-dovecot]')


def test_a_dovecot_in_trouble_denies_nobody():
    nowhere = 'passdb {\n  driver = checkpassword\n  args = /nowhere\n}\n'
    with Dovecot({'other@d.test': ''}, AUTH + nowhere) as dovecot:
        ask(dovecot, '[.real-dovecot-trouble]')
