// Runs kernels on the CPU, one block after the other, in several orders that reveal missing
// barriers.
//
// Each CUDA thread is a context, which runs until it comes to a barrier. Shared memory holds NaN
// when a block begins, so that a read before the write shows in the result; so does memory that
// another thread has overwritten, if that thread ran first. The order decides which one does:
// results must be the same in every order.

#include "gpu.h"

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <ucontext.h>
#include <vector>

constexpr int MAX_SHARED = 12 << 10, MAX_THREADS = 1024, STACK = 64 << 10, WARP = 32;
constexpr uint32_t UNTOUCHED = 0x7fc0dead;  // a NaN that no computation makes

Index threadIdx, blockIdx;
extern float shared[];
float shared[MAX_SHARED + 1024];

void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static bool is_untouched(const float &x) { return memcmp(&x, &UNTOUCHED, sizeof x) == 0; }

enum State { READY, AT_WARP_BARRIER, AT_BLOCK_BARRIER, DONE };

// One block of threads. They are started with `swapcontext`, but continue with `_longjmp`, which
// needs no system call.
class Block {
    static inline ucontext_t start_of_scheduler, starts[MAX_THREADS];
    static inline jmp_buf scheduler, threads_at[MAX_THREADS];
    static inline bool started[MAX_THREADS];
    static inline std::vector<char> stacks = std::vector<char>(static_cast<size_t>(MAX_THREADS) * STACK);
    static inline State states[MAX_THREADS];
    static inline int current;
    static inline void (*kernel)(const void *);
    static inline const void *arguments;

    static void start() {
        kernel(arguments);
        states[current] = DONE;
        _longjmp(scheduler, 1);
    }

    static void resume(int thread) {
        current = thread;
        threadIdx = {static_cast<unsigned>(thread), 0, 0};
        if (_setjmp(scheduler) != 0) return;
        if (started[thread]) _longjmp(threads_at[thread], 1);
        started[thread] = true;
        swapcontext(&start_of_scheduler, &starts[thread]);
    }

    // Resumes a warp's threads once all of them wait for each other.
    static bool release_warp(int first, int threads) {
        const int end = std::min(first + WARP, threads);
        const int waiting = std::count(states + first, states + end, AT_WARP_BARRIER);
        if (waiting == 0) return false;
        if (waiting != end - first) fail("some threads of a warp are at a barrier that others do not come to");
        std::fill(states + first, states + end, READY);
        return true;
    }

public:
    static void wait(State at) {
        states[current] = at;
        if (_setjmp(threads_at[current]) == 0) _longjmp(scheduler, 1);
    }

    static void run(void (*run_kernel)(const void *), const void *with, int threads, int floats, Order order) {
        kernel = run_kernel;
        arguments = with;
        if (threads > MAX_THREADS || threads % WARP != 0 || floats > MAX_SHARED) fail("no GPU can launch this");
        for (float &x : shared) memcpy(&x, &UNTOUCHED, sizeof x);
        for (int thread = 0; thread < threads; thread++) {
            getcontext(&starts[thread]);
            starts[thread].uc_stack.ss_sp = &stacks[static_cast<size_t>(thread) * STACK];
            starts[thread].uc_stack.ss_size = STACK;
            makecontext(&starts[thread], start, 0);
            started[thread] = false;
            states[thread] = READY;
        }
        std::vector<int> turns(threads);
        std::iota(turns.begin(), turns.end(), 0);
        if (order.backwards()) std::reverse(turns.begin(), turns.end());
        std::mt19937 random(order.number);
        while (std::count(states, states + threads, DONE) != threads) {
            if (order.shuffled()) std::shuffle(turns.begin(), turns.end(), random);
            int ran = -1;
            for (int thread : turns) {
                if (states[thread] == READY && (!order.greedy() || ran < 0 || thread / WARP == ran / WARP)) {
                    ran = thread;
                    resume(thread);
                }
            }
            bool released = false;
            for (int warp = 0; warp < threads; warp += WARP) {
                if (std::count(states + warp, states + warp + WARP, READY) == 0) released |= release_warp(warp, threads);
            }
            if (ran >= 0 || released) continue;
            const int waiting = std::count(states, states + threads, AT_BLOCK_BARRIER);
            if (waiting != threads) fail("some threads of a block are at a barrier that others do not come to");
            std::fill(states, states + threads, READY);
        }
        for (size_t i = floats; i < sizeof shared / sizeof *shared; i++) {
            if (!is_untouched(shared[i])) fail("a block writes behind its shared memory");
        }
    }
};

void __syncwarp() { Block::wait(AT_WARP_BARRIER); }
void __syncthreads() { Block::wait(AT_BLOCK_BARRIER); }

void launch(void (*kernel)(const void *), const void *arguments, int blocks, int images, int threads, int floats,
            Order order) {
    for (int turn = 0; turn < blocks * images; turn++) {
        const int block = order.backwards() ? blocks * images - 1 - turn : turn;
        blockIdx = {static_cast<unsigned>(block % blocks), static_cast<unsigned>(block / blocks), 0};
        Block::run(kernel, arguments, threads, floats, order);
    }
}
