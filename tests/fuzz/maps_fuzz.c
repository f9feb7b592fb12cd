/* maps_fuzz: any text as /proc/PID/maps, smaps and status. */
#include "tests/fuzz/fuzz.h"

#include "archive/proc_text.h"
#include "tests/support/promise.h"

#include <string.h>

static const char *const seeds[] = {
	"00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus-daemon\n"
	"00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/dbus-daemon (deleted)\n"
	"00e03000-00e24000 rw-p 00000000 00:00 0           [heap]\n"
	"7f3400000000-7f3400021000 rw-p 00000000 00:00 0 \n"
	"7fffb2c0d000-7fffb2c2e000 rw-s 00000000 00:05 77 /memfd:with\\012newline\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n",
	"7f3400000000-7f3400021000 rw-p 00000000 00:00 0    [anon: glibc: malloc arena]\n"
	"Size:                132 kB\nRss:                  84 kB\nAnonymous:            84 kB\n"
	"AnonHugePages:      2048 kB\nSwap:                 16 kB\nTHPeligible:           0\n"
	"VmFlags: rd wr mr mw me ac sd \n",
	"Name:\tprogram\nVmRSS:\t  123456 kB\nVmSwap:\t 0 kB\nHugetlbPages:\t 2048 kB\nThreads:\t3\n",
};

static void check_mappings(const mappings *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct mapping *mapping = &found->items[i];

		promise(mapping->range.start < mapping->range.end, "a mapping is not empty");
		promise(mapping->path != NULL, "a mapping has a path");
		promise(strlen(mapping->vm_flags) < sizeof mapping->vm_flags, "flags end");
		mapping_has_flag(mapping, "sd");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "VmRSS", "Name", "", "Threads" };
	struct span text = span_make(data, size);
	mappings found = { 0 };
	struct pool pool = { 0 };
	struct err err = { 0 };
	uint64_t value;

	if (proc_text_mappings(text, &pool, &found, &err))
		check_mappings(&found);
	else
		promise(err.kind != ERR_NONE && *err.what, "a failure says why");
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct span rest = proc_text_value(text, keys[i]);

		promise(!rest.size || (rest.data >= data && rest.data + rest.size <= data + size),
				"a value is part of the text");
		proc_text_number(text, keys[i], &value);
	}
	vec_deinit(&found);
	pool_deinit(&pool);
	return 0;
}

bool fuzz_seed(size_t index, struct strbuf *out)
{
	if (index >= sizeof seeds / sizeof *seeds)
		return false;
	strbuf_add(out, seeds[index], strlen(seeds[index]));
	return true;
}
