// The parts of CUDA that are needed to build kernels for the CPU; `gpu.cpp` runs them.
#pragma once

#include <math.h>

#define __global__
#define __device__
#define __shared__
#define __launch_bounds__(threads)

struct Index {
    unsigned x, y, z;
};

extern Index threadIdx, blockIdx;

void __syncwarp();
void __syncthreads();

// The order in which threads and blocks run.
struct Order {
    int number;
    bool backwards() const { return number % 2 == 1; }
    // Whether a warp runs alone until it comes to a barrier of the block.
    bool greedy() const { return number / 2 % 2 == 1; }
    bool shuffled() const { return number >= 4; }
};

// Runs the blocks of a kernel for each image.
void launch(void (*kernel)(const void *), const void *arguments, int blocks, int images, int threads, int floats,
            Order order);

[[noreturn]] void fail(const char *what);
