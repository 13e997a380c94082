"""Compiles programs, named as arguments, with NVRTC from the package nvidia-cuda-nvrtc-cu12, for GPUs of each generation.

Prints one JSON object for each: the version, the architecture, and for each kernel its registers and the bytes that did not
fit into them.
"""

import ctypes
import glob
import json
import re
import site
import sys

ARCHITECTURES = ["sm_75", "sm_80", "sm_90", "sm_100"]

path = glob.glob(site.getsitepackages()[0] + "/nvidia/*/lib/libnvrtc.so.12")[0]
nvrtc = ctypes.CDLL(path)


def check(status, program=None):
    if status:
        sys.exit(f"NVRTC: {status}\n{log(program) if program else ''}")


def log(program):
    size = ctypes.c_size_t()
    check(nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    check(nvrtc.nvrtcGetProgramLog(program, text))
    return text.value.decode()


def compile_for(architecture, source):
    program = ctypes.c_void_p()
    check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None))
    options = [f"--gpu-architecture={architecture}".encode(), b"--std=c++17", b"--ptxas-options=-v"]
    check(nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options)), program)
    said = log(program)
    check(nvrtc.nvrtcDestroyProgram(ctypes.byref(program)))
    return {
        "registers": [int(n) for n in re.findall(r"Used (\d+) registers", said)],
        "spilled": [int(n) for n in re.findall(r"(\d+) bytes spill", said)],
    }


major, minor = ctypes.c_int(), ctypes.c_int()
check(nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
for name in sys.argv[1:]:
    for architecture in ARCHITECTURES:
        found = compile_for(architecture, open(name).read())
        print(json.dumps({"version": f"{major.value}.{minor.value}", "architecture": architecture, **found}), flush=True)
