"""Runs checks: time limits, verdicts, a line for each, and the file of results."""

import json
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

SCHEMA = "neuropower/gpu-first-run/1"


class NotRun(Exception):
    """The reason why a check cannot be made here."""


class Failed(Exception):
    """The reason why a check failed."""


class CutShort(BaseException):
    """A signal ended the run."""


@dataclass
class Check:
    """One check. `make(run, figures)` fills `figures` as it goes, and returns whether the bar is
    met (None without a bar) and a sentence."""

    name: str
    bar: Optional[str]
    limit_s: float
    make: Callable


class Run:
    """A run of checks in the folder that tests/gpu/prepare has built."""

    def __init__(self, folder, arguments):
        self.folder, self.arguments = folder, arguments
        self.python, self.nvml_library = arguments.python, arguments.nvml_library
        self.out, self.only = arguments.out.resolve(), arguments.only
        self.kit = json.loads((folder / "kit.json").read_text())
        # Measurements take this share of their usual time.
        self.scale = self.kit["scale"]
        self.began = time.monotonic()
        self.ends = self.began + arguments.limit_s
        self.check_ends = self.ends
        self.children = []
        self.scratch = Path(tempfile.mkdtemp(prefix="first-run-"))
        self.environment = dict(os.environ)
        # Measured by one check and used by later ones.
        self.shared = {}
        self.results = {
            "schema": SCHEMA,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "kit": self.kit,
            "gpu": None,
            "ended": "cut short",
            "checks": [],
        }

    def all(self, checks):
        """Makes the checks. Returns the exit code: 1 if a check failed or missed its bar, or if the
        run was cut short."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.cut_short)
        chosen = [check for check in checks if not self.only or check.name in self.only]
        # Every check is in the file from the start, so that a run that is cut short shows what is missing.
        self.results["checks"] = [
            {"name": check.name, "bar": check.bar, "verdict": "not run", "reason": "the run was cut short",
             "seconds": 0.0, "figures": {}} for check in chosen
        ]
        try:
            self.add_cuda_libraries()
            for check, result in zip(chosen, self.results["checks"]):
                self.one(check, result)
                self.write()
            self.results["ended"] = "complete"
        except CutShort as signal_name:
            print(f"stopped by {signal_name}; the results so far are in {self.out}", file=sys.stderr)
        finally:
            self.stop_children()
            self.write()
            shutil.rmtree(self.scratch, ignore_errors=True)
        verdicts = [result["verdict"] for result in self.results["checks"]]
        print(f"{verdicts.count('met')} met, {verdicts.count('missed')} missed, {verdicts.count('failed')} failed, "
              f"{verdicts.count('not run')} not run: {self.out}", flush=True)
        bad = {"missed", "failed"} & set(verdicts) or self.results["ended"] != "complete"
        return 1 if bad else 0

    def one(self, check, result):
        started = time.monotonic()
        self.check_ends = min(started + check.limit_s, self.ends)
        figures = result["figures"]
        try:
            if self.remaining() < 5:
                raise NotRun("no time was left")
            met, sentence = check.make(self, figures)
            verdict = {None: "done", True: "met", False: "missed"}[met]
        except NotRun as reason:
            verdict, sentence = "not run", str(reason)
        except Failed as reason:
            verdict, sentence = "failed", str(reason)
        except (subprocess.SubprocessError, OSError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            verdict, sentence = "failed", f"{type(error).__name__}: {error}"
        finally:
            self.stop_children()
        result.update(verdict=verdict, reason=sentence, seconds=round(time.monotonic() - started, 1))
        print(f"{self.elapsed():6.1f} s  {verdict:8} {check.name}: {sentence}", flush=True)

    def elapsed(self):
        """Returns the seconds since the start."""
        return time.monotonic() - self.began

    def remaining(self):
        """Returns the seconds that the current check has left."""
        return self.check_ends - time.monotonic()

    def cut_short(self, number, _frame):
        raise CutShort(signal.Signals(number).name)

    def write(self):
        """Writes the results, whole or not at all."""
        partial = self.out.with_name(self.out.name + ".partial")
        partial.write_text(json.dumps(self.results, indent=2) + "\n")
        os.replace(partial, self.out)

    def add_cuda_libraries(self):
        """Adds the folders of PyTorch's CUDA libraries to LD_LIBRARY_PATH."""
        find = ("import glob, os, sys\n"
                "folders = {os.path.dirname(f) for p in sys.path for n in ('libcublas.so.13', 'libcurand.so.10', 'libnvrtc.so.1[23]')\n"
                "           for f in glob.glob(os.path.join(p, 'nvidia', '*', 'lib', n))}\n"
                "print(':'.join(sorted(folders)))")
        found = subprocess.run([self.python, "-c", find], capture_output=True, text=True, check=False).stdout.strip()
        known = self.environment.get("LD_LIBRARY_PATH", "")
        self.environment["LD_LIBRARY_PATH"] = ":".join(part for part in (known, found) if part)

    def start(self, command, **options):
        """Starts a program in a process group of its own."""
        environment = {**self.environment, **options.pop("environment", {})}
        child = subprocess.Popen([str(word) for word in command], env=environment, start_new_session=True,
                                 text=True, **options)
        self.children.append(child)
        return child

    def finish(self, child):
        """Waits for a program within the check's time. Returns its exit code, stdout and stderr."""
        try:
            out, errors = child.communicate(timeout=max(self.remaining(), 0.1))
        except subprocess.TimeoutExpired:
            self.stop(child)
            raise Failed(f"it took longer than its limit: {' '.join(Path(str(word)).name for word in child.args[:3])}") from None
        self.children.remove(child)
        return child.returncode, out or "", errors or ""

    def command(self, command, **options):
        """Runs a program to its end. Returns its exit code, stdout and stderr."""
        return self.finish(self.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options))

    def must(self, command, **options):
        """Returns the stdout of a program that must succeed."""
        code, out, errors = self.command(command, **options)
        if code != 0:
            raise Failed(f"{Path(str(command[0])).name} ended with {code}: {last_line(errors or out)}")
        return out

    def stop(self, child):
        """Ends a program and its children."""
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
        if child in self.children:
            self.children.remove(child)

    def stop_children(self):
        for child in list(self.children):
            self.stop(child)

    def needs_torch(self):
        """Ends the check where PyTorch is missing."""
        if "torch" not in self.shared:
            code, out, _ = self.command([self.python, "-c", "import torch; print(torch.__version__, torch.cuda.is_available())"])
            self.shared["torch"] = out.split() if code == 0 else None
        version = self.shared["torch"]
        if not version:
            raise NotRun(f"{self.python} has no PyTorch")
        if version[1] != "True":
            raise NotRun(f"PyTorch {version[0]} finds no GPU")
        return version[0]

    def needs_program(self, name):
        """Returns the path of a program for GPUs; ends the check if it is not in the folder. Such
        programs are 60 MB of kernels each, which the folder has packed."""
        packed, path = self.folder / f"bin/{name}.xz", self.scratch / name
        if not packed.exists():
            raise NotRun(f"the folder was prepared without {name} for GPUs")
        if not path.exists():
            with lzma.open(packed) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
            path.chmod(0o755)
        return path


def last_line(text):
    """Returns the last line of a text that is not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no output"


def median(values):
    """Returns the median."""
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
