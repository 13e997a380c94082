// Enough of a GPU to build kernels for the processor; `gpu.cpp` runs them.
#pragma once

#include <math.h>
#include <vector>

#define __global__
#define __device__
#define __shared__
#define __launch_bounds__(threads)

struct Index {
    unsigned x, y, z;
};

extern Index threadIdx, blockIdx;
extern float shared[];

void __syncwarp();
void __syncthreads();

#include "kernels.cu"

struct Launch {
    void (*kernel)(const void *);
    int blocks, threads, shared;
};

enum Where { IMAGE, ARENA, LOGITS };

struct Place {
    Where where;
    long long offset;
};

// A step of a network, with the ways to run it.
struct Call {
    Place from, to;
    long long norm, weights, bias;
    int channels, filters;
    std::vector<Launch> launches;
};

// What a network's source has.
extern const long long IMAGE_LEN, ARENA_LEN, CLASSES;
extern const std::vector<Call> calls;
