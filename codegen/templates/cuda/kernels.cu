// The kernels. They are specialised to a network by template parameters; NVRTC compiles what the
// network needs when the program starts. They keep to what C++ and CUDA C++ have in common, so that
// tests can run them without a GPU.
//
// Tensors are planar f32 (channels, rows, columns) without gaps. blockIdx.y counts the images of a
// batch.

// The arguments of a kernel.
struct Arguments {
    const float *from;     // the first image's input
    long long from_step;   // from one image's input to the next one's
    float *to;             // likewise the output
    long long to_step;
    const float *norm;     // batch normalisation: all scales, then all shifts
    const float *weights;
    const float *bias;
    int channels;          // of the input
    int filters;           // channels of the output
};

constexpr int LANES = 32;  // threads of a warp
constexpr int THREADS = 256;  // threads of a block whose threads do not work together
constexpr int REDUCERS = 128;  // threads of a block that makes one number

extern __shared__ float shared[];

// The activations, each below zero and from zero on.

struct Relu {
    static __device__ float negative(float) { return 0.0f; }
    static __device__ float positive(float x) { return x; }
};

struct Elu {
    static __device__ float negative(float x) { return expm1f(x); }
    static __device__ float positive(float x) { return x; }
};

struct Sigmoid {
    static __device__ float negative(float x) {
        const float e = expf(x);
        return e / (1.0f + e);
    }
    static __device__ float positive(float x) { return 1.0f / (1.0f + expf(-x)); }
};

struct Tanh {
    static __device__ float negative(float x) { return tanhf(x); }
    static __device__ float positive(float x) { return tanhf(x); }
};

struct Swish {
    static __device__ float negative(float x) {
        const float e = expf(x);
        return x * e / (1.0f + e);
    }
    static __device__ float positive(float x) { return x / (1.0f + expf(-x)); }
};

struct Selu {
    static __device__ float negative(float x) { return 1.7580993408473766f * expm1f(x); }
    static __device__ float positive(float x) { return 1.0507009873554805f * x; }
};

struct Linear {
    static __device__ float negative(float x) { return x; }
    static __device__ float positive(float x) { return x; }
};

template <class Left, class Right>
struct Piecewise {
    static __device__ float apply(float x) {
        return x < 0.0f ? Left::negative(x) : Right::positive(x);
    }
};

struct Identity {
    static __device__ float apply(float x) { return x; }
};

template <bool NORM>
__device__ float normalised(const Arguments &a, int channel, float x) {
    return NORM ? x * a.norm[channel] + a.norm[a.channels + channel] : x;
}

__device__ inline const float *input(const Arguments &a) {
    return a.from + blockIdx.y * a.from_step;
}
__device__ inline float *output(const Arguments &a) { return a.to + blockIdx.y * a.to_step; }
__device__ inline int thread() { return static_cast<int>(threadIdx.x); }
__device__ inline int block() { return static_cast<int>(blockIdx.x); }
__device__ inline int element() { return block() * THREADS + thread(); }

__device__ constexpr int divided_up(int a, int b) { return (a + b - 1) / b; }

// Convolution with "same" padding, without bias, of an input that is normalised and activated on
// the way in.
//
// A block computes GROUP filters at 32 positions, one for each lane of a warp. The warps share the
// input's channels: each processes every WARPS-th one. It writes the window that the tile needs,
// and the channel's weights, to shared memory, and sums up the channel's contribution; in the end
// the sums of all warps are added. The next channel is loaded from memory meanwhile.
//
// The weights have PACKED filters side by side, (channel, row, column, filter), then the next
// PACKED filters.
template <class Activation, bool NORM, int HEIGHT, int WIDTH, int KERNEL, int STRIDE, int TILE_HEIGHT, int TILE_WIDTH,
          int PACKED, int GROUP, int WARPS>
struct Convolution {
    static constexpr int OUT_HEIGHT = (HEIGHT - 1) / STRIDE + 1;
    static constexpr int OUT_WIDTH = (WIDTH - 1) / STRIDE + 1;
    static constexpr int TILES_ACROSS = divided_up(OUT_WIDTH, TILE_WIDTH);
    static constexpr int TILES = TILES_ACROSS * divided_up(OUT_HEIGHT, TILE_HEIGHT);
    static constexpr int WINDOW_HEIGHT = (TILE_HEIGHT - 1) * STRIDE + KERNEL;
    static constexpr int WINDOW_WIDTH = (TILE_WIDTH - 1) * STRIDE + KERNEL;
    static constexpr int WINDOW = WINDOW_HEIGHT * WINDOW_WIDTH;
    static constexpr int TAPS = KERNEL * KERNEL, WEIGHTS = TAPS * GROUP;

