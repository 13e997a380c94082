# What belongs to one run: its networks, the boards that it is measured on, and where their files
# are.

# A run keeps the profile that it was started with. `make measure` on a finished run takes its
# networks as they are: no search, no training, whatever the times of its files say (they are lost
# when a run is copied from another machine).
ifeq ($(MAKECMDGOALS),measure)
MEASURE_ONLY := $(wildcard $(RUN)/report/index.html)
endif

# final.winners of the profile, or its default
WINNERS  = $(or $(shell sed -n 's/.*"winners": *\([0-9]\{1,3\}\)\([^0-9].*\)\{0,1\}$$/\1/p' $(firstword $(wildcard $(RUN)/profile.json) $(PROFILE_FILE)) 2>/dev/null),3)
RANKS    = $(shell seq $(WINNERS))
PLATFORM := $(call name-in-file,platform,$(shell sed -n 's/.*"platform": *"\([^"]*\)".*/\1/p' '$(BOARD_FILE)' 2>/dev/null),$(BOARD_FILE))
GENOMES  = $(foreach rank,$(RANKS),$(RUN)/explore/winners/$(rank)/genome.json)
TRAININGS = $(foreach rank,$(RANKS),$(RUN)/networks/$(rank)/dense/train.json)
# Folders of trainings that diverged: these networks are neither tested nor pruned, generated or
# measured, and the page says so.
DIVERGED := $(patsubst %/train.json,%,$(call files-below,$(shell grep -Els '"diverged": *true' '$(RUN)'/networks/*/dense/train.json),$(RUN)/networks))
DENSE    = $(filter-out $(DIVERGED),$(foreach rank,$(RANKS),$(RUN)/networks/$(rank)/dense))
PRUNED   = $(patsubst %/dense,%/pruned,$(DENSE))
NETWORKS = $(if $(MEASURE_ONLY),$(filter-out $(DIVERGED) $(DIVERGED:/dense=/pruned),$(patsubst %/weights.safetensors,%,$(call files-below,$(wildcard $(patsubst %,$(RUN)/networks/*/%/weights.safetensors,dense pruned)),$(RUN)/networks))),$(DENSE) $(PRUNED))

# Other ways to prune the network that `make prune-compare` compares them on; the profile's own one
# is l1, or with `paper` kmeans.
NETWORK    ?= 1
OTHER_WAYS = $(addprefix $(RUN)/networks/$(NETWORK)/pruned-,$(if $(filter paper,$(PROFILE)),l1,kmeans) random)
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

ifneq ($(filter pipeline codegen measure report,$(MAKECMDGOALS)),)
ifeq ($(wildcard $(BOARD_FILE)),)
$(error there is no board $(BOARD_FILE); BOARD is one of $(basename $(notdir $(wildcard pipelines/boards/*.json))))
endif
endif

ifndef MEASURE_ONLY
ifneq ($(filter pipeline explore train prune prune-compare codegen measure report,$(MAKECMDGOALS)),)
ifeq ($(wildcard $(PROFILE_FILE)),)
$(error there is no profile $(PROFILE_FILE); PROFILE is one of $(basename $(notdir $(wildcard pipelines/profiles/*.json))))
endif
ifneq ($(wildcard $(RUN)/profile.json),)
ifneq ($(shell cmp -s $(PROFILE_FILE) $(RUN)/profile.json && echo same),same)
$(error $(RUN) was started with another profile than $(PROFILE_FILE): choose another folder with RUN=..., or remove it)
endif
endif
endif
endif
