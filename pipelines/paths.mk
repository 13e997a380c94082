# The files of one run: its networks, and the boards on which they are measured.

# A run keeps the profile that it was started with. `make measure` on a finished run takes its
# networks as they are: it neither searches nor trains, whatever the times of the files (copying a
# run from another machine loses them).
ifeq ($(MAKECMDGOALS),measure)
MEASURE_ONLY := $(wildcard $(RUN)/report/index.html)
endif

# What the rules depend on in the profile and in the board's file.
PROFILE_USED := $(firstword $(wildcard $(RUN)/profile.json) $(PROFILE_FILE))
SETTINGS := $(call query,--profile $(PROFILE_USED) winners method)
RANKS    := $(shell seq $(word 1,$(SETTINGS)))
METHOD   := $(word 2,$(SETTINGS))
PLATFORM := $(if $(filter pipeline codegen measure report $(RUN)/%,$(working)),$(call query,--board $(BOARD_FILE) platform))
GENOMES  = $(foreach rank,$(RANKS),$(RUN)/explore/winners/$(rank)/genome.json)
TRAININGS = $(foreach rank,$(RANKS),$(RUN)/networks/$(rank)/dense/train.json)
# Folders of trainings that diverged. These networks are not tested, pruned, generated or measured,
# and the page says so.
DIVERGED := $(call files-below,$(addprefix $(RUN)/networks/,$(call query,--run $(RUN) diverged)),$(RUN)/networks)
DENSE    = $(filter-out $(DIVERGED),$(foreach rank,$(RANKS),$(RUN)/networks/$(rank)/dense))
PRUNED   = $(patsubst %/dense,%/pruned,$(DENSE))
NETWORKS = $(if $(MEASURE_ONLY),$(filter-out $(DIVERGED) $(DIVERGED:/dense=/pruned),$(patsubst %/weights.safetensors,%,$(call files-below,$(wildcard $(patsubst %,$(RUN)/networks/*/%/weights.safetensors,dense pruned)),$(RUN)/networks))),$(DENSE) $(PRUNED))

# The network on which `make prune-compare` compares methods of pruning, and the other methods.
NETWORK    ?= 1
OTHER_METHODS = $(addprefix $(RUN)/networks/$(NETWORK)/pruned-,$(filter-out $(METHOD),kmeans l1 random))
# One figure of all pruned variants of each network.
DRAWN      = $(patsubst %/pruned,%/pruning/accuracy.svg,$(filter %/pruned,$(NETWORKS)))

# Other networks to compare with, trained or not: those in the folder, and one of
# pipelines/baselines by its name.
BASELINES = $(sort $(patsubst %/weights.safetensors,%,$(call files-below,$(wildcard $(RUN)/baselines/*/weights.safetensors),$(RUN)/baselines)) \
              $(if $(BASELINE),$(patsubst pipelines/%.json,$(RUN)/%,$(wildcard pipelines/baselines/$(BASELINE).json))))

MEASUREMENTS = $(addsuffix /measurement-$(BOARD).json,$(NETWORKS) $(BASELINES))
# A microcontroller's crate is for one board: the memory of that board is in it.
CRATE_DIR    = crate-$(if $(filter cortex-m,$(PLATFORM)),$(BOARD),$(PLATFORM))
# The name of a crate begins with a letter.
CRATE_NAME   = $(if $(filter $(addsuffix %,$(digits)),$(DATASET)),data-)$(DATASET)
MANIFESTS    = $(addsuffix /$(CRATE_DIR)/manifest.json,$(NETWORKS) $(BASELINES))
# What was found out about one's own images when the run was begun.
IMPORTED     = $(if $(recipe),,$(if $(own)$(wildcard $(DATA)/import.json),$(RUN)/import.json))
# Listed here, these files are results and not intermediate files: a missing one is made again.
RESULTS      = $(foreach file,network.json weights.safetensors test.json,$(addsuffix /$(file),$(NETWORKS))) \
               $(foreach file,network.json weights.safetensors,$(addsuffix /$(file),$(BASELINES))) \
               $(TRAININGS) $(addsuffix /prune.json,$(PRUNED)) $(DRAWN) $(MANIFESTS) $(MEASUREMENTS)

# Evaluated here, so that what is wrong with them stops make before anything is made.
checked := $(NETWORKS) $(BASELINES)

ifndef MEASURE_ONLY
ifneq ($(wildcard $(RUN)/profile.json),)
ifneq ($(shell cmp -s $(PROFILE_FILE) $(RUN)/profile.json && echo same),same)
$(error $(RUN) was started with another profile than $(PROFILE_FILE): choose another folder with RUN=..., or remove it)
endif
endif
endif
