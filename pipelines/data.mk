# The data set. DATASET names it: by the name of a recipe or of a copy in data/, or by the path, which
# is any value with a `/`, of images of one's own. All other rules see its name in DATASET.
#
# A path may have any characters but control characters. So make never evaluates it and has no
# target of that name, and a shell gets it in quotes only.

# From the command line only: environments have such variables for other purposes.
$(foreach variable,NAME SIZE RESIZE STRICT,$(if $(filter environment%,$(origin $(variable))),$(eval override $(variable) :=)))

ifdef DATASET
override DATASET := $(value DATASET)
endif

# The path of one's own images. One that begins with '-' would be an option.
own := $(if $(findstring /,$(DATASET)),$(if $(filter -%,$(firstword $(DATASET))),./)$(DATASET))

ifneq ($(own),)
ifneq ($(call has-control,$(own)),)
$(error DATASET is a path with a control character: rename the folder, or make a link to it)
endif
override DATASET := $(or $(NAME),$(call reduced,$(own)))
ifeq ($(DATASET),)
$(error $(own) does not end in a name with letters of ASCII or digits: add NAME=..., the name of the data set)
endif
ifneq ($(call odd-in-reduced,$(DATASET)),)
$(error NAME is '$(DATASET)'$(only-in-reduced))
endif
ifneq ($(wildcard $(call in-pipelines,datasets/$(DATASET).json)),)
$(error $(DATASET) is the name of the recipe $(call in-pipelines,datasets/$(DATASET).json): add NAME=..., another name for $(own))
endif
else
$(foreach variable,NAME SIZE RESIZE,$(if $($(variable)),$(error $(variable) is for images of your own, but DATASET is not a path: DATASET=/path/to/folder $(variable)=$($(variable)))))
endif

$(call check-digits,SIZE)
$(call check-choice,RESIZE,letterbox crop stretch,letterbox$(comma) crop or stretch)
$(if $(filter-out 1,$(STRICT)),$(error STRICT is '$(STRICT)', but it may be 1 only))