    // The values of a channel that a lane has loaded.
    float values[divided_up(WINDOW, LANES)];
    float weights[divided_up(WEIGHTS, LANES)];

    // Returns the offset in the input's plane of a place in the window; negative in the padding.
    static __device__ int place(int index, int first_row, int first_column) {
        const int row = first_row + index / WINDOW_WIDTH;
        const int column = first_column + index % WINDOW_WIDTH;
        const bool inside =
            row >= 0 && row < HEIGHT && column >= 0 && column < WIDTH && index < WINDOW;
        return inside ? row * WIDTH + column : -1;
    }

    __device__ void fetch(const float *plane, const float *packed, int first_row, int first_column,
                          int lane) {
#pragma unroll
        for (int i = 0; i < divided_up(WINDOW, LANES); i++) {
            const int at = place(lane + i * LANES, first_row, first_column);
            values[i] = at >= 0 ? plane[at] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < divided_up(WEIGHTS, LANES); i++) {
            const int index = lane + i * LANES;
            weights[i] = index < WEIGHTS ? packed[index / GROUP * PACKED + index % GROUP] : 0.0f;
        }
    }

    __device__ void lay_out(const Arguments &a, int channel, int first_row, int first_column,
                            int lane, float *window) {
#pragma unroll
        for (int i = 0; i < divided_up(WINDOW, LANES); i++) {
            const int index = lane + i * LANES;
            const bool inside = place(index, first_row, first_column) >= 0;
            const float x =
                inside ? Activation::apply(normalised<NORM>(a, channel, values[i])) : 0.0f;
            if (index < WINDOW) window[index] = x;
        }
#pragma unroll
        for (int i = 0; i < divided_up(WEIGHTS, LANES); i++) {
            const int index = lane + i * LANES;
            if (index < WEIGHTS) window[WINDOW + index] = weights[i];
        }
    }

    static __device__ void run(const Arguments &a) {
        const int warp = thread() / LANES, lane = thread() % LANES;
        const int tile = block() % TILES, filter = block() / TILES * GROUP;
        const int top = tile / TILES_ACROSS * TILE_HEIGHT, left = tile % TILES_ACROSS * TILE_WIDTH;
        const int first_row = top * STRIDE - KERNEL / 2, first_column = left * STRIDE - KERNEL / 2;
        const float *packed =
            a.weights + filter / PACKED * PACKED * TAPS * a.channels + filter % PACKED;
        float *window = shared + warp * (WINDOW + WEIGHTS);
        const float *corner =
            window + lane / TILE_WIDTH * STRIDE * WINDOW_WIDTH + lane % TILE_WIDTH * STRIDE;
        float sums[GROUP] = {};
        Convolution fetched;
        if (warp < a.channels) {
            const float *plane = input(a) + warp * HEIGHT * WIDTH;
            fetched.fetch(plane, packed + warp * TAPS * PACKED, first_row, first_column, lane);
        }
        for (int channel = warp; channel < a.channels; channel += WARPS) {
            fetched.lay_out(a, channel, first_row, first_column, lane, window);
            const int next = channel + WARPS;
            if (next < a.channels) {
                const float *plane = input(a) + next * HEIGHT * WIDTH;
                fetched.fetch(plane, packed + next * TAPS * PACKED, first_row, first_column, lane);
            }
            __syncwarp();
#pragma unroll
            for (int tap = 0; tap < TAPS; tap++) {
                const float x = corner[tap / KERNEL * WINDOW_WIDTH + tap % KERNEL];
#pragma unroll
                for (int i = 0; i < GROUP; i++) sums[i] += x * window[WINDOW + tap * GROUP + i];
            }
            __syncwarp();
        }
        // Until all warps are done with this memory.
        __syncthreads();
        for (int i = 0; i < GROUP; i++) shared[(warp * GROUP + i) * LANES + lane] = sums[i];
        __syncthreads();
        for (int index = thread(); index < GROUP * LANES; index += WARPS * LANES) {
            float sum = 0.0f;
            for (int i = 0; i < WARPS; i++) sum += shared[i * GROUP * LANES + index];
            const int channel = filter + index / LANES, position = index % LANES;
            const int row = top + position / TILE_WIDTH, column = left + position % TILE_WIDTH;
            if (channel < a.filters && row < OUT_HEIGHT && column < OUT_WIDTH) {
                output(a)[(channel * OUT_HEIGHT + row) * OUT_WIDTH + column] = sum;
            }
        }
    }
};

// Normalisation and activation alone.
template <class Activation, bool NORM, int PLANE>
struct NormActivation {
    static __device__ void run(const Arguments &a) {
        const int i = element();
        if (i < a.channels * PLANE) {
            output(a)[i] = Activation::apply(normalised<NORM>(a, i / PLANE, input(a)[i]));
        }
    }
};

