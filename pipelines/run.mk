# How the files of one run (paths.mk) are made: data -> search -> training -> pruning -> crates ->
# measurements -> report. A program writes a whole file or none, so what an interruption leaves is
# kept (.PRECIOUS).

ifneq ($(RECORD),)
# Comes before all other work, so that an interrupted run knows it.
$(working): | $(RECORD)

$(RECORD): FORCE
	@mkdir -p $(@D)
	@rm -f $@.partial-*
	@echo '{"schema": "neuropower/precision/1", "precision": "$(PRECISIONS)"}' > $@.partial-$$$$ && mv $@.partial-$$$$ $@
endif

pipeline: report ## make everything, from data to report

.PRECIOUS: $(RESULTS) $(GENOMES) $(RUN)/explore/archive.json $(RUN)/profile.json $(IMPORTED) $(RUN)/report/index.html

explore: $(GENOMES) ## search the design space
train: $(TRAININGS) $(addsuffix /test.json,$(DENSE)) ## train the winners in full
prune: $(foreach file,prune.json test.json,$(addsuffix /$(file),$(PRUNED))) ## prune the winners
prune-compare: ## prune one winner (NETWORK=1) by all methods, or with CAPS="0.30 0.65"
codegen: $(MANIFESTS) ## write all networks as Rust crates
measure: $(MEASUREMENTS) report ## measure the crates on BOARD, also again; trains nothing
report: $(RUN)/report/index.html ## write the page and print the table
	@echo "the page: $<"

ifneq ($(DIVERGED),)
ifeq ($(strip $(NETWORKS)),)
# Fails last, after the page that shows it has been written.
pipeline prune codegen measure:
	@echo "all trainings in $(RUN)/networks diverged: start another run (RUN=...) with a smaller training.learning_rate in the profile" >&2; exit 1
endif
endif

ifndef MEASURE_ONLY

# Keeps a copy of the file $(1) in the run.
define KEEP
@mkdir -p $(@D)
@rm -f $@.partial-*
@cp $(1) $@.partial-$$$$ && mv $@.partial-$$$$ $@
endef

$(RUN)/profile.json: | $(RECORD) $(PROFILE_FILE)
	$(call KEEP,$(PROFILE_FILE))

$(RUN)/import.json: | $(DATA)/dataset.json
	$(call KEEP,$(DATA)/import.json)

at-once = $(if $(or $(slurm),$(filter slurm --engine=slurm,$(EXPLORE_ARGS))),$(asked-workers:%=--workers %),--workers $(WORKERS))

# An interrupted search is resumed.
$(GENOMES) $(RUN)/explore/archive.json &: $(RUN)/profile.json $(DATA)/dataset.json | $(IMPORTED) \
    $(addprefix $(BIN)/,explore codegen measure) $(TRAIN_BIN)/train
	@$(call step,explore) $(BIN)/explore run --bin-dir $(TRAIN_BIN) --device $(DEVICE) --config $(RUN)/profile.json --dataset $(DATA) --out $(RUN)/explore --seed $(SEED) \
	  $(at-once) $(ENGINE_OPTIONS) $(EXPLORE_ARGS) $(if $(wildcard $(RUN)/explore/search.json),--resume)

$(RUN)/networks/%/dense/network.json $(RUN)/networks/%/dense/weights.safetensors $(RUN)/networks/%/dense/train.json: \
    $(RUN)/explore/winners/%/genome.json | $(TRAIN_BIN)/train
	@$(call step,train,$(RUN)/networks/$*/dense/train.json,$(TRAININGS)) $(call task,$(RUN)/networks/$*/dense/train.json) $(TRAIN_BIN)/train fit --device $(DEVICE) --genome $< --dataset $(DATA) \
	  --config $(RUN)/profile.json --seed $(SEED) --resume --out $(RUN)/networks/$*/dense

# An included file that depends on all trainings: make trains the winners, then reads its rules
# again and knows which of them diverged. Then another one depends on all quantizations, of which
# some may be refused. Left out if make is only asked what it would do (-n, -q, -t).
ifneq ($(filter pipeline train prune prune-compare codegen measure report,$(MAKECMDGOALS)),)
ifeq ($(asking),)
include $(state).trained.mk
ifneq ($(and $(slurm),$(MAKE_RESTARTS),$(filter-out explore train,$(MAKECMDGOALS))),)
include $(state).pruned.mk
endif
ifneq ($(and $(if $(slurm),$(filter-out 1,$(MAKE_RESTARTS)),$(MAKE_RESTARTS)),$(filter pipeline codegen measure report,$(MAKECMDGOALS))),)
include $(state).quantized.mk
endif
endif
endif

ifneq ($(slurm),)
# With a cluster, calls of make of their own make all trainings at the same time, and then, once it
# is known which have diverged, all prunings.
$(state).trained.mk: $(GENOMES) $(if $(MAKE_RESTARTS),,FORCE)
	+@mkdir -p $(@D) && $(call together,$(TRAININGS)) echo "# All winners are trained." > $@

