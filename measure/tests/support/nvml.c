// A substitute for the NVIDIA driver's library libnvidia-ml.so.1, with one GPU. ENERGY and POWER are
// expressions for the return codes of the two readings: 0 for a value, 3 for "not supported", 15 for
// "GPU is lost". If the current folder has a file `busy`, the clocks are throttled and another
// process is on the GPU; if it has a file `pid`, the process of that number is on it, too.

#include <stdio.h>
#include <string.h>

typedef void *Gpu;
static int gpu, readings;
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, Gpu *device) { *device = &gpu; return index == 0 ? 0 : 2; }
int nvmlDeviceGetName(Gpu device, char *name, unsigned length) { name[0] = 'T'; name[1] = 0; return 0; }
int nvmlDeviceGetTotalEnergyConsumption(Gpu device, unsigned long long *millijoules) {
    readings++;
    *millijoules = 5000000000ull + 600ull * readings;
    return ENERGY;
}
int nvmlDeviceGetPowerUsage(Gpu device, unsigned *milliwatts) { *milliwatts = 2000; return POWER; }
const char *nvmlErrorString(int code) { return "?"; }
struct Process { unsigned pid; unsigned long long bytes; unsigned instance, part; };
static int there(const char *file) { FILE *f = fopen(file, "r"); if (f) fclose(f); return f != 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned length) { strcpy(version, "580.95"); return 0; }
int nvmlDeviceGetClockInfo(Gpu device, int of, unsigned *megahertz) { *megahertz = of == 1 ? 1500 : 2600; return 0; }
int nvmlDeviceGetTemperature(Gpu device, int of, unsigned *celsius) { *celsius = 51; return 0; }
int nvmlDeviceGetCurrentClocksThrottleReasons(Gpu device, unsigned long long *why) { *why = there("busy") ? 5 : 1; return 0; }
int nvmlSystemGetProcessName(unsigned pid, char *name, unsigned length) { strcpy(name, "python3"); return 0; }
int nvmlDeviceGetComputeRunningProcesses_v3(Gpu device, unsigned *count, struct Process *processes) {
    unsigned room = *count, pid = 0;
    FILE *f = fopen("pid", "r");
    if (f) { if (fscanf(f, "%u", &pid) != 1) pid = 0; fclose(f); }
    unsigned pids[2] = { pid, 4242 }, first = pid == 0, n = first + (there("busy") ? 2 - first : 1 - first);
    *count = n - first;
    if (*count > room || !processes) return *count ? 7 : 0;
    for (unsigned i = 0; i < *count; i++) processes[i].pid = pids[first + i];
    return 0;
}
