#include "tests/unit/unit.h"

#include "analyze/content/class_remains.h"
#include "tests/support/class_file.h"

#include <stdlib.h>
#include <string.h>

static bool same(struct span span, const char *text)
{
	return span_equal(span, span_string(text));
}

/* What malloc's lists put over the first bytes of a free chunk. */
static void spoil(struct strbuf *bytes, size_t size)
{
	for (size_t i = 0; i < size && i < bytes->size; i++)
		bytes->data[i] = i % 8 < 6 ? (char)(0x30 + i * 41) : 0;
}

static void a_header_names_the_class(void **state)
{
	static const unsigned flags[] = { 0x0021, 0x0421, 0x0601, 0x1030, 0x4031 };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof flags / sizeof *flags; i++) {
		struct strbuf bytes = { 0 };
		struct class_remains remains;

		strbuf_pad(&bytes, 'x', i * 7);
		class_file_add(&bytes, "com/acme/app/Foo", "Foo.java", 12, flags[i / 2], i % 2);
		assert_true(class_remains_find(strbuf_span(&bytes), &remains));
		assert_true(same(remains.name, "com/acme/app/Foo"));
		assert_true(same(remains.package, "com/acme/app"));
		assert_int_equal(remains.start, i * 7);
		strbuf_deinit(&bytes);
	}
}

static void a_class_of_no_package_has_none(void **state)
{
	struct strbuf bytes = { 0 };
	struct class_remains remains;

	(void)state;
	class_file_add(&bytes, "Main", NULL, 3, 0x21, true);
	assert_true(class_remains_find(strbuf_span(&bytes), &remains));
	assert_true(same(remains.name, "Main"));
	assert_int_equal(remains.package.size, 0);
	strbuf_deinit(&bytes);
}

/* The flags of an abstract class begin like a Float constant. */
static void a_pool_without_its_start_is_numbered(void **state)
{
	static const unsigned flags[] = { 0x0021, 0x0421, 0x0601, 0x1031 };

	(void)state;
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		for (size_t gone = 4; gone <= 40; gone += 4) {
			struct strbuf bytes = { 0 };
			struct class_remains remains;

			class_file_add(&bytes, "com/acme/app/Foo", NULL, 12, flags[i], true);
			spoil(&bytes, gone);
			assert_true(class_remains_find(strbuf_span(&bytes), &remains));
			assert_true(same(remains.name, "com/acme/app/Foo"));
			strbuf_deinit(&bytes);
		}
}

static void add_constant(struct strbuf *out, const char *text)
{
	strbuf_add(out, "\1\0", 2);
	strbuf_putc(out, (char)strlen(text));
	strbuf_puts(out, text);
}

/* this_class cannot be followed, where the end of the pool was never written, but another constant
 * names a class as the source file is named. */
static void the_source_file_tells_the_package(void **state)
{
	static const struct {
		const char *first, *second, *source;
		bool known;
	} cases[] = {
		{ "com/acme/app/Foo", "NestHost", "Foo.java", true },
		{ "com/acme/app/Foo", "java/util/List", "Foo.java", false }, /* or one that Foo extends */
		{ "java/util/Map$Entry", "Code", "Map.java", false },
		{ "(Lcom/acme/app/Foo$Bar;I)V", "java/util/List", "Foo.java", true },
		{ "Ljava/util/List<Lcom/acme/app/Foo;>;", "Code", "Foo.java", true },
		{ "com/acme/app/FooKt", "this$0", "Foo.kt", true },
		{ "Lcom/acme/app/Food;", "Code", "Foo.java", false },
		{ "Lcom/acme/app/Foo;", "Lcom/acme/other/Foo;", "Foo.java", false },
		{ "Lcom/acme/app/Foo;", "Bar.java", "Foo.java", false },
		{ "Lcom/acme/app/Foo;", "Code", "Foo.xml", false },
		{ "Lcom/acme/app/Foo;", "Code", "path/Foo.java", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct strbuf bytes = { 0 };
		struct class_remains remains;

		strbuf_pad(&bytes, (char)0xee, 32);
		add_constant(&bytes, cases[i].first);
		for (const char *const *text =
				 (const char *const[]){ "()V", "value", "this", "size", NULL };
			 *text; text++)
			add_constant(&bytes, *text);
		add_constant(&bytes, cases[i].second);
		add_constant(&bytes, cases[i].source);
		if (class_remains_find(strbuf_span(&bytes), &remains) != cases[i].known)
			fail_msg("case %zu", i);
		if (cases[i].known) {
			assert_true(same(remains.package, "com/acme/app"));
			assert_null(remains.name.data);
		}
		strbuf_deinit(&bytes);
	}
}

/* The class's own constants were the first: a source file without a class tells nothing. */
static void a_class_that_is_not_named_is_not_guessed(void **state)
{
	struct strbuf bytes = { 0 };
	struct class_remains remains;

	(void)state;
	class_file_add(&bytes, "com/acme/app/Foo", "Foo.java", 20, 0x21, false);
	assert_true(class_remains_find(strbuf_span(&bytes), &remains));
	spoil(&bytes, 32);
	assert_false(class_remains_find(strbuf_span(&bytes), &remains));
	assert_true(remains.seen);
	strbuf_deinit(&bytes);
}

/* Any end is one that malloc or the window can make. */
static void cut_and_flipped_classes_are_read_within_bounds(void **state)
{
	struct strbuf whole = { 0 };
	struct class_remains remains;

	(void)state;
	class_file_add(&whole, "com/acme/app/Foo", "Foo.java", 8, 0x421, true);
	for (size_t size = 0; size <= whole.size; size++) {
		uint8_t *copy = malloc(size ? size : 1);

		memcpy(copy, whole.data, size);
		if (class_remains_find(span_make(copy, size), &remains))
			assert_true(same(remains.package, "com/acme/app"));
		free(copy);
	}
	for (size_t bit = 0; bit < whole.size * 8; bit++) {
		whole.data[bit / 8] = (char)(whole.data[bit / 8] ^ 1 << bit % 8);
		class_remains_find(strbuf_span(&whole), &remains);
		whole.data[bit / 8] = (char)(whole.data[bit / 8] ^ 1 << bit % 8);
	}
	strbuf_deinit(&whole);
}

static void noise_is_no_class(void **state)
{
	static uint8_t bytes[32768];
	struct class_remains remains;

	(void)state;
	srand(11);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)(round % 2 ? rand() : rand() % 20);
		assert_false(class_remains_find(span_make(bytes, sizeof bytes), &remains));
		assert_false(remains.seen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_names_the_class),
		cmocka_unit_test(a_class_of_no_package_has_none),
		cmocka_unit_test(a_pool_without_its_start_is_numbered),
		cmocka_unit_test(the_source_file_tells_the_package),
		cmocka_unit_test(a_class_that_is_not_named_is_not_guessed),
		cmocka_unit_test(cut_and_flipped_classes_are_read_within_bounds),
		cmocka_unit_test(noise_is_no_class),
	};

	return cmocka_run_group_tests_name("class_remains", tests, NULL, NULL);
}
