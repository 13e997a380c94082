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

# The precisions of crates: those asked for now, or last in this run, or else the profile's. What is
# asked for now is recorded if it is something else.
RECORDED   := $(call query,--run $(RUN) --profile $(PROFILE_USED) precision)
PRECISIONS := $(or $(PRECISION),$(RECORDED))
RECORD     := $(if $(filter $(PRECISIONS),$(RECORDED)),,$(RUN)/precision.json)
ifeq ($(PLATFORM),cuda)
ifeq ($(PRECISIONS),int8)
$(error there are no int8 crates for GPUs, such as that of $(BOARD): choose another BOARD, or PRECISION=f32)
endif
$(if $(MAKE_RESTARTS),,$(if $(filter both,$(PRECISIONS)),$(shell echo "there are no int8 crates for GPUs, such as that of $(BOARD): int8 is left out" >&2)))
endif

# An int8 network lies in the folder int8 beside the weights that it is made of. Those that lose too
# much accuracy are refused: they have the file outcome.json alone, and the page says why.
finished  = $(patsubst %/outcome.json,%,$(wildcard $(patsubst %/test.json,%/outcome.json,$(wildcard $(addsuffix /int8/test.json,$(NETWORKS))))))
QUANTIZED = $(if $(and $(filter int8 both,$(PRECISIONS)),$(filter-out cuda,$(or $(PLATFORM),any))),$(if $(MEASURE_ONLY),$(finished),$(addsuffix /int8,$(NETWORKS))))
REFUSED  := $(call files-below,$(patsubst %,$(RUN)/networks/%/int8,$(call query,--run $(RUN) refused)),$(RUN)/networks)
INT8      = $(filter-out $(REFUSED),$(QUANTIZED))

# The network on which `make prune-compare` compares methods of pruning, and the other methods.
NETWORK    ?= 1
OTHER_METHODS = $(addprefix $(RUN)/networks/$(NETWORK)/pruned-,$(filter-out $(METHOD),kmeans l1 random))
# The folders of `make prune-compare CAPS="0.30 0.65"`.
CAPPED     = $(foreach cap,$(CAPS),$(RUN)/networks/$(NETWORK)/pruned-cap-$(cap))
# One figure of all pruned variants of each network.
DRAWN      = $(patsubst %/pruned,%/pruning/accuracy.svg,$(filter %/pruned,$(NETWORKS)))

# Other networks to compare with, trained or not: those in the folder, and one of
# pipelines/baselines by its name.
BASELINES = $(sort $(patsubst %/weights.safetensors,%,$(call files-below,$(wildcard $(RUN)/baselines/*/weights.safetensors),$(RUN)/baselines)) \
              $(if $(BASELINE),$(patsubst $(SHARE)pipelines/%.json,$(RUN)/%,$(wildcard $(SHARE)pipelines/baselines/$(BASELINE).json))))

# Networks that are generated and measured; baselines in f32 only.
GENERATED    = $(if $(filter f32 both,$(PRECISIONS)),$(NETWORKS)) $(INT8) $(BASELINES)
MEASUREMENTS = $(addsuffix /measurement-$(BOARD).json,$(GENERATED))
# A microcontroller's crate is for one board: the memory of that board is in it.
CRATE_DIR    = crate-$(if $(filter cortex-m,$(PLATFORM)),$(BOARD),$(PLATFORM))
# The name of a crate begins with a letter.
CRATE_NAME   = $(if $(filter $(addsuffix %,$(digits)),$(DATASET)),data-)$(DATASET)
MANIFESTS    = $(addsuffix /$(CRATE_DIR)/manifest.json,$(GENERATED))
# What was found out about one's own images when the run was begun.
IMPORTED     = $(if $(recipe),,$(if $(own)$(wildcard $(DATA)/import.json),$(RUN)/import.json))
# Listed here, these files are results and not intermediate files: a missing one is made again.
RESULTS      = $(foreach file,network.json weights.safetensors test.json,$(addsuffix /$(file),$(NETWORKS))) \
               $(foreach file,network.json weights.safetensors,$(addsuffix /$(file),$(BASELINES))) \
               $(addsuffix /outcome.json,$(QUANTIZED)) $(addsuffix /test.json,$(INT8)) \
               $(TRAININGS) $(addsuffix /prune.json,$(PRUNED)) $(DRAWN) $(MANIFESTS) $(MEASUREMENTS)

# Evaluated here, so that what is wrong with them stops make before anything is made.
checked := $(NETWORKS) $(QUANTIZED) $(BASELINES)

ifndef MEASURE_ONLY
ifneq ($(wildcard $(RUN)/profile.json),)
ifneq ($(shell cmp -s $(PROFILE_FILE) $(RUN)/profile.json && echo same),same)
$(error $(RUN) was started with another profile than $(PROFILE_FILE): choose another folder with RUN=..., or remove it)
endif
endif
endif
