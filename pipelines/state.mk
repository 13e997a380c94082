# Make's own files of a run, which it locks and includes: none of them is in the run's folder or in
# the folder of a user, where an archive of a stranger could put them.

ifdef sources
state_folder := target/run
else
state_folder := $(or $(filter /%,$(XDG_STATE_HOME)),$(HOME)/.local/state)/neuropower
ifneq ($(call odd,$(state_folder),/ @ +),)
$(error $(state_folder) is to keep locks of runs$(call only,. _ - / @ +): set XDG_STATE_HOME to another folder)
endif
endif

# Their names tell runs apart by their whole path, however it is written, and whatever the folder is
# called that make works in.
state := $(state_folder)/$(notdir $(patsubst %/,%,$(RUN)))-$(shell printf %s $(call quoted,$(or $(realpath $(RUN)),$(abspath $(RUN)))) | cksum | tr ' ' -)
