"""Real clients: swaks, Postfix's smtp-source, Exim. The last two are unpacked, never installed: they conflict, and start daemons."""
import os
import shutil
import subprocess

from server import TOP

UNPACKED = os.path.join(TOP, 'build/unpacked')
LIBRARIES = '/usr/lib/x86_64-linux-gnu'
EXIM_USER = 65533

EXIM_CONFIG = '''
primary_hostname = c.test
exim_path = {exim}
exim_user = {user}
exim_group = {user}
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
qualify_domain = s.test
keep_environment = ^LD_ : ^NSS_
tls_advertise_hosts =
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1::{port}
  self = send
  transport = smtp
begin transports
smtp:
  driver = smtp
  port = {port}
  hosts_try_chunking = *
  hosts_try_prdr = *
  {tls}
  allow_localhost
begin retry
* * F,1h,1m
'''


def unpacked(program, below='usr/sbin'):
    """The path of a program of the group `unpacked`, fetched when it isn't there yet."""
    path = os.path.join(UNPACKED, below, program)
    done = subprocess.run([os.path.join(TOP, 'scripts/unpack'), 'unpacked', UNPACKED], capture_output=True, text=True)
    assert os.path.exists(path), f'{program} is not there: {done.stdout}{done.stderr}'
    return path


def checked(words, what, stdin=b'', within=120, **how):
    done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=within, **how)
    output = done.stdout.decode(errors='replace')
    assert done.returncode == 0, f'{what}: exit {done.returncode}: {output[-1500:]}'
    return output


def swaks(server, *words, data=None, within=120):
    host, port = server.address()
    content = []
    if data is not None:
        content = ['--data', '@' + server.write('swaks-data', data)]
    return checked(['swaks', '--server', host, '--port', str(port), '--ehlo', 'c.test', '--from', 'a@s.test', *content, *words], 'swaks',
                   within=within)


def smtp_source(server, *words, within=600):
    host, port = server.address()
    environment = {**os.environ, 'LD_LIBRARY_PATH': os.path.join(UNPACKED, 'usr/lib/postfix')}
    return checked([unpacked('smtp-source'), *words, f'inet:{host}:{port}'], 'smtp-source', within=within, env=environment)


def exim(server, message, *recipients, tls=False, sender='a@s.test'):
    """Exim sends one message; returns its log."""
    folder = server.path('exim')
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    program = shutil.copy(unpacked('exim4'), server.path('exim4'))  # which it starts again as its user, who may not see our folders
    config = server.write('exim.conf', EXIM_CONFIG.format(exim=program, user=EXIM_USER, folder=folder, port=server.address()[1],
                                                          tls='' if tls else 'hosts_avoid_tls = *'))
    environment = {**os.environ, 'LD_PRELOAD': os.path.join(LIBRARIES, 'libnss_wrapper.so'),
                   'NSS_WRAPPER_PASSWD': with_exim(server, '/etc/passwd', f'Debian-exim:x:{EXIM_USER}:{EXIM_USER}::/:/bin/false\n'),
                   'NSS_WRAPPER_GROUP': with_exim(server, '/etc/group', f'Debian-exim:x:{EXIM_USER}:\n')}
    output = checked([program, '-C', config, '-odf', '-oi', '-f', sender, *recipients], 'exim', stdin=message, env=environment)
    log = os.path.join(folder, 'mainlog')
    with open(log, encoding='utf-8') as file:
        return output + file.read()


def with_exim(server, path, line):
    """A copy of a user file that knows Debian-exim, whose name the program was built with."""
    with open(path, encoding='utf-8') as file:
        return server.write(os.path.basename(path), file.read() + line)
