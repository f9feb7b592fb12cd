/* core_fuzz: any bytes as a core file. */
#include "tests/fuzz/fuzz.h"

#include "tests/support/core_exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	core_exercise(span_make(data, size));
	return 0;
}

bool fuzz_seed(size_t index, struct strbuf *out)
{
	return core_seed(index, out);
}
