# Chooses a network of a finished run for a board: `explore choose` makes the networks of the front
# that are missing, and the page shows them. The run keeps its profile and precisions.

NUMBERS := MAX_LATENCY MAX_ENERGY MAX_POWER MIN_ACCURACY
BYTES   := MAX_FLASH MAX_ARENA

# From the command line only, as in data.mk.
$(foreach variable,$(NUMBERS) $(BYTES) OBJECTIVE,$(if $(filter environment%,$(origin $(variable))),$(eval override $(variable) :=)))
$(foreach variable,$(NUMBERS),$(call check-number,$(variable)))
$(foreach variable,$(BYTES),$(call check-digits,$(variable)))
$(call check-choice,OBJECTIVE,accuracy latency energy parameters,accuracy$(comma) latency$(comma) energy or parameters)

DEMANDS = $(MAX_LATENCY:%=--max-latency-s %) $(MAX_ENERGY:%=--max-energy-j %) $(MAX_POWER:%=--max-power-w %) \
          $(MAX_FLASH:%=--max-flash-bytes %) $(MAX_ARENA:%=--max-arena-bytes %) $(MIN_ACCURACY:%=--min-accuracy %) \
          $(OBJECTIVE:%=--objective %)

ifneq ($(ENTERED)$(asking),)

# The page is made again even if no network meets the demands: there may be new ones.
choose: | $(DATA)/dataset.json $(addprefix $(BIN)/,explore prune codegen measure report) $(TRAIN_BIN)/train ## choose a network of a finished run for BOARD
	@$(BIN)/explore choose --run $(RUN) --board $(BOARD_FILE) --dataset $(DATA) --bin-dir $(TRAIN_BIN) --device $(DEVICE) $(ENGINE_OPTIONS) \
	  $(if $(BOARD_HOST),--board-host '$(BOARD_HOST)') $(DEMANDS) || chosen=$$?; \
	  test ! -d $(RUN)/networks || $(BIN)/report --run $(RUN) --out $(RUN)/report >/dev/null || exit; \
	  exit $${chosen:-0}

endif
