"""A PyTorch process that answers requests (torch_peer.py)."""

import json
import select
import subprocess

from .run import Failed


class Peer:
    def __init__(self, run, network, variant, *options):
        self.run = run
        command = [run.python, run.folder / "torch_peer.py", "--network", network, "--variant", variant, *options]
        self.child = run.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def ask(self, request):
        self.child.stdin.write(json.dumps(request) + "\n")
        self.child.stdin.flush()

    def answer(self):
        ready, _, _ = select.select([self.child.stdout], [], [], max(self.run.remaining(), 0.1))
        line = self.child.stdout.readline() if ready else ""
        if not line:
            self.run.stop(self.child)
            raise Failed("PyTorch did not answer in time" if not ready else "the PyTorch process ended")
        return json.loads(line)

    def get(self, request):
        """Returns the answer to a request that must succeed."""
        self.ask(request)
        answer = self.answer()
        if answer["error"]:
            raise Failed(f"PyTorch: {answer['error']}")
        return answer

    def close(self):
        self.run.stop(self.child)
