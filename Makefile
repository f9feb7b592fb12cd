# dumpcore: a memory-dump forensics toolkit.
#
#   make            build/dumpcore (static) and build/analyze
#   make demo       capture two leaking programs and report on them
#   make test       every test: unit, golden, live, then the same with sanitizers
#   make help       all targets and variables

VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
CC ?= cc
CFLAGS ?= -O2 -g
WERROR ?=
SAN ?= 0
STATIC ?= -static
CROSS ?=
ifneq ($(CROSS),)
CC := $(CROSS)gcc
endif

# Files NAME_MACHINE.c, and their tests, are of one machine: the one that the compiler builds for.
MACHINES := x86_64 aarch64
MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
of_machine = $(filter-out $(foreach m,$(filter-out $(MACHINE),$(MACHINES)),%_$(m).c %_$(m)_test.c),$(1))

BUILD := build
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wpointer-arith -Wundef -Wformat=2 $(if $(WERROR),-Werror)
ifeq ($(SAN),1)
BUILD := build/san
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
override STATIC :=
endif
# The fuzzers, with clang's libFuzzer. Without it the same sources are replayed (tests/fuzz/replay.c).
FUZZ ?= 0
ifeq ($(FUZZ),1)
CC := clang
BUILD := build/libfuzzer
SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
override STATIC :=
endif
# The build for fault tests: DUMPCORE_FAULT kills it, or its target, at a named point.
FAULTS ?= 0
ifeq ($(FAULTS),1)
BUILD := build/fault
endif
FAULT_POINTS := tests/support/fault_points.c

DUMPCORE_LIBRARIES := jansson libzstd libxxhash
ANALYZE_LIBRARIES := libelf libpcre2-8 libhs yaml-0.1 zlib libzstd jansson libxxhash
TEST_LIBRARIES := cmocka
PKG_CONFIG := pkg-config

# For another machine dumpcore and its unit tests are built, with what ensure-packages.sh unpacked.
ifneq ($(CROSS),)
BUILD := build/$(MACHINE)$(if $(filter 1,$(FAULTS)),/fault)
CROSS_ROOT := build/packages/$(MACHINE)/root
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(CROSS_ROOT) \
              PKG_CONFIG_LIBDIR=$(CROSS_ROOT)/usr/lib/$(CROSS:-=)/pkgconfig pkg-config
ANALYZE_LIBRARIES := $(DUMPCORE_LIBRARIES)
endif

# Asked only when something is built, so that `make help` and `make deps` work on a bare machine.
# demo, test and bench install what is missing first and then build in a make of their own.
NEEDS_LIBRARIES := $(filter-out help deps test-deps clean demo test bench fuzz aarch64 layers format,\
                     $(or $(MAKECMDGOALS),all))
ifneq ($(NEEDS_LIBRARIES),)
LIBRARY_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(ANALYZE_LIBRARIES) $(TEST_LIBRARIES) 2>/dev/null || \
                    $(PKG_CONFIG) --cflags $(ANALYZE_LIBRARIES) 2>/dev/null)
LIBRARY_CFLAGS := $(if $(CROSS),$(patsubst -I%,-isystem %,$(LIBRARY_CFLAGS)),$(LIBRARY_CFLAGS))
DUMPCORE_LIBS := $(shell $(PKG_CONFIG) --libs $(if $(STATIC),--static) $(DUMPCORE_LIBRARIES) 2>/dev/null)
ANALYZE_LIBS := $(shell $(PKG_CONFIG) --libs $(ANALYZE_LIBRARIES) 2>/dev/null)
TEST_LIBS := $(shell $(PKG_CONFIG) --libs $(TEST_LIBRARIES) 2>/dev/null)
ifeq ($(ANALYZE_LIBS),)
$(warning pkg-config does not know all of: $(ANALYZE_LIBRARIES). `make deps` installs what is missing.)
endif
endif

ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DDUMPCORE_VERSION='"$(VERSION)"' \
             -DRULES_FOLDER='"$(PREFIX)/share/dumpcore/rules"' \
             -DRULES_SCHEMA='"$(PREFIX)/share/dumpcore/rules.schema.json"' -I. \
             $(WARNINGS) $(CFLAGS) $(SANITIZE) $(LIBRARY_CFLAGS) -pthread
