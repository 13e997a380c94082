# Values that reach a shell or name a file are plain: make and a shell would evaluate some
# characters. They come from the command line, and from files that somebody else may have written.

letters := A B C D E F G H I J K L M N O P Q R S T U V W X Y Z a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9 . _ -
empty   :=
space   := $(empty) $(empty)
tab     := $(empty)	$(empty)

# What is left of the text $(1) without the texts $(2).
without = $(if $(2),$(call without,$(subst $(firstword $(2)),,$(1)),$(wordlist 2,999,$(2))),$(1))
# What is left of the text $(1) without letters, digits and the texts $(2); white space is left, as
# a comma.
comma  := ,
odd     = $(call without,$(subst $(tab),$(comma),$(subst $(space),$(comma),$(1))),$(letters) $(2))$(filter -%,$(firstword $(1)))

# Each ends make where the variable $(1) has a value that could be something else than a name, a
# path or a host.
only       = , but it may have letters, digits and $(1) only, and must not begin with '-'
check-name = $(if $(call odd,$($(1))),$(error $(1) is '$($(1))'$(call only,. _ -)))
check-path = $(if $(call odd,$($(1)),/ @ +),$(error $(1) is '$($(1))'$(call only,. _ - / @ +)))
check-host = $(if $(call odd,$($(1)),@ : [ ] %),$(error $(1) is '$($(1))'$(call only,. _ - @ : [ ] %)))

# The value $(2) of the variable $(1), read from the file $(3); ends make where it is no name.
name-in-file = $(if $(call odd,$(2)),$(error in $(3) $(1) is '$(2)'$(call only,. _ -)))$(2)

# The words $(1), names of files below the folder $(2); ends make where one is no plain path below
# it.
files-below = $(foreach file,$(1),$(if $(call odd,$(file),/ @ +)$(filter-out $(2)/%,$(file)),$(error below $(2) there is '$(file)': names of folders there may have letters, digits and . _ - only),$(file)))
