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

BUILD := build
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wpointer-arith -Wundef -Wformat=2 $(if $(WERROR),-Werror)
STATIC := -static
ifeq ($(SAN),1)
BUILD := build/san
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
STATIC :=
endif

DUMPCORE_LIBRARIES := jansson libzstd libxxhash
ANALYZE_LIBRARIES := libelf libpcre2-8 libhs yaml-0.1 zlib libzstd jansson libxxhash
TEST_LIBRARIES := cmocka

# Asked only when something is built, so that `make help` and `make deps` work on a bare machine.
NEEDS_LIBRARIES := $(filter-out help deps clean demo test layers format,$(or $(MAKECMDGOALS),all))
ifneq ($(NEEDS_LIBRARIES),)
LIBRARY_CFLAGS := $(shell pkg-config --cflags $(ANALYZE_LIBRARIES) $(TEST_LIBRARIES) 2>/dev/null || \
                    pkg-config --cflags $(ANALYZE_LIBRARIES) 2>/dev/null)
DUMPCORE_LIBS := $(shell pkg-config --libs $(if $(STATIC),--static) $(DUMPCORE_LIBRARIES) 2>/dev/null)
ANALYZE_LIBS := $(shell pkg-config --libs $(ANALYZE_LIBRARIES) 2>/dev/null)
TEST_LIBS := $(shell pkg-config --libs $(TEST_LIBRARIES) 2>/dev/null)
endif

ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DDUMPCORE_VERSION='"$(VERSION)"' \
             -DRULES_FOLDER='"$(PREFIX)/share/dumpcore/rules"' -I. \
             $(WARNINGS) $(CFLAGS) $(SANITIZE) $(LIBRARY_CFLAGS) -pthread
ALL_LDFLAGS = $(LDFLAGS) $(SANITIZE) -pthread

object = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

BASE_SOURCES := $(wildcard base/*.c)
ARCHIVE_SOURCES := $(wildcard archive/*.c)
DUMPCORE_SOURCES := $(wildcard dumpcore/*.c)
ANALYZE_SOURCES := $(wildcard analyze/*.c analyze/*/*.c)
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
UNIT_SOURCES := $(wildcard tests/unit/*/*_test.c)
TARGET_SOURCES := $(wildcard tests/targets/*.c)

COMMON_OBJECTS := $(call object,$(BASE_SOURCES) $(ARCHIVE_SOURCES))
DUMPCORE_OBJECTS := $(call object,$(DUMPCORE_SOURCES))
ANALYZE_OBJECTS := $(call object,$(ANALYZE_SOURCES))
SUPPORT_OBJECTS := $(call object,$(SUPPORT_SOURCES))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SOURCES))
TARGETS := $(patsubst tests/targets/%.c,$(BUILD)/targets/%,$(TARGET_SOURCES))

.PHONY: all
all: $(BUILD)/dumpcore $(BUILD)/analyze

$(BUILD)/dumpcore: $(DUMPCORE_OBJECTS) $(COMMON_OBJECTS)
	$(CC) $(STATIC) $(ALL_LDFLAGS) -o $@ $^ $(DUMPCORE_LIBS)

$(BUILD)/analyze: $(ANALYZE_OBJECTS) $(COMMON_OBJECTS)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ANALYZE_LIBS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A unit test is one file about one module; what it needs comes from these archives.
$(BUILD)/libdumpcore.a: $(filter-out %/dumpcore/main.o,$(DUMPCORE_OBJECTS))
	rm -f $@ && ar rcs $@ $^
$(BUILD)/libanalyze.a: $(filter-out %/analyze/main.o,$(ANALYZE_OBJECTS))
	rm -f $@ && ar rcs $@ $^
$(BUILD)/libcommon.a: $(COMMON_OBJECTS) $(SUPPORT_OBJECTS)
	rm -f $@ && ar rcs $@ $^

$(BUILD)/tests/dumpcore/%_test: $(BUILD)/obj/tests/unit/dumpcore/%_test.o $(BUILD)/libdumpcore.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ANALYZE_LIBS) $(TEST_LIBS)
$(BUILD)/tests/%_test: $(BUILD)/obj/tests/unit/%_test.o $(BUILD)/libanalyze.a $(BUILD)/libcommon.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(ANALYZE_LIBS) $(TEST_LIBS)

# Programs to be captured: never sanitized, plain C, no library of ours.
$(BUILD)/targets/%: tests/targets/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -pthread -o $@ $<

.PHONY: unit-tests targets
unit-tests: $(UNIT_TESTS)
targets: $(TARGETS)

.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/dumpcore/rules
	install -m 755 $(BUILD)/dumpcore $(BUILD)/analyze $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(wildcard rules/*.yml) $(DESTDIR)$(PREFIX)/share/dumpcore/rules

.PHONY: clean
clean:
	rm -rf build

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