$(state).pruned.mk: $(state).trained.mk
	+@$(call together,$(addsuffix /prune.json,$(PRUNED)) $(if $(filter prune-compare,$(MAKECMDGOALS)),$(COMPARED))) echo "# All winners are pruned." > $@
else
# Written each time before something is quantized, so that make reads its rules again.
$(state).trained.mk: $(TRAININGS) $(if $(MAKE_RESTARTS),,$(if $(QUANTIZED),FORCE))
	@mkdir -p $(@D) && echo "# All winners are trained." > $@
endif

$(state).quantized.mk: $(addsuffix /weights.safetensors,$(NETWORKS)) $(addsuffix /outcome.json,$(QUANTIZED))
	@mkdir -p $(@D) && echo "# All networks are quantized, or refused." > $@

# Prunes a dense network with its weights, the first two prerequisites, into the folder $(1).
PRUNE = $(call task,$(1)/prune.json) $(BIN)/prune run --bin-dir $(TRAIN_BIN) --device $(DEVICE) --network $(word 1,$^) --weights $(word 2,$^) --dataset $(DATA) --config $(RUN)/profile.json \
          --seed $(SEED) --out $(1) $(PRUNE_ARGS)

$(RUN)/networks/%/pruned/network.json $(RUN)/networks/%/pruned/weights.safetensors $(RUN)/networks/%/pruned/prune.json: \
    $(RUN)/networks/%/dense/network.json $(RUN)/networks/%/dense/weights.safetensors | $(BIN)/prune $(TRAIN_BIN)/train
	@$(call step,prune,$(RUN)/networks/$*/pruned,$(PRUNED)) $(call PRUNE,$(RUN)/networks/$*/pruned)

$(RUN)/networks/$(NETWORK)/pruned-%/prune.json: \
    $(RUN)/networks/$(NETWORK)/dense/network.json $(RUN)/networks/$(NETWORK)/dense/weights.safetensors | $(BIN)/prune $(TRAIN_BIN)/train
	@$(call compare,$(@D)/prune.json) $(call PRUNE,$(@D)) --method $*

$(RUN)/networks/$(NETWORK)/pruned-cap-%/prune.json: \
    $(RUN)/networks/$(NETWORK)/dense/network.json $(RUN)/networks/$(NETWORK)/dense/weights.safetensors | $(BIN)/prune $(TRAIN_BIN)/train
	@$(call compare,$(@D)/prune.json) $(call PRUNE,$(@D)) --cap $*

# Trains the pruned structure on as many images as all fine-tuning took.
$(RUN)/networks/%/pruned/scratch/train.json: $(RUN)/networks/%/pruned/prune.json | $(BIN)/prune $(TRAIN_BIN)/train
	@$(call compare,$@) $(call task,$@) $(BIN)/prune scratch --bin-dir $(TRAIN_BIN) --device $(DEVICE) --from $(<D) --dataset $(DATA) --config $(RUN)/profile.json

# Beside the stages: what `make prune-compare` makes.
COMPARED = $(if $(strip $(CAPS)),$(addsuffix /prune.json,$(CAPPED)),$(addsuffix /prune.json,$(OTHER_METHODS)) $(RUN)/networks/$(NETWORK)/pruned/scratch/train.json)
compare  = $(call step,prune-compare,$(1),$(COMPARED))

ifeq ($(strip $(CAPS)),)
prune-compare: $(addsuffix /prune.json,$(OTHER_METHODS)) $(RUN)/networks/$(NETWORK)/pruned/scratch/train.json
	@$(BIN)/prune figures $(RUN)/networks/$(NETWORK)/pruned $(OTHER_METHODS) --out $(RUN)/networks/$(NETWORK)/pruning
else
prune-compare: $(RUN)/networks/$(NETWORK)/pruned/prune.json $(addsuffix /prune.json,$(CAPPED))
	@$(BIN)/prune figures $(RUN)/networks/$(NETWORK)/pruned $(CAPPED) --out $(RUN)/networks/$(NETWORK)/pruning
endif

# A refusal is an outcome and no failure. The outcome is written last; without it, or if one of the
# files beside it was lost, all are made again.
$(RUN)/networks/%/int8/outcome.json: $(RUN)/networks/%/network.json $(RUN)/networks/%/weights.safetensors | $(BIN)/train
	@$(call step,quantize,$@,$(addsuffix /outcome.json,$(QUANTIZED))) $(BIN)/train quantize --network $(word 1,$^) --weights $(word 2,$^) --dataset $(DATA) --config $(RUN)/profile.json \
	  --out $(@D) --outcome $@

$(foreach network,$(INT8),$(if $(word 2,$(wildcard $(network)/quantized.safetensors $(network)/quantization.json)),,$(eval $(network)/outcome.json: FORCE)))

