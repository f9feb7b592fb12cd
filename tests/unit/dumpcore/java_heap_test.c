#include "tests/unit/unit.h"

#include "dumpcore/java_heap.h"

#include <string.h>

#define JVM "7f0000000000-7f0000100000 r-xp 00000000 fd:00 9 /opt/jdk/lib/server/libjvm.so\n"

static bool find(const char *maps, struct range *heap)
{
	struct pool pool = { 0 };
	mappings list = { 0 };
	bool found;

	assert_true(proc_text_mappings(span_string(maps), &pool, &list, NULL));
	found = java_heap_find(&list, heap);
	vec_deinit(&list);
	pool_deinit(&pool);
	return found;
}

/* As OpenJDK 17 with -Xmx256m showed it: the class archive is mapped into the heap. */
static void a_compressed_heap_is_found(void **state)
{
	static const char maps[] =
		"f0000000-ffe00000 rw-p 00000000 00:00 0\n"
		"ffe00000-ffe75000 rw-p 00c77000 fe:00 318054 /usr/lib/jvm/lib/server/classes.jsa\n"
		"ffe75000-fff00000 rw-p 00000000 00:00 0\n"
		"fff00000-100000000 ---p 00000000 00:00 0\n"
		"5577b8a3d000-5577b8a84000 rw-p 00000000 00:00 0 [heap]\n" JVM
		"7fc770000000-7fc774000000 rw-p 00000000 00:00 0\n";
	struct range heap;

	(void)state;
	assert_true(find(maps, &heap));
	assert_true(heap.start == 0xf0000000 && heap.end == 0x100000000);
}

static void the_class_space_behind_it_is_not_heap(void **state)
{
	static const char maps[] = "6c0000000-700000000 rw-p 00000000 00:00 0\n"
							   "700000000-7c0000000 ---p 00000000 00:00 0\n"
							   "7c0000000-7c0800000 rw-p 00000000 00:00 0\n"
							   "7c0800000-800000000 ---p 00000000 00:00 0\n" JVM;
	struct range heap;

	(void)state;
	assert_true(find(maps, &heap));
	assert_true(heap.start == 0x6c0000000 && heap.end == 0x7c0000000);
}

/* Two touching arenas of glibc, each with its unused end, and a heap of 2 GiB: who could tell? */
static void above_32_gib_nothing_is_taken_for_the_heap(void **state)
{
	static const char maps[] = "7e0000000000-7e0040000000 rw-p 00000000 00:00 0\n"
							   "7e0040000000-7e0080000000 ---p 00000000 00:00 0\n" JVM
							   "7fc770000000-7fc770200000 rw-p 00000000 00:00 0\n"
							   "7fc770200000-7fc774000000 ---p 00000000 00:00 0\n"
							   "7fc774000000-7fc774200000 rw-p 00000000 00:00 0\n"
							   "7fc774200000-7fc778000000 ---p 00000000 00:00 0\n";
	struct range heap;

	(void)state;
	assert_false(find(maps, &heap));
	assert_int_equal(range_bytes(heap), 0);
}

static void other_programs_have_none(void **state)
{
	static const char maps[] = "f0000000-ffe00000 rw-p 00000000 00:00 0\n";
	static const char shared[] =
		"40000000000-40010000000 rw-s 00000000 00:01 34699 /memfd:java_heap (deleted)\n" JVM;
	static const char brk[] = "600000-a00000 rw-p 00000000 00:00 0 [heap]\n" JVM;
	struct range heap;

	(void)state;
	assert_false(find(maps, &heap));
	assert_false(find(shared, &heap));
	assert_false(find(brk, &heap));
	assert_int_equal(range_bytes(heap), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_compressed_heap_is_found),
		cmocka_unit_test(the_class_space_behind_it_is_not_heap),
		cmocka_unit_test(above_32_gib_nothing_is_taken_for_the_heap),
		cmocka_unit_test(other_programs_have_none),
	};

	return cmocka_run_group_tests_name("java_heap", tests, NULL, NULL);
}
