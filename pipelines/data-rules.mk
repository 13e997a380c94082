# How the data set (data.mk) is made in $(DATA). All its images are read once before a training.

CHECK = $(strip $(BIN)/fetch-data check $(DATA) $(STRICT:1=--strict))

.PHONY: data

# In a run, a stage of it.
of_data      = $(if $(call step,data),@$(call step,data,,,--show))
checked_data = $(if $(call step,data),@$(call step,data,,,--quiet))

ifneq ($(own),)

# Reads and checks the images for a copy of scaled pixels, or looks only if they are as they were.
IMPORT = $(BIN)/fetch-data import $(call quoted,$(own)) --out $(DATA) --name $(DATASET)$(SIZE:%= --size %)$(RESIZE:%= --resize %)$(STRICT:1= --strict)

# Looks once in each call. Only `make data` follows changes. An interruption leaves a whole copy.
.PRECIOUS: $(DATA)/dataset.json
$(DATA)/dataset.json: $(if $(asking)$(MAKE_RESTARTS)$(TOGETHER),,FORCE) | $(BIN)/fetch-data
	$(of_data) $(IMPORT) --keep

data: | $(BIN)/fetch-data ## fetch and check the data set, or follow changes of your own images
	$(IMPORT)

else ifneq ($(recipe),)

FETCH = $(BIN)/fetch-data --recipe $(recipe) --out $(DATA)

$(DATA)/dataset.json: | $(BIN)/fetch-data
	$(of_data) $(FETCH)
	$(checked_data) $(CHECK) || { rm -f $@; exit 1; }

# Always checks every file, fetches what is missing or damaged, and updates copies of a folder.
data: | $(BIN)/fetch-data
	$(FETCH)
	$(CHECK)

else

data: | $(BIN)/fetch-data
	$(CHECK)
	@test ! -e $(DATA)/import.json || echo "$(DATA) was not compared with the images that it was made of: that takes their path, as in make data DATASET=/path/to/$(DATASET)" >&2

endif
