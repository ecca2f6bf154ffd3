"""The client of rspamd against a real rspamd: what it is told arrives as it was meant, and its score comes back."""
import os
import subprocess

from deadline import PATIENCE
from rspamd import Rspamd
from server import BINARY


def test_a_real_rspamd_is_understood():
    builds = os.path.dirname(os.path.dirname(BINARY))
    programs = [os.path.join(builds, build, 'test_server') for build in (os.path.basename(os.path.dirname(BINARY)), 'asan')]
    program = next(filter(os.path.exists, programs), None)  # scripts/test builds it with the sanitizers alone
    assert program, f'none of {programs} is built'
    with Rspamd() as rspamd:
        done = subprocess.run([program, '[real-rspamd]'], capture_output=True, text=True, timeout=PATIENCE,
                              env={**os.environ, 'POSTERN_TEST_RSPAMD': f'127.0.0.1:{rspamd.port}'})
        assert done.returncode == 0, done.stdout + rspamd.log()
        assert 'All tests passed' in done.stdout, done.stdout
