// A substitute for the driver's library, libcuda.so.1: the functions that generated crates use, on
// the CPU.
//
// "Code for the GPU" is the path of a library that nvrtc.cpp has built. Work is done when it is
// queued on a stream, or when the graph that has recorded it is launched. Calls that CUDA forbids
// during a recording fail. With GPU_STUB=no-device there is a driver, but no GPU; with
// GPU_STUB=new-device there is a GPU that nvrtc.cpp does not know.

#include "gpu.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <vector>

typedef int Status;
enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_IMAGE = 200, NOT_FOUND = 500, NOT_PERMITTED = 800 };

typedef std::function<void()> Work;
typedef std::vector<Work> Graph;

// Kernels take one structure of 64 bytes by value.
struct Arguments {
    long long words[8];
};

static Graph *recorded;
static size_t allocated;

static Status submit(Work work) {
    if (recorded) {
        recorded->push_back(work);
    } else {
        work();
    }
    return SUCCESS;
}

struct Call {
    void (*kernel)(Arguments);
    Arguments arguments;
};

static void run(const void *call) {
    const Call *of = static_cast<const Call *>(call);
    of->kernel(of->arguments);
}

struct Event {
    std::chrono::steady_clock::time_point time;
    bool has_happened;
};

#define EXPORT extern "C" __attribute__((visibility("default")))

static bool is_stub(const char *what) {
    const char *stub = getenv("GPU_STUB");
    return stub && strcmp(stub, what) == 0;
}

EXPORT Status cuInit(unsigned) { return is_stub("no-device") ? NO_DEVICE : SUCCESS; }
EXPORT Status cuGetErrorString(Status status, const char **text) {
    *text = status == OUT_OF_MEMORY ? "out of memory" : status == NOT_PERMITTED ? "operation not permitted" : "stub";
    return SUCCESS;
}
EXPORT Status cuDeviceGetCount(int *count) { return *count = 1, SUCCESS; }
EXPORT Status cuDeviceGet(int *device, int) { return *device = 0, SUCCESS; }
EXPORT Status cuDeviceGetName(char *name, int length, int) { return strncpy(name, "Stub \"GPU\"", length), SUCCESS; }
// 75 and 76 are the two numbers of the compute capability; there are no memory pools.
EXPORT Status cuDeviceGetAttribute(int *value, int attribute, int) {
    *value = attribute == 75 || (attribute == 76 && is_stub("new-device")) ? 9 : 0;
    return SUCCESS;
}
EXPORT Status cuDevicePrimaryCtxRetain(void **context, int) { return *context = &allocated, SUCCESS; }
EXPORT Status cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
EXPORT Status cuCtxSetCurrent(void *) { return SUCCESS; }
EXPORT Status cuCtxGetCurrent(void **context) { return *context = &allocated, SUCCESS; }
EXPORT Status cuStreamCreate(void **stream, unsigned) { return *stream = &allocated, SUCCESS; }
EXPORT Status cuStreamDestroy_v2(void *) { return SUCCESS; }
EXPORT Status cuStreamSynchronize(void *) { return recorded ? NOT_PERMITTED : SUCCESS; }
EXPORT Status cuStreamWaitEvent(void *, void *, unsigned) { return SUCCESS; }

EXPORT Status cuMemAlloc_v2(void **memory, size_t bytes) {
    if (recorded) return NOT_PERMITTED;
    if (bytes == 0) return INVALID_VALUE;
    if (allocated + bytes > size_t(1) << 26) return OUT_OF_MEMORY;
    allocated += bytes;
    *memory = malloc(bytes);
    return SUCCESS;
}
EXPORT Status cuMemFree_v2(void *memory) { return free(memory), SUCCESS; }
EXPORT Status cuMemHostAlloc(void **memory, size_t bytes, unsigned) {
    return recorded ? NOT_PERMITTED : (*memory = malloc(bytes), SUCCESS);
}
EXPORT Status cuMemFreeHost(void *memory) { return free(memory), SUCCESS; }
EXPORT Status cuMemsetD8Async(void *memory, unsigned char byte, size_t bytes, void *) {
    return submit([=] { memset(memory, byte, bytes); });
}
EXPORT Status cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t bytes, void *) {
    return submit([=] { memcpy(to, from, bytes); });
}
EXPORT Status cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t bytes, void *) {
    return submit([=] { memcpy(to, from, bytes); });
}

EXPORT Status cuEventCreate(void **event, unsigned flags) {
    if (flags != 0 && flags != 2 && flags != 1) return INVALID_VALUE;
    *event = new Event{};
    return SUCCESS;
}
EXPORT Status cuEventDestroy_v2(void *event) { return delete static_cast<Event *>(event), SUCCESS; }
EXPORT Status cuEventSynchronize(void *) { return recorded ? NOT_PERMITTED : SUCCESS; }
EXPORT Status cuEventRecordWithFlags(void *event, void *, unsigned flags) {
    // Events of a graph are external; outside of graphs there are no external events.
    if ((flags == 1) != (recorded != nullptr)) return INVALID_VALUE;
    Event *of = static_cast<Event *>(event);
    return submit([=] { *of = {std::chrono::steady_clock::now(), true}; });
}
EXPORT Status cuEventElapsedTime(float *ms, void *from, void *to) {
    const Event *start = static_cast<Event *>(from), *end = static_cast<Event *>(to);
    if (!start->has_happened || !end->has_happened) return INVALID_VALUE;
    *ms = std::chrono::duration<float, std::milli>(end->time - start->time).count();
    return SUCCESS;
}

EXPORT Status cuModuleLoadData(void **module, const void *path) {
    if (recorded) return NOT_PERMITTED;
    *module = dlopen(static_cast<const char *>(path), RTLD_NOW | RTLD_LOCAL);
    return *module ? SUCCESS : INVALID_IMAGE;
}
EXPORT Status cuModuleUnload(void *module) { return dlclose(module), SUCCESS; }
EXPORT Status cuModuleGetFunction(void **function, void *module, const char *name) {
    if (recorded) return NOT_PERMITTED;
    *function = dlsym(module, name);
    return *function ? SUCCESS : NOT_FOUND;
}
EXPORT Status cuLaunchKernel(void *kernel, unsigned blocks, unsigned images, unsigned z, unsigned threads, unsigned y,
                             unsigned depth, unsigned bytes, void *, void **parameters, void **) {
    if (z != 1 || y != 1 || depth != 1 || blocks == 0 || images == 0 || images > 65535) return INVALID_VALUE;
    Call call{reinterpret_cast<void (*)(Arguments)>(kernel), *static_cast<Arguments *>(parameters[0])};
    return submit([=] { launch(run, &call, blocks, images, threads, bytes / sizeof(float), Order{0}); });
}

EXPORT Status cuStreamBeginCapture_v2(void *, int) {
    if (recorded) return NOT_PERMITTED;
    recorded = new Graph;
    return SUCCESS;
}
EXPORT Status cuStreamEndCapture(void *, void **graph) {
    if (!recorded) return NOT_PERMITTED;
    *graph = recorded;
    recorded = nullptr;
    return SUCCESS;
}
EXPORT Status cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long) {
    *executable = new Graph(*static_cast<Graph *>(graph));
    return SUCCESS;
}
EXPORT Status cuGraphLaunch(void *executable, void *) {
    for (const Work &work : *static_cast<Graph *>(executable)) work();
    return SUCCESS;
}
EXPORT Status cuGraphExecDestroy(void *executable) { return delete static_cast<Graph *>(executable), SUCCESS; }
EXPORT Status cuGraphDestroy(void *graph) { return delete static_cast<Graph *>(graph), SUCCESS; }
