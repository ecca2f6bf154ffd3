"""One run: a fresh server, a warm-up, the load, and what both cost until the server has nothing left to do."""
import json
import os
import subprocess
import time

from comparison.apart import BUILD, TOP, Watch
from comparison.servers import MAILBOXES

LOAD = os.path.join(BUILD, 'smtp_load')
SCENARIOS = os.path.join(TOP, 'bench/scenarios')
WARM_UP = 2 # seconds
PERCENTILES = {'p50_ms': 'p50', 'p90_ms': 'p90', 'p99_ms': 'p99', 'max_ms': 'max'}
TICK = os.sysconf('SC_CLK_TCK')


def busy():
    """Seconds of processor time that anything on this machine used."""
    with open('/proc/stat', encoding='utf-8') as file:
        fields = [int(word) for word in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK # without idle and iowait


def words_for(case, how, server):
    """The end of the load, and where it goes. A case that ends by itself and isn't idle has a number of messages."""
    words = ['--scenario', os.path.join(SCENARIOS, case.name + '.scenario'), '--quiet']
    if case.name != 'refuse':
        words += ['--to', ','.join(MAILBOXES)]
    if case.endless:
        words += ['--seconds', str(how.seconds)]
    elif case.end_to_end:
        words += ['--messages', str(how.messages)]
    elif how.idle:
        words += ['--sessions', str(how.idle)]
    return words + [server.address()]


def load(words, json_file, within):
    done = subprocess.run([LOAD, *words, '--json', json_file], capture_output=True, text=True, timeout=within)
    assert done.returncode in (0, 1), f'smtp_load {" ".join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}'
    with open(json_file, encoding='utf-8') as file:
        return json.load(file)


def warm_up(case, server, json_file):
    """So that processes are started, caches filled and the files have grown."""
    if not case.endless and not case.end_to_end:
        return
    words = words_for(case, type('', (), {'seconds': WARM_UP, 'messages': 200}), server)
    load(words, json_file, 300)
    server.apart.wait_quiet()


def wait_delivered(server, count, within=600):
    """When the last message came to lie in its Maildir."""
    deadline = time.monotonic() + within
    while server.delivered() < count:
        assert time.monotonic() < deadline, f'{server.name}: {server.delivered()} of {count} messages were delivered'
        time.sleep(0.02)
    return time.monotonic()


def run(case, server, how):
    """The metrics of one run, and everything that the load generator wrote."""
    apart = server.apart
    json_file = apart.path('load.json')
    warm_up(case, server, json_file)
    delivered = server.delivered()
    flushes, disk, cpu, all_cpu, began = sum(apart.flushes().values()), apart.disk_flushes(), apart.cpu(), busy(), time.monotonic()
    with Watch(apart) as watch:
        found = load(words_for(case, how, server), json_file, how.seconds + 600)
        seconds = wait_delivered(server, delivered + found['done']) - began if case.end_to_end else found['seconds']
        ended = time.monotonic()
    others = busy() - all_cpu - (apart.cpu() - cpu) - found['client_cpu']
    left = apart.wait_quiet()
    done = max(1, found['done'])
    times = found['nanoseconds']['final_reply'] if found['nanoseconds']['final_reply']['count'] else found['nanoseconds']['whole']
    metrics = {
        'done': found['done'], 'failed': found['failed'], 'rate': found['done'] / seconds if seconds else 0,
        'cpu_us': (apart.cpu() - cpu) / done * 1e6, 'client_cpu_us': found['client_cpu'] / done * 1e6,
        'first_reply_ms': found['nanoseconds']['connect_to_220']['max'] / 1e6,
        'own_mib': watch.own / 2**20, 'resident_mib': watch.resident / 2**20, 'own_before_mib': watch.own_before / 2**20,
        'session_kib': max(0, watch.own - watch.own_before) / 1024 / done,
        'flushes': (sum(apart.flushes().values()) - flushes) / done,
        'resumed': found['resumed'] / found['offered'] if found['offered'] else 0,
        'quiet_after_s': left, 'others_cpus': max(0, others) / max(0.001, ended - began), 'load_average': os.getloadavg()[0],
        **{name: times[key] / 1e6 for name, key in PERCENTILES.items()},
    }
    if disk is not None:
        metrics['disk_flushes'] = (apart.disk_flushes() - disk) / done
    return {'metrics': metrics, 'load': found}
