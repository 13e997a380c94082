# Values that no run can have are refused before anything is made, each by one sentence. A name
# that does not exist is refused with those that do.

# The one of the names $(2) that is nearest to the name $(1), as a question, or else a semicolon.
did-you-mean = $(or $(addprefix : did you mean ,$(addsuffix ?,$(shell awk -f $(SHARE)pipelines/nearest.awk $(1) $(2)))),;)
# The names of the files in the folders pipelines/$(1).
names-in     = $(foreach name,$(sort $(basename $(notdir $(wildcard pipelines/$(1)/*.json $(SHARE)pipelines/$(1)/*.json)))),$(if $(call odd,$(name)),,$(name)))
# What follows "there is no" if the file $(2), which the variable $(1) names, is not in pipelines/$(3).
not-in       = $(2)$(call did-you-mean,$(basename $(notdir $(2))),$(call names-in,$(3))) $(1) is one of $(call names-in,$(3))

copies      = $(foreach copy,$(notdir $(patsubst %/dataset.json,%,$(wildcard data/*/dataset.json))),$(if $(call odd,$(copy)),,$(copy)))
no-data-set = $(if $(recipe)$(wildcard $(DATA)/dataset.json),,$(if $(own),$(no-folder),$(no-recipe)))
no-recipe   = $(error there is neither a recipe pipelines/datasets/$(DATASET).json nor a copy $(DATA)$(call \
  did-you-mean,$(DATASET),$(call names-in,datasets) $(copies)) DATASET is one of $(sort $(call names-in,datasets) $(copies)), or the path of images of your own, with a '/')
# `fetch-data` says more, but building it takes minutes.
no-folder   = $(if $(wildcard $(BIN)/fetch-data),,$(if $(shell test -e $(call quoted,$(own)) || echo no),$(error there is neither $(own) nor a copy of it, $(DATA))))

# What a run has, once begun; before that it may have its log.
begun     = $(wildcard $(addprefix $(RUN)/,profile.json precision.json explore/*.json networks/* baselines/*))
# What RUN is if it is no place for a run.
not-a-run = $(if $(begun),,$(shell \
  if test -d $(RUN); then ls -A $(RUN) | grep -v '^log$$\|[.]partial-' | head -n 1 | sed 's/.*/a folder of something else/'; \
  elif test -e $(RUN) || test -L $(RUN); then echo a file; fi))

# Not empty if BASELINE may be in the run or can be made: a network such as 1/dense, a crate's name, a
# folder in RUN/baselines, or a file in pipelines/baselines.
is-baseline = $(or $(findstring /,$(BASELINE)),$(filter $(DATASET)-% data-$(DATASET)-% $(call names-in,baselines),$(BASELINE)),$(wildcard $(RUN)/baselines/$(BASELINE)/.))

ifneq ($(working),)

ifneq ($(not-a-run),)
$(error RUN is $(RUN), $(not-a-run): choose a folder that is new, empty or a run)
endif
ifeq ($(wildcard $(BOARD_FILE)),)
$(error there is no board $(call not-in,BOARD,$(BOARD_FILE),boards))
endif
ifneq ($(BASELINE),)
ifeq ($(is-baseline),)
$(error there is no baseline $(BASELINE)$(call did-you-mean,$(BASELINE),$(call names-in,baselines)) BASELINE is one of $(call names-in,baselines), or a network of the run, such as 1/dense)
endif
endif
# CUDA's driver makes these files; /dev/dxg is that of WSL.
ifneq ($(filter cuda%,$(DEVICE)),)
ifeq ($(wildcard $(addprefix $(DEV_FOLDER)/,nvidia[0-9]* nvhost-gpu dxg)),)
$(error DEVICE is $(DEVICE), but there is no NVIDIA GPU with its driver on this machine (no $(DEV_FOLDER)/nvidia0 and no $(DEV_FOLDER)/dxg): leave DEVICE out to train on the CPU)
endif
ifeq ($(sources)$(wildcard $(TRAIN_BIN)/train),)
$(error DEVICE is $(DEVICE), but these programs train on the CPU only: run make in the folder of the sources, or leave DEVICE out)
endif
endif

# A finished run that is only measured, or chosen from, has its own copy of the profile.
ifeq ($(and $(filter measure choose,$(MAKECMDGOALS)),$(wildcard $(RUN)/profile.json)),)
ifeq ($(wildcard $(PROFILE_FILE)),)
$(error there is no profile $(call not-in,PROFILE,$(PROFILE_FILE),profiles))
endif
$(no-data-set)
endif

endif

ifneq ($(filter data,$(MAKECMDGOALS)),)
$(no-data-set)
endif
