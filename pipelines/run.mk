# How the files of one run are made: data -> search -> training -> pruning -> crates -> measurements -> report.

# A run keeps the profile that it was started with. `make measure` on a finished run takes its networks as they are: no search,
# no training, whatever the times of its files say (they are lost when a run is copied from another machine).
ifeq ($(MAKECMDGOALS),measure)
MEASURE_ONLY := $(wildcard $(RUN)/report/index.html)
endif

# final.winners of the profile, or its default
WINNERS  = $(or $(shell sed -n 's/.*"winners": *\([0-9]*\).*/\1/p' $(firstword $(wildcard $(RUN)/profile.json) $(PROFILE_FILE)) 2>/dev/null),3)
RANKS    = $(shell seq $(WINNERS))
PLATFORM = $(shell sed -n 's/.*"platform": *"\([^"]*\)".*/\1/p' $(BOARD_FILE) 2>/dev/null)
GENOMES  = $(foreach rank,$(RANKS),$(RUN)/explore/winners/$(rank)/genome.json)
TRAININGS = $(foreach rank,$(RANKS),$(RUN)/networks/$(rank)/dense/train.json)
# Folders of trainings that diverged: these networks are neither tested nor pruned, generated or measured, and the page says so.
DIVERGED := $(patsubst %/train.json,%,$(shell grep -Els '"diverged": *true' $(RUN)/networks/*/dense/train.json))
DENSE    = $(filter-out $(DIVERGED),$(foreach rank,$(RANKS),$(RUN)/networks/$(rank)/dense))
PRUNED   = $(patsubst %/dense,%/pruned,$(DENSE))
NETWORKS = $(if $(MEASURE_ONLY),$(filter-out $(DIVERGED) $(DIVERGED:/dense=/pruned),$(patsubst %/weights.safetensors,%,$(wildcard $(patsubst %,$(RUN)/networks/*/%/weights.safetensors,dense pruned)))),$(DENSE) $(PRUNED))

# Other ways to prune the network that `make prune-compare` compares them on; the profile's own one is
# l1, or with `paper` kmeans.
NETWORK    ?= 1
OTHER_WAYS = $(addprefix $(RUN)/networks/$(NETWORK)/pruned-,$(if $(filter paper,$(PROFILE)),l1,kmeans) random)
# All ways of each network that are there, in one figure.
DRAWN      = $(patsubst %/pruned,%/pruning/accuracy.svg,$(filter %/pruned,$(NETWORKS)))

# Other networks to compare with, trained or not: those that somebody put there, and one of pipelines/baselines by its name.
BASELINES = $(sort $(patsubst %/weights.safetensors,%,$(wildcard $(RUN)/baselines/*/weights.safetensors)) \
              $(if $(BASELINE),$(patsubst pipelines/%.json,$(RUN)/%,$(wildcard pipelines/baselines/$(BASELINE).json))))

MEASUREMENTS = $(addsuffix /measurement-$(BOARD).json,$(NETWORKS) $(BASELINES))
# A microcontroller's crate is for one board: the memory of that board is in it.
CRATE_DIR    = crate-$(if $(filter cortex-m,$(PLATFORM)),$(BOARD),$(PLATFORM))
MANIFESTS    = $(addsuffix /$(CRATE_DIR)/manifest.json,$(NETWORKS) $(BASELINES))
# Named here, they are results that a missing one of is made again, not intermediate files.
RESULTS      = $(foreach file,network.json weights.safetensors test.json,$(addsuffix /$(file),$(NETWORKS))) \
               $(foreach file,network.json weights.safetensors,$(addsuffix /$(file),$(BASELINES))) \
               $(TRAININGS) $(addsuffix /prune.json,$(PRUNED)) $(DRAWN) $(MANIFESTS) $(MEASUREMENTS)

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

FETCH = $(BIN)/fetch-data --recipe pipelines/datasets/$(DATASET).json --out $(DATA)

# All images are read once before anything is trained on them.
$(DATA)/dataset.json: | $(BIN)/fetch-data
	$(FETCH)
	$(BIN)/fetch-data check $(DATA)

# Asked for by name, every file is checked again, what is missing or damaged is fetched, and copies follow their folder.
data: | $(BIN)/fetch-data ## fetch and check the data set
	$(FETCH)
	$(BIN)/fetch-data check $(DATA)

$(RUN)/profile.json: | $(PROFILE_FILE)
	@mkdir -p $(RUN)
	cp $(PROFILE_FILE) $@.partial && mv $@.partial $@

# An interrupted search goes on where it was.
$(GENOMES) $(RUN)/explore/archive.json &: $(RUN)/profile.json $(DATA)/dataset.json | \
    $(addprefix $(BIN)/,explore codegen measure) $(TRAIN_BIN)/train
	$(BIN)/explore run --bin-dir $(TRAIN_BIN) --device $(DEVICE) --config $(RUN)/profile.json --dataset $(DATA) --out $(RUN)/explore --seed $(SEED) \
	  --workers $(WORKERS) $(EXPLORE_ARGS) $(if $(wildcard $(RUN)/explore/search.json),--resume)

$(RUN)/networks/%/dense/network.json $(RUN)/networks/%/dense/weights.safetensors $(RUN)/networks/%/dense/train.json: \
    $(RUN)/explore/winners/%/genome.json | $(TRAIN_BIN)/train
	$(TRAIN_BIN)/train fit --device $(DEVICE) --genome $< --dataset $(DATA) --config $(RUN)/profile.json --seed $(SEED) --resume \
	  --out $(RUN)/networks/$*/dense >/dev/null

# Included so that all winners are trained before anything else is decided: make then reads its rules again and knows which
# of them diverged. Not where it is only asked what it would do (-n, -q, -t).
ifneq ($(filter pipeline train prune prune-compare codegen measure report,$(MAKECMDGOALS)),)
ifeq ($(strip $(foreach flag,n q t,$(findstring $(flag),$(filter-out --%,$(firstword -$(MAKEFLAGS)))))),)
include $(RUN)/networks/trained.mk
endif
endif

$(RUN)/networks/trained.mk: $(TRAININGS)
	@echo "# All winners are trained." > $@

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
    $(wildcard $(addprefix $(RUN)/networks/*/,pruned-*/prune.json pruned*/scratch/train.json)) | $(BIN)/prune
	$(BIN)/prune figures $(<D) $(patsubst %/prune.json,%,$(wildcard $(RUN)/networks/$*/pruned-*/prune.json)) \
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
	  $(if $(BOARD_HOST),--board-host $(BOARD_HOST)) $(MEASURE_ARGS) >/dev/null

# With BASELINE=NAME the page also compares all networks with one of them.
$(RUN)/report/index.html: $(RESULTS) $(if $(BASELINE),FORCE) | $(BIN)/report
	$(BIN)/report --run $(RUN) --out $(RUN)/report $(if $(BASELINE),--baseline $(BASELINE))
