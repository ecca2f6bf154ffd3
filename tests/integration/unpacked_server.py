"""A server of somebody else's in a folder of its own, unpacked and never installed. It is started and ended here; a subclass knows how it
answers."""
import os
import shutil
import signal
import subprocess
import tempfile

from clients import UNPACKED
from deadline import PATIENCE, until


class UnpackedServer:
    name = ''  # for messages

    def __init__(self, mode=0o755):
        self.folder = tempfile.mkdtemp(prefix=f'{self.name.lower()}-test-')
        os.chmod(self.folder, mode)
        self.process = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def launch(self, command, output=subprocess.DEVNULL, errors=None, before=()):
        """It looks for its parts below /usr: they are laid over it, for this process alone. Commands `before` it see them."""
        overlay = ' && '.join([f'mount -t overlay overlay -o lowerdir={UNPACKED}/usr:/usr /usr', *before, f'exec {command}'])
        apart = ['unshare', '--mount'] if os.geteuid() == 0 else ['unshare', '--map-root-user', '--mount']
        self.process = subprocess.Popen([*apart, 'sh', '-c', overlay], stdout=output, stderr=errors)
        try:
            until(self.name, self.answers)
        except BaseException:
            print(self.log())
            self.__exit__()
            raise

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.process = None

    def __exit__(self, *_):
        if self.process:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        path = os.path.join(self.folder, 'log')
        if not os.path.exists(path):
            return ''
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
