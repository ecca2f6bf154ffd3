"""A real rspamd in a folder of its own, unpacked and never installed: one worker on a loopback port, no DNS."""
import os
import shutil
import urllib.request

from clients import UNPACKED, unpacked
from ports import free_port
from unpacked_server import UnpackedServer

CONFIG = '''
options {{
  pidfile = "{folder}/pid";
  tempdir = "{folder}";
  cache_file = "{folder}/symbols.cache";
  hs_cache_dir = "{folder}";
  control_socket = "{folder}/control.sock mode=0600";
  url_tld = "{folder}/tld";
  history_file = "";
  rrd = "";
  filters = "";
  explicit_modules = [];
  disable_hyperscan = true;
  dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "info"; color = false; }}
actions {{ reject = 15; "add header" = 6; greylist = 4; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; enabled = true; }}
worker "controller" {{ enabled = false; }}
worker "rspamd_proxy" {{ enabled = false; }}
worker "fuzzy" {{ enabled = false; }}
lua = "{folder}/rules.lua";
'''

# ENVELOPE: the transaction was told as the test tells it; CLIENT_NAME: so was what DNS says of the client; JUNK_WORD: the body came whole.
RULES = '''
rspamd_config.ENVELOPE = {
  callback = function(task)
    local from, to, ip = task:get_from('smtp'), task:get_recipients('smtp'), task:get_from_ip()
    return from and from[1].addr == 'a@s.test' and #to == 2 and to[2].addr == 'v@d.test' and ip and ip:to_string() == '192.0.2.7'
      and task:get_helo() == 'helo.s.test' and task:get_hostname() == 'host.s.test' and task:get_queue_id() == 'Q17'
      and task:get_user() == 'u@d.test'
  end, score = 0.5 }
rspamd_config.CLIENT_NAME = {
  callback = function(task) return task:get_hostname() == 'localhost' end, score = 0.1 }
rspamd_config.JUNK_WORD = {
  callback = function(task) return task:get_rawbody():sub(-12):find('junkword') ~= nil end, score = 8.0 }
'''

STOCK = {
    'options.inc': 'dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}\n',
    'logging.inc': 'type = "console"; level = "info";\n',
    'worker-normal.inc': 'bind_socket = "127.0.0.1:{port}"; count = 1;\n',
    'worker-controller.inc': 'enabled = false;\n',
    'worker-proxy.inc': 'enabled = false;\n',
    'modules.conf': '',
}


class Rspamd(UnpackedServer):
    """Without its modules, with two rules of ours."""

    name = 'rspamd'

    def __init__(self):
        super().__init__(mode=0o777)
        self.port = free_port()

    def __enter__(self):
        unpacked('rspamd', 'usr/bin')
        who = '-u nobody -g nogroup' if os.geteuid() == 0 else '-i'
        with open(os.path.join(self.folder, 'log'), 'wb') as log:
            self.launch(f'/usr/bin/rspamd -f {who} {self.configure()}', log, log)
        return self

    def configure(self):
        for name, text in (('rspamd.conf', CONFIG.format(folder=self.folder, port=self.port)), ('rules.lua', RULES), ('tld', 'com\norg\ntest\n')):
            self.write(name, text)
        return f'-c {self.folder}/rspamd.conf'

    def write(self, name, text):
        with open(os.path.join(self.folder, name), 'w', encoding='utf-8') as file:
            file.write(text)

    def answers(self):
        assert self.process.poll() is None, self.log()
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/ping', timeout=2) as answer:
                return answer.read().strip() == b'pong'
        except OSError:
            return False


class StockRspamd(Rspamd):
    """With the rules and modules that Debian's package has, as far as they need no network and no Redis."""

    def configure(self):
        shutil.copytree(os.path.join(UNPACKED, 'etc/rspamd'), self.path('etc'))
        for name, text in STOCK.items():
            self.write(f'etc/override.d/{name}', text.format(port=self.port))
        variables = ('CONFDIR', 'LOCAL_CONFDIR'), ('DBDIR', 'RUNDIR', 'LOGDIR')
        chosen = [f'--var={name}={folder}' for names, folder in zip(variables, (self.path('etc'), self.folder)) for name in names]
        return f'{" ".join(chosen)} -c {self.path("etc/rspamd.conf")}'
