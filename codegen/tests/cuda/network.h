// A network's calls of kernels.
#pragma once

#include "gpu.h"

#include <vector>

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

// The definitions in a network's source.
extern const long long IMAGE_LEN, ARENA_LEN, CLASSES;
extern const std::vector<Call> calls;
