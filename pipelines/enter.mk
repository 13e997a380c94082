# Entering a run: make builds `report`, which reads what the rules depend on, and takes the lock of
# the run; then another make replaces it and does the work. The lock is held as long as any program
# of the run is running.

lock := $(if $(shell flock --help 2>/dev/null | grep no-fork),flock --nonblock --no-fork $(state).lock)

.PHONY: enter
$(working): enter
	@:

enter: $(BIN)/report
	@mkdir -p $(dir $(state))
ifneq ($(lock),)
	@flock --nonblock $(state).lock true || \
		{ echo "another make works in $(RUN): wait for it, or choose another folder with RUN=..." >&2; exit 1; }
endif
	@exec $(lock) $(MAKE) $(if $(SHARE),-f $(SHARE)Makefile) --no-print-directory ENTERED=yes $(if $(own),DATASET=$(call quoted,$(own))) $(working)
