// Runs a network's calls in the same order as a generated crate.
//
//   run CONSTANTS IMAGES OUTPUT BATCH ENOUGH ORDER
//
// BATCH images are run together, by the first launch of a call that has ENOUGH blocks for them,
// else by the last launch.

#include "network.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

constexpr uint32_t UNTOUCHED = 0x7fc0beef;  // a NaN that no computation makes

static bool is_untouched(const float &x) { return memcmp(&x, &UNTOUCHED, sizeof x) == 0; }

// Memory of the GPU: NaN at first, with a margin on either side that must not be written.
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