ALL_LDFLAGS = $(LDFLAGS) $(SANITIZE) -pthread

object = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

BASE_SOURCES := $(wildcard base/*.c)
ARCHIVE_SOURCES := $(wildcard archive/*.c)
DUMPCORE_SOURCES := $(wildcard dumpcore/*.c)
ANALYZE_SOURCES := $(wildcard analyze/*.c analyze/*/*.c)
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
UNIT_SOURCES := $(wildcard tests/unit/$(if $(CROSS),dumpcore,*)/*_test.c)
FUZZ_SOURCES := $(wildcard tests/fuzz/*_fuzz.c)
TARGET_SOURCES := $(wildcard tests/targets/*.c tests/bench/*.c demo/*.c)
SHARED_SOURCES := $(wildcard tests/targets/shared/*.c)
ALL_SOURCES := $(BASE_SOURCES) $(ARCHIVE_SOURCES) $(DUMPCORE_SOURCES) $(ANALYZE_SOURCES) \
               $(SUPPORT_SOURCES) $(UNIT_SOURCES) $(wildcard tests/fuzz/*.c) $(TARGET_SOURCES) \
               $(SHARED_SOURCES) \
               $(wildcard tests/emulated/*.c tests/bench/stages/*.c)
ALL_HEADERS := $(wildcard base/*.h archive/*.h dumpcore/*.h analyze/*.h analyze/*/*.h \
                 tests/support/*.h tests/unit/*.h)

COMMON_OBJECTS := $(call object,$(BASE_SOURCES) $(ARCHIVE_SOURCES))
ifeq ($(FAULTS),1)
COMMON_OBJECTS := $(filter-out %/base/fault.o,$(COMMON_OBJECTS)) $(call object,$(FAULT_POINTS))
endif
DUMPCORE_OBJECTS := $(call object,$(call of_machine,$(DUMPCORE_SOURCES)))
ANALYZE_OBJECTS := $(call object,$(ANALYZE_SOURCES))
SUPPORT_OBJECTS := $(call object,$(filter-out $(FAULT_POINTS),$(SUPPORT_SOURCES)))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(call of_machine,$(UNIT_SOURCES)))
FUZZ_REPLAYS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SOURCES))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzzers/%,$(FUZZ_SOURCES))
STAGE_BENCHES := $(patsubst tests/bench/stages/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/stages/*.c))
TARGETS := $(addprefix build/targets/,$(basename $(notdir $(TARGET_SOURCES)))) \
           $(patsubst tests/targets/shared/%.c,build/targets/%.so,$(SHARED_SOURCES))

.PHONY: all
all: $(BUILD)/dumpcore $(BUILD)/analyze

$(BUILD)/dumpcore: $(DUMPCORE_OBJECTS) $(COMMON_OBJECTS)
	$(CC) $(STATIC) $(ALL_LDFLAGS) -o $@ $^ $(DUMPCORE_LIBS)

$(BUILD)/analyze: $(ANALYZE_OBJECTS) $(COMMON_OBJECTS)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ANALYZE_LIBS)

# Rewritten only where the flags changed, so that another PREFIX or CFLAGS rebuilds what it must.
.PHONY: force
$(BUILD)/flags: force
	@mkdir -p $(@D)
	@echo $(CC) $(filter-out -Werror,$(ALL_CFLAGS)) | cmp -s - $@ || \
		echo $(CC) $(filter-out -Werror,$(ALL_CFLAGS)) >$@

# Else make takes the objects of unit tests away behind the first build, and the second makes them anew.
.SECONDARY:

# Unit tests run for less time than -O2 takes to compile them, most of all for the sanitizers.
UNIT_CFLAGS := $(if $(filter file,$(origin CFLAGS)),-O1)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(if $(filter tests/unit/%,$<),$(UNIT_CFLAGS)) -MMD -MP -c -o $@ $<

# Words of memory are compared by the million: watching each comparison halves the fuzzer's speed.
ifeq ($(FUZZ),1)
$(BUILD)/obj/analyze/heap/%.o $(BUILD)/obj/analyze/memory/%.o: CFLAGS += -fno-sanitize-coverage=trace-cmp
endif

# A unit test is one file about one module; what it needs comes from these archives.
$(BUILD)/libdumpcore.a: $(filter-out %/dumpcore/main.o,$(DUMPCORE_OBJECTS))
	rm -f $@ && ar rcs $@ $^
$(BUILD)/libanalyze.a: $(filter-out %/analyze/main.o,$(ANALYZE_OBJECTS))
	rm -f $@ && ar rcs $@ $^
$(BUILD)/libcommon.a: $(COMMON_OBJECTS) $(SUPPORT_OBJECTS)
	rm -f $@ && ar rcs $@ $^

# The archives need each other where a builder of tests/support calls the code under test.
link_test = $(CC) $(ALL_LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(ANALYZE_LIBS) $(TEST_LIBS)

$(BUILD)/tests/dumpcore/%_test: $(BUILD)/obj/tests/unit/dumpcore/%_test.o $(BUILD)/libdumpcore.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(link_test)
$(BUILD)/tests/%_test: $(BUILD)/obj/tests/unit/%_test.o $(BUILD)/libanalyze.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(link_test)
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/replay.o $(BUILD)/libanalyze.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(link_test)
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/stages/%.o $(BUILD)/libanalyze.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(link_test)

$(BUILD)/fuzzers/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/libanalyze.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(link_test) -fsanitize=fuzzer

# Programs to be captured: never sanitized, plain C, no library of ours.
build_target = $(CC) -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -pthread -o $@ $<
build/targets/%: tests/targets/%.c
	@mkdir -p $(@D)
	$(build_target)
build/targets/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(build_target)
build/targets/%: demo/%.c
	@mkdir -p $(@D)
	$(build_target)

build/targets/%.so: tests/targets/shared/%.c
	@mkdir -p $(@D)
	$(build_target) -shared -fPIC

.PHONY: unit-tests fuzz-replays fuzzers targets stage-benches
unit-tests: $(UNIT_TESTS)
stage-benches: $(STAGE_BENCHES)
fuzz-replays: $(FUZZ_REPLAYS)
fuzzers: $(FUZZERS)
targets: $(TARGETS)

# Static, for any Linux on aarch64. Where its compiler or libraries cannot be had it says why.
.PHONY: aarch64
aarch64:
	@scripts/ensure-packages.sh cross
	@$(MAKE) --no-print-directory CROSS=aarch64-linux-gnu- build/aarch64/dumpcore

# What a build needs and what the tests need on top; both are silent where nothing is missing.
.PHONY: deps test-deps
deps:
	@scripts/ensure-packages.sh build
test-deps: deps
	@scripts/ensure-packages.sh test

# The makes below start after the packages are there. They use all processors unless -j was given.
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: demo
demo: deps
	@echo 'building ...'
	@$(MAKE) --silent --no-print-directory $(PARALLEL) all build/targets/leaky_server build/targets/traceable
	@demo/run

.PHONY: test test-build
test-build: test-deps
	@scripts/fetch-glibcs.sh
	@$(MAKE) --no-print-directory $(PARALLEL) all unit-tests fuzz-replays targets
	@$(MAKE) --no-print-directory $(PARALLEL) SAN=1 all unit-tests fuzz-replays
	@$(MAKE) --no-print-directory $(PARALLEL) FAULTS=1 build/fault/dumpcore
test: test-build
	@tests/run

.PHONY: bench
bench: test-deps
	@$(MAKE) --silent --no-print-directory $(PARALLEL) all stage-benches build/targets/bench_target build/targets/content_target build/targets/pause_target
	@tests/bench/run

.PHONY: fuzz
fuzz: test-deps
	@scripts/ensure-packages.sh fuzz
	@$(MAKE) --no-print-directory $(PARALLEL) FUZZ=1 fuzzers
	@$(MAKE) --no-print-directory $(PARALLEL) fuzz-replays

.PHONY: layers
layers:
	@tests/check_layers.py --self-test
	@tests/check_layers.py

.PHONY: format
format:
	clang-format -i $(ALL_SOURCES) $(ALL_HEADERS)

TIDY_CFLAGS = $(filter-out -Wmissing-prototypes,$(filter -std=% -D% -I%,$(ALL_CFLAGS)))
# What cppcheck is told not to say: it takes every address given to an out parameter for a read, and
# labels of one piece of assembler for different objects.
.PHONY: lint
lint:
	clang-tidy --quiet $(call of_machine,$(filter-out tests/%,$(ALL_SOURCES))) -- $(TIDY_CFLAGS) 2>/dev/null
	@if command -v cppcheck >/dev/null; then \
		cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
			--suppress=missingIncludeSystem --error-exitcode=1 -I. \
			--suppress=uninitStructMember --suppress=ctuuninitvar --suppress=objectIndex \
			--suppress=comparePointers \
			$(call of_machine,$(filter-out tests/%,$(ALL_SOURCES))); \
	else echo "cppcheck is not installed: its part of lint was not run"; fi

.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/dumpcore/rules \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/doc/dumpcore
	install -m 755 $(BUILD)/dumpcore $(BUILD)/analyze $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(wildcard rules/*.yml) $(DESTDIR)$(PREFIX)/share/dumpcore/rules
	install -m 644 rules/README.md $(DESTDIR)$(PREFIX)/share/dumpcore/rules
	install -m 644 docs/rules.schema.json $(DESTDIR)$(PREFIX)/share/dumpcore
	install -m 644 $(wildcard docs/*.1) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(wildcard docs/*.5) $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 README.md LICENSE CHANGELOG.md $(wildcard docs/*.md docs/*.json docs/*.service) \
		$(DESTDIR)$(PREFIX)/share/doc/dumpcore

.PHONY: clean
clean:
	rm -rf build

.PHONY: help
help:
	@echo 'Targets'
	@echo '  all           build/dumpcore (static) and build/analyze: the default'
	@echo '  demo          install what is missing, build, capture two leaking programs, report on them'
	@echo '  test          install what is missing, build, run every test, then again with sanitizers'
	@echo '  unit-tests    the unit tests only, in build/tests/'
	@echo '  targets       the programs that tests and demo capture, in build/targets/'
	@echo '  aarch64       build/aarch64/dumpcore (static), with a cross compiler; installs what is missing'
	@echo '  layers        includes must point downwards; file:line of each that does not'
	@echo '  bench         speed and pause beside cp and gcore, in one run (needs about 8 GB)'
	@echo '  fuzz          coverage-guided fuzzers, with clang; tests/fuzz/run runs them'
	@echo '  format        clang-format on all sources'
	@echo '  lint          clang-tidy, and cppcheck where it is installed'
	@echo '  install       to $$(DESTDIR)$$(PREFIX): programs, rules, man pages, docs'
	@echo '  deps          install what a build needs; test-deps: and what the tests need'
	@echo '  clean         remove build/'
	@echo 'Variables'
	@echo '  PREFIX=/usr/local   where install puts things, and where analyze looks for its rules'
	@echo '  DESTDIR=            put before PREFIX while installing, for packagers'
	@echo '  CC=cc CFLAGS="-O2 -g" LDFLAGS=    the compiler and its flags'
	@echo '  CROSS=aarch64-linux-gnu-    prefix of a cross compiler; what `make aarch64` uses'
	@echo '  WERROR=1            warnings are errors'
	@echo '  SAN=1               AddressSanitizer and UBSan; everything goes to build/san/'
	@echo '  FUZZ=1              clang, its sanitizers and libFuzzer; everything goes to build/libfuzzer/'
	@echo '  FAULTS=1            fault points for tests; everything goes to build/fault/'
	@echo '  STATIC=             link dumpcore dynamically (default: -static)'
	@echo '  JOBS=N              processes that demo, test and bench build with'

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
