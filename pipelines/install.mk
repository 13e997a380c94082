# From the sources to the programs: building and installing them. An installed copy does not have this
# file.

# The commit that programs are built from, which they write beside times and hosts; empty outside of
# git. Only the `main.rs` files read it.
export NEUROPOWER_COMMIT := $(if $(wildcard .git),$(shell git rev-parse HEAD 2>/dev/null && { git diff --quiet HEAD 2>/dev/null || echo -changed; }))
override NEUROPOWER_COMMIT := $(subst $(space),,$(strip $(NEUROPOWER_COMMIT)))

# Overrides CARGO_TARGET_DIR, because the rules name these programs.
INTO     := --target-dir target
BINARIES := $(addprefix $(BIN)/,explore train prune codegen measure report fetch-data neuropower)
# Templates, boards and baselines are compiled in too.
SOURCES   = $(shell find common explore train prune codegen measure pipelines/src pipelines/boards pipelines/baselines pipelines/published -type f) \
            pipelines/Cargo.toml Cargo.toml Cargo.lock rust-toolchain.toml .cargo/config.toml

# A build that fails keeps the programs of the build before it.
.PRECIOUS: $(BINARIES)
.PHONY: build build-cuda

build: $(BINARIES) ## build the programs

$(BINARIES) &: $(SOURCES)
	cargo build --release --workspace --bins $(INTO)
	@touch $(BINARIES)

# Installs CUDA's compiler below target/, once; needs no GPU.
build-cuda: target/cuda/bin/train ## build `train` for NVIDIA GPUs (DEVICE=cuda)

target/cuda/bin/train: $(SOURCES) .ci/build-cuda .ci/cuda-toolkit
	.ci/build-cuda
	@touch $@