// Adds the normalised input to the output, then applies an activation.
template <class Activation, bool NORM, int PLANE>
struct Add {
    static __device__ void run(const Arguments &a) {
        const int i = element();
        if (i < a.channels * PLANE) {
            output(a)[i] =
                Activation::apply(output(a)[i] + normalised<NORM>(a, i / PLANE, input(a)[i]));
        }
    }
};

// The first of every few rows and columns, then channels of zeros.
template <int HEIGHT, int WIDTH, int STRIDE>
struct Shortcut {
    static __device__ void run(const Arguments &a) {
        constexpr int OUT_HEIGHT = (HEIGHT - 1) / STRIDE + 1, OUT_WIDTH = (WIDTH - 1) / STRIDE + 1;
        const int i = element();
        if (i >= a.filters * OUT_HEIGHT * OUT_WIDTH) return;
        const int channel = i / (OUT_HEIGHT * OUT_WIDTH);
        const int row = i / OUT_WIDTH % OUT_HEIGHT, column = i % OUT_WIDTH;
        const int from = (channel * HEIGHT + row * STRIDE) * WIDTH + column * STRIDE;
        output(a)[i] = channel < a.channels ? input(a)[from] : 0.0f;
    }
};

// Averages of squares that do not overlap; rows and columns that do not fill a square are left out.
template <class Activation, bool NORM, int HEIGHT, int WIDTH, int SIZE>
struct AveragePool {
    static __device__ void run(const Arguments &a) {
        constexpr int OUT_HEIGHT = HEIGHT / SIZE, OUT_WIDTH = WIDTH / SIZE;
        const int i = element();
        if (i >= a.channels * OUT_HEIGHT * OUT_WIDTH) return;
        const int channel = i / (OUT_HEIGHT * OUT_WIDTH);
        const int row = i / OUT_WIDTH % OUT_HEIGHT, column = i % OUT_WIDTH;
        const float *from = input(a) + (channel * HEIGHT + row * SIZE) * WIDTH + column * SIZE;
        float sum = 0.0f;
        for (int y = 0; y < SIZE; y++) {
            for (int x = 0; x < SIZE; x++) {
                sum += Activation::apply(normalised<NORM>(a, channel, from[y * WIDTH + x]));
            }
        }
        output(a)[i] = sum * (1.0f / (SIZE * SIZE));
    }
};

struct Sum {
    static __device__ float start() { return 0.0f; }
    static __device__ float both(float a, float b) { return a + b; }
};

struct Larger {
    static __device__ float start() { return -3.402823466e38f; }
    static __device__ float both(float a, float b) { return fmaxf(a, b); }
};

// Reduces the numbers of all threads to one, which thread 0 gets.
template <class Both>
__device__ float together(float number) {
    shared[thread()] = number;
    for (int half = REDUCERS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (thread() < half) {
            shared[thread()] = Both::both(shared[thread()], shared[thread() + half]);
        }
    }
    return shared[thread()];
}

// Reduces all positions of a channel to one number; each block computes a channel.
template <class Activation, bool NORM, int PLANE, class Both>
__device__ float pooled(const Arguments &a) {
    const int channel = block();
    float total = Both::start();
    for (int i = thread(); i < PLANE; i += REDUCERS) {
        total = Both::both(
            total, Activation::apply(normalised<NORM>(a, channel, input(a)[channel * PLANE + i])));
    }
    return together<Both>(total);
}

template <class Activation, bool NORM, int PLANE>
struct GlobalAveragePool {
    static __device__ void run(const Arguments &a) {
        const float sum = pooled<Activation, NORM, PLANE, Sum>(a);
        if (thread() == 0) output(a)[block()] = sum / PLANE;
    }
};

template <class Activation, bool NORM, int PLANE>
struct GlobalMaxPool {
    static __device__ void run(const Arguments &a) {
        const float largest = pooled<Activation, NORM, PLANE, Larger>(a);
        if (thread() == 0) output(a)[block()] = largest;
    }
};

// A fully connected layer; each block computes an output.
struct Dense {
    static __device__ void run(const Arguments &a) {
        float sum = 0.0f;
        for (int i = thread(); i < a.channels; i += REDUCERS) {
            sum += a.weights[block() * a.channels + i] * input(a)[i];
        }
        sum = together<Sum>(sum);
        if (thread() == 0) output(a)[block()] = sum + a.bias[block()];
    }
};

template <int LENGTH>
struct Copy {
    static __device__ void run(const Arguments &a) {
        if (element() < LENGTH) output(a)[element()] = input(a)[element()];
    }
};
