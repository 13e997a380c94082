# The pipeline. Every file is made from the files that it needs, so only what is out of date is
# made again.
# `make help` lists the targets.

# What follows takes what GNU make learned in 4.3; macOS ships 3.81.
ifneq ($(filter 3.% 4.0 4.0.% 4.1 4.1.% 4.2 4.2.%,$(MAKE_VERSION)),)
$(error this is GNU make $(MAKE_VERSION), but the pipeline needs 4.3 or later: install it (on macOS, `brew install make`, and call it as gmake))
endif

# The folder of this file with a '/', or nothing if make works in it. The data and runs of a user
# are in the folder in which make works.
SHARE := $(filter-out ./,$(dir $(lastword $(MAKEFILE_LIST))))
# Not empty if make works in the folder of the sources. An installed copy has none, and its programs
# are in a folder of their own.
sources :=
ifeq ($(wildcard $(SHARE)pipelines/develop.mk),)
BIN     := $(abspath $(SHARE)../../libexec/neuropower)
else
BIN     := $(SHARE)target/release
sources := $(if $(SHARE),,here)
endif
# What a user calls.
me := $(if $(sources),make,neuropower)

# The file $(1) in the folder pipelines of the user, if it is there, or else in that of this file.
in-pipelines = $(firstword $(wildcard pipelines/$(1)) $(SHARE)pipelines/$(1))

include $(SHARE)pipelines/names.mk
include $(SHARE)pipelines/data.mk

$(call check-path,RUN)

# Not empty if make is only asked what it would do: -n, -q, -t.
asking   := $(strip $(foreach flag,n q t,$(findstring $(flag),$(filter-out --%,$(firstword -$(MAKEFLAGS))))))

include $(SHARE)pipelines/query.mk

# A run names its data set, so `make measure RUN=... BOARD=...` is enough.
ifndef DATASET
DATASET := $(or $(if $(RUN),$(call name-in-file,DATASET,$(call query,--run $(RUN) dataset),$(RUN)/explore/search.json)),digits)
endif
PROFILE ?= $(if $(filter digits,$(DATASET)),smoke,laptop)
BOARD   ?= host
RUN     ?= runs/$(DATASET)-$(PROFILE)
WORKERS ?= $(shell getconf _NPROCESSORS_ONLN)
DEVICE  ?= cpu
SEED    ?= 0
# Where the files of devices are.
DEV_FOLDER ?= /dev

PROFILE_FILE ?= $(call in-pipelines,profiles/$(PROFILE).json)
BOARD_FILE   ?= $(call in-pipelines,boards/$(BOARD).json)
DATA         ?= data/$(DATASET)
recipe       := $(wildcard $(call in-pipelines,datasets/$(DATASET).json))

$(foreach variable,DATASET PROFILE BOARD WORKERS SEED NETWORK,$(call check-name,$(variable)))
$(foreach variable,PROFILE_FILE BOARD_FILE DATA BASELINE DEV_FOLDER,$(call check-path,$(variable)))
$(foreach variable,DEVICE BOARD_HOST,$(call check-host,$(variable)))
$(foreach variable,WORKERS SEED,$(call check-digits,$(variable)))
$(call check-count,WORKERS,1024)
$(call check-length,SEED,19)
$(call check-device)
# From the command line only, as in data.mk. Empty for what the run or its profile says.
$(if $(filter environment%,$(origin PRECISION)),$(eval override PRECISION :=))
$(call check-choice,PRECISION,f32 int8 both,f32$(comma) int8 or both)
$(if $(filter environment%,$(origin CAPS)),$(eval override CAPS :=))
$(call check-shares,CAPS)

include $(SHARE)pipelines/engine.mk

# Goals that work in a run, one make at a time.
working := $(filter pipeline explore train prune prune-compare codegen measure report choose $(RUN)/%,$(MAKECMDGOALS))
include $(SHARE)pipelines/state.mk

# The `train` that computes on GPUs lies beside links to the other programs.
TRAIN_BIN := $(if $(filter cuda%,$(DEVICE)),$(SHARE)target/cuda/bin,$(BIN))

.DEFAULT_GOAL := help
ifeq ($(TOGETHER),)
.NOTPARALLEL: # training uses all cores by itself, and nothing may run beside a measurement
endif
.PHONY: help explore train prune prune-compare codegen measure report choose pipeline FORCE

# A user's targets, in the order in which a run needs them.
USED := pipeline data explore train prune codegen measure report choose clean prune-compare
# Lists the targets that have a comment in the files $(1): all, or in their order those named in $(2).
listed = $(if $(2),for target in $(2); do,target='[a-z0-9-]*';) sed -n "s/^\($$target\):.*\#\# /  $(me) \1\t/p" $(addprefix $(SHARE)pipelines/,$(1)) $(if $(2),; done)

help: ## list the targets
	@echo "a run, from data to report:"
	@$(call listed,run.mk choose.mk data-rules.mk clean.mk,$(USED))
ifdef sources
	@echo "programs from the sources:"
	@$(call listed,install.mk)
	@echo "developing:"
	@$(call listed,develop.mk)
else
	@echo "explore to report take at least one variable here, as in neuropower report RUN=$(RUN)"
endif
	@echo "variables: DATASET=$(DATASET) PROFILE=$(PROFILE) BOARD=$(BOARD) RUN=$(RUN) WORKERS=$(WORKERS) DEVICE=$(DEVICE) ENGINE=$(or $(ENGINE),local) SEED=$(SEED) PRECISION=$(or $(PRECISION),$(call query,--run $(RUN) --profile $(PROFILE_FILE) precision))"

include $(SHARE)pipelines/checks.mk
include $(SHARE)pipelines/step.mk
include $(SHARE)pipelines/data-rules.mk
include $(SHARE)pipelines/choose.mk
include $(SHARE)pipelines/clean.mk
ifneq ($(working),)
ifeq ($(ENTERED)$(asking),)
include $(SHARE)pipelines/enter.mk
else
ifneq ($(filter-out choose,$(working)),)
include $(SHARE)pipelines/paths.mk
include $(SHARE)pipelines/run.mk
endif
endif
endif

ifdef sources
include pipelines/install.mk
include pipelines/develop.mk
endif