tested = $(call step,test,$@,$(addsuffix /test.json,$(NETWORKS) $(INT8)))

# The test set is read here and nowhere else, and on the CPU whatever device trained.
$(RUN)/networks/%/int8/test.json: $(RUN)/networks/%/network.json $(RUN)/networks/%/int8/outcome.json | $(BIN)/train
	@$(tested) $(BIN)/train eval --network $(word 1,$^) --quantized $(@D) --dataset $(DATA) --split test --out $@

$(RUN)/networks/%/test.json: $(RUN)/networks/%/network.json $(RUN)/networks/%/weights.safetensors | $(BIN)/train
	@$(tested) $(BIN)/train eval --network $(word 1,$^) --weights $(word 2,$^) --dataset $(DATA) --split test --out $@

endif

$(RUN)/networks/%/pruning/accuracy.svg: $(RUN)/networks/%/pruned/prune.json \
    $(call files-below,$(wildcard $(addprefix $(RUN)/networks/*/,pruned-*/prune.json pruned*/scratch/train.json)),$(RUN)/networks) | $(BIN)/prune
	@$(call step,prune,,,--quiet) $(BIN)/prune figures $(<D) $(patsubst %/prune.json,%,$(call files-below,$(wildcard $(RUN)/networks/$*/pruned-*/prune.json),$(RUN)/networks)) \
	  --out $(@D)

# A crate's README has the accuracy, so the network is tested first; baselines are not tested.
# `wildcard` would not see a file that this make has made.
existing = $(shell ls $(1) 2>/dev/null)
ifndef MEASURE_ONLY
$(foreach network,$(NETWORKS) $(INT8),$(eval $(network)/$(CRATE_DIR)/manifest.json: | $(network)/test.json))
endif

generated = $(call step,codegen,$@,$(MANIFESTS))

$(RUN)/%/$(CRATE_DIR)/manifest.json: $(RUN)/%/network.json $(RUN)/%/weights.safetensors | $(BIN)/codegen
	@$(generated) $(BIN)/codegen generate --network $(word 1,$^) --weights $(word 2,$^) --platform $(PLATFORM) \
	  --board $(BOARD_FILE) --out $(RUN)/$*/$(CRATE_DIR) --name $(CRATE_NAME)-$(subst /,-,$(patsubst networks/%,%,$*)) --samples $(DATA) \
	  $(addprefix --test ,$(call existing,$(RUN)/$*/test.json)) \
	  $(addprefix --train ,$(firstword $(call existing,$(RUN)/$*/prune.json $(RUN)/$*/train.json)))

$(RUN)/%/int8/$(CRATE_DIR)/manifest.json: $(RUN)/%/network.json $(RUN)/%/int8/outcome.json | $(BIN)/codegen
	@$(generated) $(BIN)/codegen generate --network $(word 1,$^) --quantized $(RUN)/$*/int8 --platform $(PLATFORM) \
	  --board $(BOARD_FILE) --out $(RUN)/$*/int8/$(CRATE_DIR) --name $(CRATE_NAME)-$(subst /,-,$(patsubst networks/%,%,$*))-int8 --samples $(DATA) \
	  $(addprefix --test ,$(call existing,$(RUN)/$*/int8/test.json)) \
	  $(addprefix --train ,$(firstword $(call existing,$(RUN)/$*/prune.json $(RUN)/$*/train.json)))

$(RUN)/baselines/%/network.json: | $(BIN)/explore
	@$(call step,codegen,,,--quiet) $(BIN)/explore network --baseline $* --dataset $(DATA) --out $@

# The weights are initial ones; a training into this folder replaces them.
$(RUN)/baselines/%/weights.safetensors: | $(RUN)/baselines/%/network.json $(BIN)/train
	@$(call step,codegen,,,--quiet) $(BIN)/train init --network $(RUN)/baselines/$*/network.json --out $@

# `make measure` always measures again.
$(RUN)/%/measurement-$(BOARD).json: \
    $(RUN)/%/$(CRATE_DIR)/manifest.json $(if $(filter measure,$(MAKECMDGOALS)),FORCE) | $(BIN)/measure
	@$(call step,measure,$@,$(MEASUREMENTS)) $(BIN)/measure run --crate $(<D) --board $(BOARD_FILE) --config $(RUN)/profile.json --out $@ \
	  $(if $(BOARD_HOST),--board-host '$(BOARD_HOST)') $(MEASURE_ARGS)

# With BASELINE=NAME the page also compares all networks with one of them.
$(RUN)/report/index.html: $(RESULTS) $(or $(RECORD),$(wildcard $(RUN)/precision.json)) $(if $(BASELINE),FORCE) | $(BIN)/report
	@$(call step,report,,,--table) $(BIN)/report --run $(RUN) --out $(RUN)/report $(if $(BASELINE),--baseline $(BASELINE))
