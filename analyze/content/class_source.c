#include "analyze/content/class_source.h"

#include "base/text.h"

#include <string.h>

/* Called for each class that a constant names. */
typedef void name_visitor(void *context, struct span name);

static bool is_name_byte(uint8_t c)
{
	return text_is_digit(c) || text_is_letter(c) || c == '_' || c == '$' || c == '/' || c == '-' ||
		   c >= 0x80;
}

static size_t name_length(struct span text)
{
	size_t length = 0;

	while (length < text.size && is_name_byte(text.data[length]))
		length++;
	return length;
}

/* Offset of the last slash, or SIZE_MAX. */
static size_t last_slash(struct span name)
{
	size_t at = name.size;

	while (at-- > 0)
		if (name.data[at] == '/')
			return at;
	return SIZE_MAX;
}

/* "com/acme/Foo": two folders and a name that starts with a capital; a media type or a path rarely
 * is so. */
static bool is_class_name(struct span name)
{
	size_t slash = last_slash(name);

	return slash != SIZE_MAX && slash + 1 < name.size && name.data[slash + 1] >= 'A' &&
		   name.data[slash + 1] <= 'Z' && last_slash(span_part(name, 0, slash)) != SIZE_MAX &&
		   class_name_is_possible(name);
}

/* Every "Lcom/acme/Foo;" of a descriptor or a signature (4.3.2, 4.7.9.1), or the text as a whole.
 */
static void visit_text(struct span text, name_visitor *visit, void *context)
{
	if (name_length(text) == text.size && is_class_name(text)) {
		visit(context, text);
		return;
	}
	for (size_t i = 0; i < text.size; i++) {
		struct span name = span_part(text, i + 1, text.size);
		size_t length = text.data[i] == 'L' ? name_length(name) : 0;

		i += length; /* what follows in it ends at the same byte */
		if (!length || length == name.size ||
			(name.data[length] != ';' && name.data[length] != '<'))
			continue;
		name.size = length;
		if (is_class_name(name))
			visit(context, name);
	}
}

static void visit_names(const struct class_pool *pool, name_visitor *visit, void *context)
{
	for (uint32_t i = 0; i < pool->slots; i++) {
		struct span text;

		if (class_pool_text(pool, pool->base + i, &text))
			visit_text(text, visit, context);
	}
}

static bool starts_with(struct span text, const char *start)
{
	return span_equal(span_part(text, 0, strlen(start)), span_string(start));
}

/* The name of a source file without its ending; data NULL where the text is none. */
static struct span source_stem(struct span text)
{
	static const char *const endings[] = { ".java", ".kt", ".scala", ".groovy", ".clj" };

	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		struct span ending = span_string(endings[i]);
		struct span stem = span_part(text, 0, text.size - ending.size);

		if (text.size > ending.size && name_length(stem) == stem.size &&
			last_slash(stem) == SIZE_MAX &&
			span_equal(span_part(text, stem.size, ending.size), ending))
			return stem;
	}
	return (struct span){ 0 };
}

/* The one source file that the constants name. */
static bool find_source(const struct class_pool *pool, struct span *stem)
{
	size_t count = 0;

	for (uint32_t i = 0; i < pool->slots; i++) {
		struct span text, found;

		if (!class_pool_text(pool, pool->base + i, &text))
			continue;
		found = source_stem(text);
		if (!found.data || (count && span_equal(found, *stem)))
			continue;
		*stem = found;
		count++;
	}
	return count == 1;
}

struct sourced {
	struct span stem, package;
	bool headless;
	const struct class_pool *pool;
	size_t packages;
};

/* Is there a constant that is this text as a whole? */
static bool has_text(const struct class_pool *pool, struct span wanted)
{
	for (uint32_t i = 0; i < pool->slots; i++) {
		struct span text;

		if (class_pool_text(pool, pool->base + i, &text) && span_equal(text, wanted))
			return true;
	}
	return false;
}

/* Foo, Foo$Bar, FooKt (Kotlin's class of a file's functions). */
static bool is_of_source(const struct sourced *sourced, struct span simple, bool *inner)
{
	struct span rest = span_part(simple, sourced->stem.size, simple.size);

	*inner = rest.size && rest.data[0] == '$';
	return span_equal(span_part(simple, 0, sourced->stem.size), sourced->stem) &&
		   (!rest.size || *inner || starts_with(rest, "Kt"));
}

/* Attributes (JVMS 4.7.7, 4.7.28) and a field of javac's that only a class inside another has. */
static bool is_inside_another(const struct class_pool *pool)
{
	return has_text(pool, span_string("NestHost")) ||
		   has_text(pool, span_string("EnclosingMethod")) || has_text(pool, span_string("this$0"));
}

/* Does a Class constant that is left name it? */
static bool has_class(const struct class_pool *pool, struct span wanted)
{
	for (uint32_t i = 0; i < pool->slots; i++) {
		struct span name;

		if (class_pool_class(pool, pool->base + i, &name) && span_equal(name, wanted))
			return true;
	}
	return false;
}

/* Where the header is gone and this_class could not be followed, this class's own constant is gone:
 * a name that another one has is that of the class around it, or of another class of the same name,
 * which this one extends or uses. Without numbers any text may be such a name. */
static bool is_another(const struct sourced *sourced, struct span name, bool inner)
{
	const struct class_pool *pool = sourced->pool;

	if (!sourced->headless)
		return false;
	if (inner)
		return starts_with(name, "java/") || starts_with(name, "javax/");
	return (pool->base ? has_class(pool, name) : has_text(pool, name)) && !is_inside_another(pool);
}

static void match_source(void *context, struct span name)
{
	struct sourced *sourced = context;
	size_t slash = last_slash(name);
	struct span package = span_part(name, 0, slash);
	bool inner;

	if (!is_of_source(sourced, span_part(name, slash + 1, name.size), &inner) ||
		(sourced->packages && span_equal(package, sourced->package)) ||
		is_another(sourced, name, inner))
		return;
	sourced->package = package;
	sourced->packages++;
}

bool class_source_package(const struct class_pool *pool, bool headless, struct span *package)
{
	struct sourced sourced = { .headless = headless, .pool = pool };

	if (!find_source(pool, &sourced.stem))
		return false;
	visit_names(pool, match_source, &sourced);
	*package = sourced.package;
	return sourced.packages == 1;
}
