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
	@echo "building the programs: some minutes, the first time" >&2
	@cargo build --release --workspace --bins $(INTO)
	@touch $(BINARIES)

# Installs CUDA's compiler below target/, once; needs no GPU.
build-cuda: target/cuda/bin/train ## build `train` for NVIDIA GPUs (DEVICE=cuda)

target/cuda/bin/train: $(SOURCES) .ci/build-cuda .ci/cuda-toolkit
	.ci/build-cuda
	@touch $@

# The manual pages and the completions of shells.
target/help-files/share: $(SOURCES) tests/help_files.rs tests/Cargo.toml
	cargo build --release --workspace --bin help-files --features tests/help-files $(INTO)
	@rm -rf $(@D) && target/release/help-files $@.new && mv $@.new $@

PREFIX ?= /usr/local
# A shell may leave the ~ to make.
override PREFIX := $(patsubst ~/%,$(HOME)/%,$(PREFIX:~=$(HOME)))
ifneq ($(filter install uninstall,$(MAKECMDGOALS)),)
$(foreach variable,PREFIX DESTDIR,$(call check-path,$(variable)))
$(if $(filter /%,$(PREFIX)),,$(error PREFIX is '$(PREFIX)', but it must be a path from the root, such as ~/.local))
endif
VERSION   = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
ARCHIVE   = target/neuropower-$(VERSION)-$(shell uname -m).tar.gz
make-tree = @sh pipelines/install/tree.sh $(1) $(BIN) target/help-files/share

.PHONY: install uninstall dist

install: $(BINARIES) target/help-files/share ## install neuropower below PREFIX (/usr/local), such as PREFIX=~/.local
	$(call make-tree,target/install)
	@sh pipelines/install/put.sh target/install $(DESTDIR)$(PREFIX)
	@rm -rf target/install

uninstall: ## remove what make install has put below PREFIX
	@sh pipelines/install/remove.sh $(DESTDIR)$(PREFIX)

# The same files make the same archive: the time is that of the commit.
dist: $(BINARIES) target/help-files/share ## write an archive of the installed files, which runs in any folder
	$(call make-tree,$(ARCHIVE:%.tar.gz=%))
	@tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$$(git log -1 --format=%ct 2>/dev/null || echo 0) \
	  -C $(dir $(ARCHIVE)) -cf - $(notdir $(ARCHIVE:%.tar.gz=%)) | gzip -n9 >$(ARCHIVE).new
	@mv $(ARCHIVE).new $(ARCHIVE) && rm -rf $(ARCHIVE:%.tar.gz=%)
	@echo $(ARCHIVE)
