# What belongs to one run: its networks, the boards that it is measured on, and where their files
# are.

# A run keeps the profile that it was started with. `make measure` on a finished run takes its
# networks as they are: no search, no training, whatever the times of its files say (they are lost
# when a run is copied from another machine).
ifeq ($(MAKECMDGOALS),measure)
MEASURE_ONLY := $(wildcard $(RUN)/report/index.html)
endif

# What the rules depend on, in the profile and in the board's file.
PROFILE_USED := $(firstword $(wildcard $(RUN)/profile.json) $(PROFILE_FILE))
RANKS    := $(shell seq $(call query,--profile $(PROFILE_USED) winners))
METHOD   := $(call query,--profile $(PROFILE_USED) method)
PLATFORM := $(if $(filter pipeline codegen measure report $(RUN)/%,$(working)),$(call query,--board $(BOARD_FILE) platform))
GENOMES  = $(foreach rank,$(RANKS),$(RUN)/explore/winners/$(rank)/genome.json)
TRAININGS = $(foreach rank,$(RANKS),$(RUN)/networks/$(rank)/dense/train.json)
# Folders of trainings that diverged: these networks are neither tested nor pruned, generated or
# measured, and the page says so.
DIVERGED := $(call files-below,$(addprefix $(RUN)/networks/,$(call query,--run $(RUN) diverged)),$(RUN)/networks)
DENSE    = $(filter-out $(DIVERGED),$(foreach rank,$(RANKS),$(RUN)/networks/$(rank)/dense))
PRUNED   = $(patsubst %/dense,%/pruned,$(DENSE))
NETWORKS = $(if $(MEASURE_ONLY),$(filter-out $(DIVERGED) $(DIVERGED:/dense=/pruned),$(patsubst %/weights.safetensors,%,$(call files-below,$(wildcard $(patsubst %,$(RUN)/networks/*/%/weights.safetensors,dense pruned)),$(RUN)/networks))),$(DENSE) $(PRUNED))

# Other methods to prune the network that `make prune-compare` compares them on.
NETWORK    ?= 1
OTHER_WAYS = $(addprefix $(RUN)/networks/$(NETWORK)/pruned-,$(filter-out $(METHOD),kmeans l1 random))
# All ways of each network that are there, in one figure.
DRAWN      = $(patsubst %/pruned,%/pruning/accuracy.svg,$(filter %/pruned,$(NETWORKS)))

# Other networks to compare with, trained or not: those that somebody put there, and one of
# pipelines/baselines by its name.
BASELINES = $(sort $(patsubst %/weights.safetensors,%,$(call files-below,$(wildcard $(RUN)/baselines/*/weights.safetensors),$(RUN)/baselines)) \
              $(if $(BASELINE),$(patsubst pipelines/%.json,$(RUN)/%,$(wildcard pipelines/baselines/$(BASELINE).json))))

MEASUREMENTS = $(addsuffix /measurement-$(BOARD).json,$(NETWORKS) $(BASELINES))
# A microcontroller's crate is for one board: the memory of that board is in it.
CRATE_DIR    = crate-$(if $(filter cortex-m,$(PLATFORM)),$(BOARD),$(PLATFORM))
MANIFESTS    = $(addsuffix /$(CRATE_DIR)/manifest.json,$(NETWORKS) $(BASELINES))
# Named here, they are results that a missing one of is made again, not intermediate files.
RESULTS      = $(foreach file,network.json weights.safetensors test.json,$(addsuffix /$(file),$(NETWORKS))) \
               $(foreach file,network.json weights.safetensors,$(addsuffix /$(file),$(BASELINES))) \
               $(TRAININGS) $(addsuffix /prune.json,$(PRUNED)) $(DRAWN) $(MANIFESTS) $(MEASUREMENTS)

# What is wrong with these is said before anything is made.
checked := $(NETWORKS) $(BASELINES)

ifndef MEASURE_ONLY
ifneq ($(wildcard $(RUN)/profile.json),)
ifneq ($(shell cmp -s $(PROFILE_FILE) $(RUN)/profile.json && echo same),same)
$(error $(RUN) was started with another profile than $(PROFILE_FILE): choose another folder with RUN=..., or remove it)
endif
endif
endif
