# Checks of values that reach a shell or name a file. They come from the command line and from files
# of others, and make or a shell would evaluate some characters.

digits  := 0 1 2 3 4 5 6 7 8 9
lower   := a b c d e f g h i j k l m n o p q r s t u v w x y z
letters := A B C D E F G H I J K L M N O P Q R S T U V W X Y Z $(lower) $(digits) . _ -
empty   :=
space   := $(empty) $(empty)
tab     := $(empty)	$(empty)
define newline


endef

# The text $(1) without the texts $(2).
without = $(if $(2),$(call without,$(subst $(firstword $(2)),,$(1)),$(wordlist 2,999,$(2))),$(1))
# The text $(1) without letters, digits and the texts $(2), and with commas for white space: what is
# not allowed in it.
comma  := ,
odd     = $(call without,$(subst $(tab),$(comma),$(subst $(space),$(comma),$(1))),$(letters) $(2))$(filter -%,$(firstword $(1)))

# Each stops make if the value of the variable $(1) may not be a name, a path or a host.
only       = , but it may have letters, digits and $(1) only, and must not begin with '-'
check-name = $(if $(call odd,$($(1))),$(error $(1) is '$($(1))'$(call only,. _ -)))
check-path = $(if $(call odd,$($(1)),/ @ +),$(error $(1) is '$($(1))'$(call only,. _ - / @ +)))
check-host = $(if $(call odd,$($(1)),@ : [ ] %),$(error $(1) is '$($(1))'$(call only,. _ - @ : [ ] %)))
# Stops make if the value of the variable $(1) is not a number.
check-digits = $(if $(call without,$($(1)),$(digits)),$(error $(1) is '$($(1))', but it may have digits only))
# Stops make if the digits of the variable $(1) are not a number from 1 to $(2), or more than $(2).
check-count  = $(if $(shell { test $($(1)) -ge 1 && test $($(1)) -le $(2); } 2>/dev/null || echo no),$(error $(1) is '$($(1))', but it may be a number from 1 to $(2)))
check-length = $(if $(shell printf %s $($(1)) | cut -c $$(($(2) + 1))-),$(error $(1) is '$($(1))', but it may have at most $(2) digits))
# Stops make if the value of the variable $(1) has characters that no decimal number has.
check-number = $(if $(call without,$($(1)),$(digits) . e E + -),$(error $(1) is '$($(1))', but it may be a decimal number only))
# Stops make if the value of the variable $(1) is not one of the words $(2), listed as $(3).
check-choice = $(if $(filter-out $(2),$($(1)))$(word 2,$($(1))),$(error $(1) is '$($(1))', but it may be $(3)))

# Stops make if a word of the variable $(1) is not a share below 1, such as 0.30.
not-share    = $(if $(filter 0.%,$(1)),$(call without,$(1:0.%=%),$(digits))$(if $(1:0.%=%),,empty),$(1))
check-shares = $(if $(strip $(foreach share,$($(1)),$(call not-share,$(share)))),$(error $(1) is '$($(1))', but it may be shares such as 0.30 0.65 only))
# Stops make if DEVICE is neither the CPU nor a GPU.
gpu-number   = $(patsubst cuda:%,%,$(filter cuda:%,$(DEVICE)))
check-device = $(if $(filter-out cpu cuda,$(DEVICE)),$(if $(gpu-number),$(if $(call without,$(gpu-number),$(digits)),$(no-device)),$(no-device)))
no-device    = $(error DEVICE is '$(DEVICE)', but it may be cpu, cuda, or cuda:N for the GPU with number N)

# Any text as one word of a shell. It must have no line break.
quoted = '$(subst ','\'',$(1))'

# Not empty if the text $(1) has a control character (C0, DEL or, in UTF-8, C1).
has-control = $(or $(findstring $(newline),$(1)),$(shell printf %s $(call quoted,$(1)) | \
  LC_ALL=C grep -c "$$(printf '[\001-\037\177]\|\302[\200-\237]')" | grep -v '^0'))

# The last name of the path $(1), reduced to lower-case letters, digits and '-'; at most 32 of them,
# because names of generated crates begin with it and have at most 64 characters.
reduced = $(shell LC_ALL=C; export LC_ALL; printf %s $(call quoted,$(1)) | sed 's:/*$$::; s:.*/::' | \
  tr A-Z a-z | tr -cs a-z0-9 - | sed 's/^-//' | cut -c 1-32 | sed 's/-$$//')
# What the name $(1) has besides, or how long it is if that is too long.
odd-in-reduced  = $(or $(call without,$(subst $(space),$(comma),$(1)),$(lower) $(digits) -),$(filter -%,$(1)),$(shell test $$(printf %s $(1) | wc -c) -le 32 || echo long))
only-in-reduced = , but it may have lower-case letters, digits and - only, at most 32, and must not begin with '-'

# The value $(2) of the variable $(1), read from the file $(3); stops make if it is not a name.
name-in-file = $(if $(call odd,$(2)),$(error in $(3) $(1) is '$(2)'$(call only,. _ -)))$(2)

# The words $(1), files below the folder $(2); stops make if one of them is not a plain path there.
files-below = $(foreach file,$(1),$(if $(call odd,$(file),/ @ +)$(filter-out $(2)/%,$(file)),$(error below $(2) there is '$(file)': names of folders there may have letters, digits and . _ - only),$(file)))
