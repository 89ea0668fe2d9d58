# SPDX-License-Identifier: GPL-2.0
# dmvpn: the kernel module, the daemon, the command. `make help` lists targets.

PREFIX	?= /usr
SBINDIR	?= $(PREFIX)/sbin
MANDIR	?= $(PREFIX)/share/man
PLUGINDIR ?= $(PREFIX)/lib/$(shell $(CC) -print-multiarch 2>/dev/null)/ip
KDIR	?= /lib/modules/$(shell uname -r)/build
CC	?= gcc
CLANG	?= clang
B	:= build
Q	:= $(if $(V),,@)
say	= $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

VERSION	:= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
WARN	:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	   -Wmissing-prototypes -Wpointer-arith -Wformat=2
CFLAGS	?= -O2 -g
LIBS	:= libmnl libevent_core libevent_extra json-c
pkg	= $(shell pkg-config $(1) $(LIBS) 2>/dev/null)
cflags	= -std=gnu11 -D_GNU_SOURCE $(WARN) $(CFLAGS) -Iinclude/uapi -Iinclude \
	  -Inhrpd -DDMVPN_VERSION='"$(VERSION)"' $(call pkg,--cflags)

tests	:= $(wildcard nhrpd/*_test.c)
fuzzers	:= $(wildcard nhrpd/*_fuzz.c)
fakes	:= $(wildcard nhrpd/fake_*.c)
daemon	:= $(filter-out $(tests) $(fuzzers) $(fakes),$(wildcard nhrpd/*.c))
core	:= $(filter-out nhrpd/main.c,$(daemon))
ttests	:= $(wildcard tools/*_test.c)
tools	:= $(filter-out $(ttests) tools/link_dmvpn.c,$(wildcard tools/*.c))
shared	:= nhrpd/addr.c nhrpd/config.c nhrpd/object.c
obj	= $(patsubst %.c,$(B)/$(1)/%.o,$(2))

.PHONY: all programs module install unit check demo lab bench lint fuzz \
	clean help
.DELETE_ON_ERROR:

all: programs module

programs: $(B)/bin/nhrpd $(B)/bin/dmvpn $(B)/link_dmvpn.so

$(B)/bin/nhrpd: $(call obj,obj,$(daemon))
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(call pkg,--libs) -lm

$(B)/bin/dmvpn: $(call obj,obj,$(tools) $(shared))
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(call pkg,--libs) -lm

# `ip link add NAME type dmvpn ...` and `ip -d link`; a convenience, as the
# `ip` of iproute2 promises plug-ins nothing and `dmvpn link` does the same.
plugin	:= tools/link_dmvpn.c tools/link.c tools/cli.c tools/words.c \
	   tools/field.c tools/netlink.c nhrpd/addr.c nhrpd/object.c

$(B)/link_dmvpn.so: $(plugin) $(wildcard tools/*.h nhrpd/*.h) include/uapi/linux/dmvpn.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(cflags) -fPIC -fvisibility=hidden -shared -o $@ $(plugin) \
		$(call pkg,--libs) -lm

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<

# ---- the module ----

# Each kernel gets a copy of the sources, so that the objects of one never
# meet those of another. DMVPN_KUNIT=y adds the suites.
module:
	@test -e $(KDIR)/Makefile || { \
	  echo "No kernel headers in $(KDIR)."; \
	  echo "Install them (Debian: apt install linux-headers-$$(uname -r)) or say KDIR=FOLDER;"; \
	  echo "'make programs' builds the daemon and the command alone."; exit 1; }
	$(Q)tests/lab/module $(KDIR) $(B)/module $(if $(V),,>/dev/null)
	$(call say,MODULE,$(B)/module/dmvpn.ko)

install: programs
	install -D -m755 $(B)/bin/nhrpd $(DESTDIR)$(SBINDIR)/nhrpd
	install -D -m755 $(B)/bin/dmvpn $(DESTDIR)$(SBINDIR)/dmvpn
	install -D -m644 $(B)/link_dmvpn.so $(DESTDIR)$(PLUGINDIR)/link_dmvpn.so
	install -D -m644 tools/dmvpn.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/dmvpn
	install -D -m644 nhrpd/strongswan.conf \
		$(DESTDIR)$(PREFIX)/share/doc/dmvpn/strongswan.conf
	install -D -m644 nhrpd/swanctl.conf \
		$(DESTDIR)$(PREFIX)/share/doc/dmvpn/swanctl.conf
	install -D -m644 nhrpd/nhrpd.service \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/nhrpd.service
	install -D -m644 include/uapi/linux/dmvpn.h \
		$(DESTDIR)$(PREFIX)/include/linux/dmvpn.h
	@if [ -f $(B)/module/dmvpn.ko ]; then set -e; \
	  release=$$(modinfo -F vermagic $(B)/module/dmvpn.ko | cut -d' ' -f1); \
	  install -D -m644 -v $(B)/module/dmvpn.ko \
	    $(DESTDIR)/lib/modules/$$release/updates/dmvpn.ko; \
	  [ -n "$(DESTDIR)" ] || depmod $$release; \
	else echo "no module was built ('make module'): installed the programs alone"; fi

# ---- userspace tests ----

SAN	:= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
sanflags = $(cflags) -O1 $(SAN)

$(B)/san/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(sanflags) -Itools -MMD -MP -c -o $@ $<

$(B)/test/%: $(B)/san/nhrpd/%.o $(call obj,san,$(core) $(fakes))
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN) -o $@ $^ $(call pkg,--libs) -lm -lcmocka

$(B)/ttest/%: $(B)/san/tools/%.o $(call obj,san,$(filter-out tools/dmvpn.c,$(tools)) $(shared))
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(SAN) -o $@ $^ $(call pkg,--libs) -lm -lcmocka

unit_bins := $(patsubst nhrpd/%.c,$(B)/test/%,$(tests)) \
	     $(patsubst tools/%.c,$(B)/ttest/%,$(ttests))

fuzz_bins := $(patsubst nhrpd/%.c,$(B)/fuzz/%,$(fuzzers))

unit: programs $(unit_bins) fuzz
	$(Q)tests/unit $(unit_bins) $(fuzz_bins)

fuzz: $(fuzz_bins)
.SECONDARY:

$(B)/clang/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CLANG,$<)
	$(Q)$(CLANG) $(filter-out -Werror,$(cflags)) -w -O1 \
		-fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<

$(B)/fuzz/%: $(B)/clang/nhrpd/%.o $(call obj,clang,$(core))
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(call pkg,--libs) -lm

# ---- everything else is a script ----

check:
	tests/run $(if $(T),--scenario $(T)) $(if $(KERNEL),--kernel $(KERNEL)) $(if $(S),--file $(S))

demo:
	tests/demo $(if $(KERNEL),--kernel $(KERNEL)) $(if $(IPSEC),--ipsec)

lab:
	tests/lab/shell $(if $(T),--scenario $(T)) $(if $(KERNEL),--kernel $(KERNEL))

bench:
	tests/bench/bench

lint:
	tests/lint

clean:
	rm -rf $(B)

help:
	@echo "make             the programs and, for KDIR's kernel, the module"
	@echo "make programs    nhrpd and dmvpn alone"
	@echo "make module      build/module/dmvpn.ko   (KDIR=kernel tree; default: running kernel)"
	@echo "make install     DESTDIR= PREFIX=$(PREFIX)"
	@echo "make check       every test   (T=scenario KERNEL=6.12|6.1|uml-debug|uml|native S=file)"
	@echo "make unit        userspace tests under ASan and UBSan"
	@echo "make fuzz        fuzzers into build/fuzz (needs clang)"
	@echo "make demo        phase 3 on real packets, to watch; IPSEC=1: encrypted"
	@echo "make lab         a shell in a running topology   (T=scenario KERNEL=...)"
	@echo "make bench       the figures of Documentation/performance.md"
	@echo "make lint        checkpatch, sparse, clang-format, shellcheck"
	@echo "V=1 shows commands."

-include $(shell find $(B) -name '*.d' 2>/dev/null)
