# How the files of one run (paths.mk) are made: data -> search -> training -> pruning -> crates ->
# measurements -> report. All programs write whole files or none, so nothing that an interruption
# leaves is deleted (.PRECIOUS).

pipeline: report ## everything, from data to report

.PRECIOUS: $(RESULTS) $(GENOMES) $(RUN)/explore/archive.json $(RUN)/profile.json $(RUN)/report/index.html

explore: $(GENOMES) ## search the design space
train: $(TRAININGS) $(addsuffix /test.json,$(DENSE)) ## train the winners in full
prune: $(foreach file,prune.json test.json,$(addsuffix /$(file),$(PRUNED))) ## prune them
prune-compare: ## prune one of them (NETWORK=1) by other methods, too, and train what is left from scratch
codegen: $(MANIFESTS) ## write them as Rust crates
measure: $(MEASUREMENTS) report ## measure them (again) on BOARD; nothing is searched or trained anew
report: $(RUN)/report/index.html ## the page and the table

ifneq ($(DIVERGED),)
ifeq ($(strip $(NETWORKS)),)
# Last of all, when the page that shows it is there.
pipeline prune codegen measure:
	@echo "all trainings in $(RUN)/networks diverged: start another run (RUN=...) with a smaller training.learning_rate in the profile" >&2; exit 1
endif
endif

ifndef MEASURE_ONLY

$(RUN)/profile.json: | $(PROFILE_FILE)
	@mkdir -p $(RUN)
	@rm -f $@.partial-*
	cp $(PROFILE_FILE) $@.partial-$$$$ && mv $@.partial-$$$$ $@

# An interrupted search goes on where it was.
$(GENOMES) $(RUN)/explore/archive.json &: $(RUN)/profile.json $(DATA)/dataset.json | \
    $(addprefix $(BIN)/,explore codegen measure) $(TRAIN_BIN)/train
	$(BIN)/explore run --bin-dir $(TRAIN_BIN) --device $(DEVICE) --config $(RUN)/profile.json --dataset $(DATA) --out $(RUN)/explore --seed $(SEED) \
	  --workers $(WORKERS) $(EXPLORE_ARGS) $(if $(wildcard $(RUN)/explore/search.json),--resume)

$(RUN)/networks/%/dense/network.json $(RUN)/networks/%/dense/weights.safetensors $(RUN)/networks/%/dense/train.json: \
    $(RUN)/explore/winners/%/genome.json | $(TRAIN_BIN)/train
	$(TRAIN_BIN)/train fit --device $(DEVICE) --genome $< --dataset $(DATA) --config $(RUN)/profile.json --seed $(SEED) --resume \
	  --out $(RUN)/networks/$*/dense >/dev/null

# Included, from outside the run, so that all winners are trained before anything else is decided:
# make then reads its rules again and knows which of them diverged. Not where it is only asked what
# it would do (-n, -q, -t).
ifneq ($(filter pipeline train prune prune-compare codegen measure report,$(MAKECMDGOALS)),)
ifeq ($(asking),)
include $(state).trained.mk
endif
endif

$(state).trained.mk: $(TRAININGS)
	@mkdir -p $(@D) && echo "# All winners are trained." > $@

# A dense network and its weights, the first two that a target needs, into a folder.
PRUNE = $(BIN)/prune run --bin-dir $(TRAIN_BIN) --device $(DEVICE) --network $(word 1,$^) --weights $(word 2,$^) --dataset $(DATA) --config $(RUN)/profile.json \
          --seed $(SEED) --out $(1) $(PRUNE_ARGS)

$(RUN)/networks/%/pruned/network.json $(RUN)/networks/%/pruned/weights.safetensors $(RUN)/networks/%/pruned/prune.json: \
    $(RUN)/networks/%/dense/network.json $(RUN)/networks/%/dense/weights.safetensors | $(BIN)/prune $(TRAIN_BIN)/train
	$(call PRUNE,$(RUN)/networks/$*/pruned) >/dev/null

