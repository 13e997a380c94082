# Questions about profiles, boards and runs, which `report` answers: make reads no JSON. `report` is
# there once a run is entered (enter.mk); before that, what it cannot answer is left open.

ifneq ($(asking),)
ifeq ($(wildcard $(BIN)/report),)
ifneq ($(filter pipeline explore train prune prune-compare codegen measure report,$(MAKECMDGOALS)),)
$(error run `make build` first: $(BIN)/report reads the profile, by which it is decided what would be done)
endif
endif
endif

# The answer to the question $(1) with its options.
ifeq ($(ENTERED)$(asking),)
query = $(if $(wildcard $(BIN)/report),$(shell $(BIN)/report query $(1) 2>/dev/null))
else
query = $(shell $(BIN)/report query $(1))$(if $(filter-out 0,$(.SHELLSTATUS)),$(error stopped: make cannot know what to do))
endif
