// Enough of a GPU to build kernels for the processor; `gpu.cpp` runs them.
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

// In which order threads and blocks take their turns.
struct Order {
    int number;
    bool backwards() const { return number % 2 == 1; }
    // Whether a warp goes on alone until it comes to a barrier of the block.
    bool greedy() const { return number / 2 % 2 == 1; }
    bool shuffled() const { return number >= 4; }
};

// Runs a kernel's blocks, for each of some images.
void launch(void (*kernel)(const void *), const void *arguments, int blocks, int images, int threads, int floats,
            Order order);

[[noreturn]] void fail(const char *what);