$(RUN)/networks/$(NETWORK)/pruned-%/prune.json: \
    $(RUN)/networks/$(NETWORK)/dense/network.json $(RUN)/networks/$(NETWORK)/dense/weights.safetensors | $(BIN)/prune $(TRAIN_BIN)/train
	$(call PRUNE,$(@D)) --method $* >/dev/null

# On as many images as all fine-tuning.
$(RUN)/networks/%/pruned/scratch/train.json: $(RUN)/networks/%/pruned/prune.json | $(BIN)/prune $(TRAIN_BIN)/train
	$(BIN)/prune scratch --bin-dir $(TRAIN_BIN) --device $(DEVICE) --from $(<D) --dataset $(DATA) --config $(RUN)/profile.json >/dev/null

prune-compare: $(addsuffix /prune.json,$(OTHER_WAYS)) $(RUN)/networks/$(NETWORK)/pruned/scratch/train.json
	$(BIN)/prune figures $(RUN)/networks/$(NETWORK)/pruned $(OTHER_WAYS) --out $(RUN)/networks/$(NETWORK)/pruning

# The test set is read here and nowhere else, by the processor whatever trained.
$(RUN)/networks/%/test.json: $(RUN)/networks/%/network.json $(RUN)/networks/%/weights.safetensors | $(BIN)/train
	$(BIN)/train eval --network $(word 1,$^) --weights $(word 2,$^) --dataset $(DATA) --split test --out $@ >/dev/null

endif

$(RUN)/networks/%/pruning/accuracy.svg: $(RUN)/networks/%/pruned/prune.json \
    $(call files-below,$(wildcard $(addprefix $(RUN)/networks/*/,pruned-*/prune.json pruned*/scratch/train.json)),$(RUN)/networks) | $(BIN)/prune
	$(BIN)/prune figures $(<D) $(patsubst %/prune.json,%,$(call files-below,$(wildcard $(RUN)/networks/$*/pruned-*/prune.json),$(RUN)/networks)) \
	  --out $(@D) >/dev/null

$(RUN)/%/$(CRATE_DIR)/manifest.json: $(RUN)/%/network.json $(RUN)/%/weights.safetensors | $(BIN)/codegen
	$(BIN)/codegen generate --network $(word 1,$^) --weights $(word 2,$^) --platform $(PLATFORM) \
	  --board $(BOARD_FILE) --out $(RUN)/$*/$(CRATE_DIR) --name $(DATASET)-$(subst /,-,$(patsubst networks/%,%,$*)) --samples $(DATA) >/dev/null

$(RUN)/baselines/%/network.json: | $(BIN)/explore
	$(BIN)/explore network --baseline $* --dataset $(DATA) --out $@ >/dev/null

# Not trained: that is for whoever wants its accuracy, and training into this folder replaces them.
$(RUN)/baselines/%/weights.safetensors: | $(RUN)/baselines/%/network.json $(BIN)/train
	$(BIN)/train init --network $(RUN)/baselines/$*/network.json --out $@

# Asked for by name, a measurement is always taken anew.
$(RUN)/%/measurement-$(BOARD).json: \
    $(RUN)/%/$(CRATE_DIR)/manifest.json $(if $(filter measure,$(MAKECMDGOALS)),FORCE) | $(BIN)/measure
	$(BIN)/measure run --crate $(<D) --board $(BOARD_FILE) --config $(RUN)/profile.json --out $@ \
	  $(if $(BOARD_HOST),--board-host '$(BOARD_HOST)') $(MEASURE_ARGS) >/dev/null

# With BASELINE=NAME the page also compares all networks with one of them.
$(RUN)/report/index.html: $(RESULTS) $(if $(BASELINE),FORCE) | $(BIN)/report
	$(BIN)/report --run $(RUN) --out $(RUN)/report $(if $(BASELINE),--baseline $(BASELINE))
