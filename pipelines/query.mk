# Questions about profiles, boards and runs, which `report query` answers: make reads no JSON. Once
# a run is entered (enter.mk), `report` exists and must answer; before that, an answer may be empty.

ifneq ($(asking),)
ifeq ($(wildcard $(BIN)/report),)
ifneq ($(filter pipeline explore train prune prune-compare codegen measure report,$(MAKECMDGOALS)),)
$(error run `make build` first: $(BIN)/report reads the profile, which decides what make would do)
endif
endif
endif

# The answer to the question $(1), with the options that it needs.
ifeq ($(ENTERED)$(asking),)
query = $(if $(wildcard $(BIN)/report),$(shell $(BIN)/report query $(1) 2>/dev/null))
else
query = $(shell $(BIN)/report query $(1))$(if $(filter-out 0,$(.SHELLSTATUS)),$(error stopped: `report query $(1)` failed))
endif
