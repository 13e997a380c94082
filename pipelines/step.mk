# One command of a run, as a step of the pipeline: `neuropower step` shows where it stands and writes
# its output into RUN/log. All that it makes of a stage is numbered.

# The stages of a run, in their order.
STAGES = data,explore,train,prune,$(if $(QUANTIZED),quantize$(comma))test,codegen,measure,report

# Position of the word $(1) among the words $(2), which must have it.
position = $(if $(filter $(1),$(firstword $(2))),$(words $(3) x),$(call position,$(1),$(wordlist 2,9999,$(2)),$(3) x))
numbered = $(if $(filter $(1),$(2)),--item $(call position,$(1),$(2)) --items $(words $(2)))

# How much is shown: `make --quiet` (-s) or VERBOSE=1.
is_quiet := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
loudness := $(if $(is_quiet),--quiet,$(if $(VERBOSE),--verbose))

# The beginning of a command that makes $(2), one of the results $(3) of the stage $(1); options $(4),
# of which --quiet is for what is made beside.
step = $(if $(filter-out choose,$(working)),$(BIN)/neuropower step $(or $(filter --quiet,$(4)),$(loudness)) $(if $(TOGETHER),--no-bar) --run $(RUN) --stages $(STAGES) --stage $(1) $(call numbered,$(2),$(3)) $(filter-out --quiet,$(4)) --)
