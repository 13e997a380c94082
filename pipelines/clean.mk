# Removes what cargo has built of the crates of one run, or the whole run (clean.sh).

# From the command line only, as in data.mk.
$(if $(filter environment%,$(origin ALL)),$(eval override ALL :=))
$(if $(filter-out 1,$(ALL)),$(error ALL is '$(ALL)', but it may be 1 only))

ifneq ($(filter clean,$(MAKECMDGOALS)),)
ifneq ($(filter-out clean,$(MAKECMDGOALS)),)
$(error clean is done alone: call $(me) again for $(filter-out clean,$(MAKECMDGOALS)))
endif
ifneq ($(origin RUN),command line)
$(error clean removes files of one run only: name it, as in $(me) clean RUN=$(RUN))
endif
endif

.PHONY: clean

clean: ## remove the crates' built files and the log of RUN; with ALL=1, the whole run
	@mkdir -p $(dir $(state))
	@sh $(SHARE)pipelines/clean.sh $(call quoted,$(abspath $(RUN))) $(state).lock $(if $(ALL),all)
