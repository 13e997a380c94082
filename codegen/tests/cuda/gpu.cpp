// Runs kernels on the processor, one block after the other, in orders that show what is missing.
//
// Each CUDA thread is a context of its own, which runs until it comes to a barrier. Shared memory holds NaN when a block
// begins, so that what is read before it is written shows in the result; so does what another thread has overwritten,
// if that thread ran first. Which one does is up to the order: results must be the same in each.
//
//   run CONSTANTS IMAGES OUTPUT BATCH ENOUGH ORDER
//
// BATCH images go together; of a call's launches the first one is taken that has ENOUGH blocks for them, else the last.

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

constexpr int MAX_SHARED = 12 << 10, MAX_THREADS = 1024, STACK = 64 << 10, WARP = 32;
constexpr uint32_t UNTOUCHED = 0x7fc0dead;  // a NaN that no computation makes

Index threadIdx, blockIdx;
float shared[MAX_SHARED + 1024];

[[noreturn]] static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static bool is_untouched(const float &x) { return memcmp(&x, &UNTOUCHED, sizeof x) == 0; }

enum State { READY, AT_WARP_BARRIER, AT_BLOCK_BARRIER, DONE };

// In which order threads and blocks take their turns.
struct Order {
    int number;
    bool backwards() const { return number % 2 == 1; }
    // Whether a warp goes on alone until it comes to a barrier of the block.
    bool greedy() const { return number / 2 % 2 == 1; }
    bool shuffled() const { return number >= 4; }
};

// One block of threads. They are started with `swapcontext`, but go on with `_longjmp`, which asks nothing of the kernel.
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

    // Lets a warp's threads go on that all wait for each other.
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

// Runs a kernel's blocks, for each of some images.
static void launch(void (*kernel)(const void *), const void *arguments, int blocks, int images, int threads, int floats,
                   Order order) {
    for (int turn = 0; turn < blocks * images; turn++) {
        const int block = order.backwards() ? blocks * images - 1 - turn : turn;
        blockIdx = {static_cast<unsigned>(block % blocks), static_cast<unsigned>(block / blocks), 0};
        Block::run(kernel, arguments, threads, floats, order);
    }
}

// Memory of the GPU, NaN until something is written, with a margin on either side that nobody may write to.
class Memory {
    static constexpr size_t MARGIN = 4096;
    std::vector<float> floats;

public:
    explicit Memory(size_t length) : floats(length + 2 * MARGIN) {
        for (float &x : floats) memcpy(&x, &UNTOUCHED, sizeof x);
    }
    float *begin() { return floats.data() + MARGIN; }
    size_t length() const { return floats.size() - 2 * MARGIN; }
    void check() const {
        for (size_t i = 0; i < MARGIN; i++) {
            if (!is_untouched(floats[i]) || !is_untouched(floats[floats.size() - 1 - i])) fail("a kernel writes where nothing of its is");
        }
    }
};

static std::vector<float> read(const char *name) {
    FILE *file = fopen(name, "rb");
    if (!file) fail("cannot read a file");
    fseek(file, 0, SEEK_END);
    std::vector<float> floats(ftell(file) / sizeof(float));
    rewind(file);
    if (fread(floats.data(), sizeof(float), floats.size(), file) != floats.size()) fail("cannot read a file");
    fclose(file);
    return floats;
}

int main(int argc, char **argv) {
    if (argc != 7) fail("it takes six arguments");
    const std::vector<float> constants = read(argv[1]), images = read(argv[2]);
    const long long batch = atoll(argv[4]), enough = atoll(argv[5]);
    const Order order{atoi(argv[6])};
    FILE *out = fopen(argv[3], "wb");
    if (!out) fail("cannot write");
    Memory weights(constants.size()), image(IMAGE_LEN * batch), arena(ARENA_LEN * batch), logits(CLASSES * batch);
    std::copy(constants.begin(), constants.end(), weights.begin());
    float *begins[] = {image.begin(), arena.begin(), logits.begin()};
    const long long steps[] = {IMAGE_LEN, ARENA_LEN, CLASSES};
    const auto constant = [&](long long at) { return at < 0 ? nullptr : weights.begin() + at; };
    for (size_t first = 0; first + image.length() <= images.size(); first += image.length()) {
        std::copy_n(images.begin() + first, image.length(), image.begin());
        for (const Call &call : calls) {
            const Launch *chosen = &call.launches.back();
            for (const Launch &launch : call.launches) {
                if (launch.blocks * batch >= enough) {
                    chosen = &launch;
                    break;
                }
            }
            const Arguments arguments{begins[call.from.where] + call.from.offset, steps[call.from.where],
                                      begins[call.to.where] + call.to.offset,     steps[call.to.where],
                                      constant(call.norm), constant(call.weights), constant(call.bias),
                                      call.channels, call.filters};
            launch(chosen->kernel, &arguments, chosen->blocks, static_cast<int>(batch), chosen->threads, chosen->shared,
                   order);
        }
        fwrite(logits.begin(), sizeof(float), logits.length(), out);
    }
    for (const Memory *memory : {&weights, &image, &arena, &logits}) memory->check();
    return fclose(out);
}
