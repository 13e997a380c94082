# Boards, profiles and data sets that do not exist are refused before anything is made.

no-data-set = $(if $(recipe)$(wildcard $(DATA)/dataset.json),,$(if $(own),$(no-folder),$(no-recipe)))
no-recipe   = $(error there is neither a recipe pipelines/datasets/$(DATASET).json nor a copy $(DATA); DATASET is one of \
  $(basename $(notdir $(wildcard pipelines/datasets/*.json))), or the path of images of your own, with a '/')
# `fetch-data` says more, but building it takes minutes.
no-folder   = $(if $(wildcard $(BIN)/fetch-data),,$(if $(shell test -e $(call quoted,$(own)) || echo no),$(error there is neither $(own) nor a copy of it, $(DATA))))

ifneq ($(filter pipeline codegen measure report choose,$(MAKECMDGOALS)),)
ifeq ($(wildcard $(BOARD_FILE)),)
$(error there is no board $(BOARD_FILE); BOARD is one of $(basename $(notdir $(wildcard pipelines/boards/*.json))))
endif
endif

# A finished run that is only measured, or chosen from, has its own copy of the profile.
ifneq ($(working),)
ifeq ($(and $(filter measure choose,$(MAKECMDGOALS)),$(wildcard $(RUN)/profile.json)),)
ifeq ($(wildcard $(PROFILE_FILE)),)
$(error there is no profile $(PROFILE_FILE); PROFILE is one of $(basename $(notdir $(wildcard pipelines/profiles/*.json))))
endif
$(no-data-set)
endif
endif

ifneq ($(filter data,$(MAKECMDGOALS)),)
$(no-data-set)
endif
