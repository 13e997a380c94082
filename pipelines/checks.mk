# Boards and profiles that do not exist are refused before anything is made.

ifneq ($(filter pipeline codegen measure report,$(MAKECMDGOALS)),)
ifeq ($(wildcard $(BOARD_FILE)),)
$(error there is no board $(BOARD_FILE); BOARD is one of $(basename $(notdir $(wildcard pipelines/boards/*.json))))
endif
endif

# A finished run that is only measured has its own copy of the profile.
ifneq ($(working),)
ifeq ($(and $(filter measure,$(MAKECMDGOALS)),$(wildcard $(RUN)/profile.json)),)
ifeq ($(wildcard $(PROFILE_FILE)),)
$(error there is no profile $(PROFILE_FILE); PROFILE is one of $(basename $(notdir $(wildcard pipelines/profiles/*.json))))
endif
endif
endif
